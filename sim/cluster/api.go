package cluster

import (
	"time"

	"consequor/board"
	"consequor/modes"
	"consequor/replicad/host"
)

// Cluster is the replicas, what connects them, and the agenda.
type Cluster struct{ Config }

// Replica is one of them.
type Replica struct{ ID board.ReplicaID }

// New makes a cluster whose processes are all down, and whose links are whole.
func New(c Config) *Cluster { panic("not yet") }

// Close ends the state machines that still run.
func (c *Cluster) Close() { panic("not yet") }

// Now is the virtual time.
func (c *Cluster) Now() time.Duration { panic("not yet") }

// At puts something on the agenda.
func (c *Cluster) At(at time.Duration, do func()) { panic("not yet") }

// Run lets time pass until end, or until something that must never happen has
// happened: its error comes again with each later Run.
func (c *Cluster) Run(end time.Duration) error { panic("not yet") }

// Fail ends the run: something that must never happen has happened.
func (c *Cluster) Fail(r board.ReplicaID, format string, args ...any) { panic("not yet") }

// Emit adds a line to the trace.
func (c *Cluster) Emit(e Event) { panic("not yet") }

// Events counts what has happened on the agenda so far.
func (c *Cluster) Events() int { panic("not yet") }

// All lists the replicas, by number.
func (c *Cluster) All() []*Replica { panic("not yet") }

// Replica returns one.
func (c *Cluster) Replica(id board.ReplicaID) *Replica { panic("not yet") }

// Coordinator is the live replica that its mode calls coordinator in the
// highest term; nil: there is none.
func (c *Cluster) Coordinator() *Replica { panic("not yet") }

// SetEpoch says what processes that start from now on are told.
func (c *Cluster) SetEpoch(a host.Activation) { panic("not yet") }

// SetWeather changes what all links do to frames.
func (c *Cluster) SetWeather(w Weather) { panic("not yet") }

// SetLinkWeather changes what one does.
func (c *Cluster) SetLinkWeather(a, b board.ReplicaID, w Weather) { panic("not yet") }

// Cut loses, from now on, all that one replica sends to another. As with a
// real network nobody is told at once: both ends see their connection break
// after a while when nothing comes through (DetectAfter). Cuts are counted:
// each needs a Heal of its own.
func (c *Cluster) Cut(from, to board.ReplicaID) { panic("not yet") }

// Heal takes back one Cut. The link comes back after a while.
func (c *Cluster) Heal(from, to board.ReplicaID) { panic("not yet") }

// Break breaks the connection of two replicas at once, and both see it; it is
// made again after a while unless a Cut is in its way.
func (c *Cluster) Break(a, b board.ReplicaID) { panic("not yet") }

// Boot starts a replica's process on its disk, unless it runs or has failed.
func (r *Replica) Boot() { panic("not yet") }

// Up reports whether its process runs.
func (r *Replica) Up() bool { panic("not yet") }

// Failed says why it does not start any more; empty: it does.
func (r *Replica) Failed() string { panic("not yet") }

// Crash ends the process at once.
func (r *Replica) Crash(c Crash) { panic("not yet") }

// CrashAt ends it at a boundary of the next batch that has effects; it is
// forgotten if the process ends before.
func (r *Replica) CrashAt(b Boundary, c Crash) { panic("not yet") }

// Stop asks the process to leave in order; it ends when its mode has.
func (r *Replica) Stop() { panic("not yet") }

// Pause lets the process stand still until the given time; its disk goes on,
// and so does its plugin.
func (r *Replica) Pause(until time.Duration) { panic("not yet") }

// PausePlugin lets the plugin alone stand still.
func (r *Replica) PausePlugin(until time.Duration) { panic("not yet") }

// KillPlugin ends the plugin's process alone; replicad starts another.
func (r *Replica) KillPlugin() { panic("not yet") }

// SlowDisk makes every fsync take up to max until the given time.
func (r *Replica) SlowDisk(max time.Duration, until time.Duration) { panic("not yet") }

// FillDisk leaves no room until the given time: nothing gets to disk, posts are
// refused by the process as replicad does, and reads go on.
func (r *Replica) FillDisk(until time.Duration) { panic("not yet") }

// Clock changes a replica's clock: from now on it runs rate times as fast (per
// mille), and it jumps ahead by jump. Host and mode see nothing else.
func (r *Replica) Clock(rate int, jump time.Duration) { panic("not yet") }

// Ask sends a request and calls end with its one answer. A process that dies
// answers unknown, as a client sees its connection break; one that is down
// refuses at once, with nobody's kind. Reads that the host may answer without
// the mode are answered so, as replicad does. In end the replica's Board is as
// the client is shown it.
func (r *Replica) Ask(q host.Request, end func(host.Answer)) { panic("not yet") }

// Board is what is visible on the replica now; it must not be changed.
func (r *Replica) Board() *board.Board { panic("not yet") }

// Durable is the board that a crash would leave.
func (r *Replica) Durable() *board.Board { panic("not yet") }

// Status is what its mode has reported last.
func (r *Replica) Status() modes.Status { panic("not yet") }

// Level is what a supervisor knows of it: see modechange.Report.
func (r *Replica) Level() Level { panic("not yet") }

// Tell gives the process an order of the supervisor, after a moment; it is
// lost if the process ends or has begun another life by then.
func (r *Replica) Tell(do func(*host.Host)) { panic("not yet") }

// Activate has it begin an epoch, with a state machine of that mode.
func (r *Replica) Activate(a host.Activation) { panic("not yet") }

// Level is how far a replica's process has come.
type Level struct {
	Life   int // counts its processes
	Up     bool
	Paused bool
	Serves bool // its mode has reported that it is caught up, in Epoch
	Epoch  uint64
	Sealed *board.Vector // durable; nil: it is not sealed
	Merged *board.Vector // the last target that it has reached; nil: none
}
