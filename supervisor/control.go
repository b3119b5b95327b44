package supervisor

import (
	"context"
	"time"
)

// State is what the supervisor makes of a replica.
type State string

// The states of a replica.
const (
	StateStarting State = "starting" // its process runs, it does not serve yet
	StateServing  State = "serving"
	StatePaused   State = "paused"  // SIGSTOP
	StateKilled   State = "killed"  // SIGKILL, on request: stays down until restarted
	StateStopped  State = "stopped" // in order, on request
	StateFailed   State = "failed"  // given up: Why says why
)

// ClusterStatus is the answer to `status`, as CLI.md fixes it.
type ClusterStatus struct {
	Cluster       string          `json:"cluster"`
	Topology      string          `json:"topology"` // path of the file it was made from
	Mode          string          `json:"mode"`
	Options       []ModeOption    `json:"options"`          // of the mode, as far as they were set; sorted by name
	Unsafe        bool            `json:"unsafe,omitempty"` // the mode's options break its promise
	Epoch         uint64          `json:"epoch"`
	Coordinator   *string         `json:"coordinator"` // nil: none known; never a replica that is not serving
	Backup        *string         `json:"backup"`
	Web           *string         `json:"web"`
	WebControl    *string         `json:"web_control,omitempty"` // with what lets a browser control the cluster
	SupervisorPID int             `json:"supervisor_pid"`
	Ephemeral     bool            `json:"ephemeral"`
	Faults        []LinkFault     `json:"faults"` // of links, wanted: by from, then to
	Replicas      []ReplicaStatus `json:"replicas"`
}

// ModeOption is one option that was set.
type ModeOption struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// ReplicaStatus is one row of it. What a replica last reported of its board
// stays when it goes down; its role, term and pids do not.
type ReplicaStatus struct {
	Name           string    `json:"name"`
	State          State     `json:"state"`
	Role           string    `json:"role"`
	Term           uint64    `json:"term"`
	Articles       uint64    `json:"articles"`
	Vector         string    `json:"vector"`
	Behind         uint64    `json:"behind"`
	PID            int       `json:"pid"`        // 0: no process
	PluginPID      int       `json:"plugin_pid"` // 0: no plugin
	Restarts       int       `json:"restarts"`   // of the process, since up
	PluginRestarts int       `json:"plugin_restarts"`
	PluginEnded    string    `json:"plugin_ended,omitempty"` // why the plugin before the present one ended, for people
	ClientAddr     string    `json:"client_addr"`
	PeerAddr       string    `json:"peer_addr"`
	Process        string    `json:"process"`
	ModeSHA256     string    `json:"mode_sha256"`
	Change         string    `json:"change,omitempty"` // what the mode change that is under way waits for here
	Step           string    `json:"step,omitempty"`   // started, joined, caught_up: how far it has come
	Why            string    `json:"why,omitempty"`    // what it waits for, or why it is down
	Since          time.Time `json:"since"`            // when its state last changed
}

// Serving reports whether every replica serves.
func (s *ClusterStatus) Serving() bool {
	for _, r := range s.Replicas {
		if r.State != StateServing {
			return false
		}
	}
	return len(s.Replicas) > 0
}

// Replica returns the row of the replica name, or nil.
func (s *ClusterStatus) Replica(name string) *ReplicaStatus {
	for i := range s.Replicas {
		if s.Replicas[i].Name == name {
			return &s.Replicas[i]
		}
	}
	return nil
}

// EventKind says what an Event tells of.
type EventKind string

// The kinds of events. More may be added.
const (
	EventSpawned     EventKind = "spawned"
	EventStarted     EventKind = "started"     // disk open, mode running, listeners bound
	EventJoined      EventKind = "joined"      // reached the peers it needs
	EventServing     EventKind = "serving"     // caught up
	EventDied        EventKind = "died"        // and will be started again, or the text says why not
	EventBackoff     EventKind = "backoff"     // will be started again after a pause
	EventFailed      EventKind = "failed"      // will not be started again
	EventKilled      EventKind = "killed"      // on request
	EventStopping    EventKind = "stopping"    // on request
	EventStopped     EventKind = "stopped"     // on request
	EventPaused      EventKind = "paused"      // on request
	EventResumed     EventKind = "resumed"     // on request
	EventPlugin      EventKind = "plugin"      // its plugin died, or was killed, paused or resumed
	EventCoordinator EventKind = "coordinator" // another one, or none
	EventReady       EventKind = "ready"       // all replicas serve
	EventMode        EventKind = "mode"        // a step of a mode change
	EventCut         EventKind = "cut"         // links, on request or from the start
	EventDelayed     EventKind = "delayed"     // links have another delay; perhaps none, but another fault
	EventLossy       EventKind = "lossy"       // links have another loss; perhaps none, but another fault
	EventHealed      EventKind = "healed"      // links have no fault any more
	EventWeb         EventKind = "web"         // the web client: where it is, or why it is gone
	EventNote        EventKind = "note"        // from the supervisor itself
	EventDropped     EventKind = "dropped"     // this reader was too slow: the stream ends here
)

// Event is something that happened in the cluster.
type Event struct {
	Seq     uint64    `json:"seq"` // 1, 2, ... since up
	Time    time.Time `json:"time"`
	Kind    EventKind `json:"kind"`
	Replica string    `json:"replica,omitempty"` // empty: the cluster
	Text    string    `json:"text"`              // for people, complete with the replica's name

	// Of a link fault: the directions that it changed, each from and to.
	Links [][2]string `json:"links,omitempty"`
}

// Verb is what can be done to a replica.
type Verb string

// The verbs of Act.
const (
	Kill    Verb = "kill"
	Stop    Verb = "stop"
	Pause   Verb = "pause"
	Resume  Verb = "resume"
	Restart Verb = "restart"
)

// ActOptions modify a verb.
type ActOptions struct {
	Respawn bool          `json:"respawn,omitempty"` // kill: the restart policy applies
	Wait    time.Duration `json:"wait,omitempty"`    // restart, resume: until the replica serves, at most so long; 0: do not wait
}

// ActResult is the answer to kill and its siblings, as CLI.md fixes it. It
// comes when the thing is done: after kill and stop the process is gone.
type ActResult struct {
	Target   string   `json:"target"`         // as asked
	Replicas []string `json:"replicas"`       // every replica hit
	Role     string   `json:"role"`           // that the replica had
	PID      int      `json:"pid"`            // of the process hit; restart: of the new one
	Idle     bool     `json:"idle,omitempty"` // resume: nothing of it was paused
}

// Progress is one line of what `down` waits for.
type Progress struct {
	Waiting []string `json:"waiting"` // replicas whose process still lives
	Text    string   `json:"text"`
	Done    bool     `json:"done"` // nothing is left, the lock included
}

// Client speaks to the supervisor of one cluster. Its errors are *Error, or
// the context's. It may be used by many goroutines at once.
type Client struct {
	home string
	http httpClient
}

// Home is the folder in which the cluster lives.
func (c *Client) Home() string { return c.home }

// Name is the cluster's name.
func (c *Client) Name() string { return clusterName(c.home) }

// Status asks how the cluster is.
func (c *Client) Status(ctx context.Context) (*ClusterStatus, error) {
	var s ClusterStatus
	if err := c.call(ctx, "GET", pathStatus, nil, &s); err != nil {
		return nil, err
	}
	return &s, nil
}

// WatchStatus calls f with the status now and after each change, until f
// returns an error (which it returns), ctx ends, or the supervisor goes (kind
// KindNotRunning). A slow f sees the newest status, not each one.
func (c *Client) WatchStatus(ctx context.Context, f func(*ClusterStatus) error) error {
	return stream(ctx, c, "GET", pathWatch, nil, f)
}

// Events calls f with each event after the event number since (0: all that
// are still kept), until f returns an error, ctx ends, or the supervisor goes.
func (c *Client) Events(ctx context.Context, since uint64, f func(Event) error) error {
	return stream(ctx, c, "GET", pathEvents(since), nil, func(e *Event) error { return f(*e) })
}

// Act does verb to target: a replica's name, "coordinator", "backup", or
// "plugin:" before any of these.
func (c *Client) Act(ctx context.Context, verb Verb, target string, o ActOptions) (*ActResult, error) {
	var r ActResult
	if err := c.call(ctx, "POST", pathAct, actRequest{verb, target, o}, &r); err != nil {
		return nil, err
	}
	return &r, nil
}

// Down stops the cluster in order and calls f (if not nil) with what is still
// waited for. It returns once nothing is left: no process, no socket, no lock.
// When now is set, the replicas are killed instead.
func (c *Client) Down(ctx context.Context, now bool, f func(Progress)) error {
	return c.down(ctx, now, f)
}

// LogPath is where the replica's process writes its log.
func (c *Client) LogPath(replica string) string { return LogPath(c.home, replica) }
