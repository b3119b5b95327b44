package host

import (
	"fmt"
	"time"

	"consequor/board"
	"consequor/modes"
	"consequor/mutants"
)

// The host's limits.
const (
	PendingCountMax = 4096                   // events that wait for the plugin
	PendingSizeMax  = 4 << 20                // bytes of them
	BacklogSizeMax  = 16 << 20               // bytes written but not on disk: beyond, the plugin waits
	RequestCountMax = 16384                  // open requests
	LastWord        = 100 * time.Millisecond // after a request's deadline the mode has so long to answer
	AnnounceEvery   = time.Second            // between announcements to a peer that does not answer them
	SpanChunkSize   = 1 << 20                // bytes of articles in one span frame
)

// Position is a place in the journal: everything before it was written earlier.
type Position uint64

// Disk is one replica's share of journal and board. Writes go to the journal
// in call order and return the position behind them; none blocks.
type Disk interface {
	// Past returns the state last set and the records saved and not forgotten
	// since, on disk or not yet.
	Past() (Past, error)
	Save(record []byte) Position
	Forget(upTo uint64) Position
	Journal(articles []board.Article) Position
	SetState(state []byte) Position
	// Reset drops all records, numbers from 1 again and sets the state: one
	// entry, so that a crash leaves all of it or nothing.
	Reset(state []byte) Position
	// Sync asks that everything before pos get to disk; Host.Synced follows.
	Sync(pos Position)
	// Backlog is the number of bytes written that are not yet on disk.
	Backlog() int64
	// Full reports that the disk has no room: what is written waits until there
	// is some, and posts are refused meanwhile.
	Full() bool

	// Put makes articles visible on the board.
	Put(articles []board.Article) error
	Vector() board.Vector
	Get(id board.ArticleID) (board.Article, bool, error)
	// Keys returns the keys among the newest n articles, by rising id, and how
	// far back they reach: see modes.Start.KeysFrom.
	Keys(n int) (keys []board.KeyedID, from uint64, err error)
}

// Past is what a disk has of earlier lives.
type Past struct {
	State   []byte
	First   uint64 // number of the first record
	Records [][]byte
}

// Network carries frames to peers. Frames may be lost; no call blocks.
type Network interface {
	Send(f Frame)
	// SendSpan sends all articles beyond since and up to upTo, as a sequence
	// of span frames (see SpanChunk), in order.
	SendSpan(to board.ReplicaID, header Frame, since, upTo board.Vector, message []byte)
}

// Plugin runs the state machine. Step is answered by Host.Stepped, or the
// plugin's end by Host.PluginDown; until then it is not called again.
type Plugin interface {
	Step(life uint64, batch modes.Batch)
}

// Clients takes the answers to requests, and what of the host may be seen from
// outside.
type Clients interface {
	Answer(id modes.RequestID, a Answer)
	// View is called when what the host can answer alone has changed.
	View(v View)
	// Status is called when the mode reports a change.
	Status(s modes.Status)
	// Sealed, Stopped and Halted tell the three ends of an epoch's mode. Sealed
	// may be told again, by a new life or because Seal was called again.
	Sealed(v board.Vector)
	// Merged tells that the board holds exactly what Merge asked for, durably.
	Merged(v board.Vector)
	Stopped()
	Halted(why string)
	// Note takes a line for the trace.
	Note(text string)
}

// Config says who the host is.
type Config struct {
	Self        board.ReplicaID
	Replicas    []board.ReplicaID // all, rising
	Voters      []board.ReplicaID // rising
	Cluster     string            // id; tokens of another are refused
	Epoch       uint64            // at least 1
	ModeEpoch   uint64            // that the mode began with; what the disk has of an earlier one is void, but for the board
	Mode        string            // name of the mode, for answers
	Seed        uint64
	Options     []modes.Option
	ReplicaName func(board.ReplicaID) string // for messages; default "r1"

	Disk    Disk
	Network Network
	Plugin  Plugin
	Clients Clients

	Mutant mutants.Mutant // the rule that is left out, for simulators: M12, M14, M31, M32, M34 to M36 or M38
}

// phase is where the host is in the life of its mode.
type phase uint8

const (
	phaseIdle     phase = iota // no plugin
	phaseStarting              // plugin is there; its incarnation is not durable yet
	phaseRunning               // batches flow
	phaseHalted                // nothing goes on
)

// Host is the core of one replica.
type Host struct {
	Config
	now         time.Duration
	phase       phase
	state       state
	life        uint64   // counts plugins; effects of an older one are dropped
	startAt     Position // of the incarnation that must be durable before the first batch
	batchNumber uint64   // of the batch in the plugin, or the last one
	stepping    bool     // a batch is in the plugin
	stopping    bool     // Stop was asked for
	seal        seal
	merging     *merging // nil: Merge was not asked for
	guarantee   string   // of local reads; empty: off
	status      modes.Status

	pending pendingQueue
	urgent  []modes.Event // the past of a new life: pieces that go one a batch, before pending

	end     Position // of all that was written
	holdAt  Position // what held effects wait for: the last save or durable store
	synced  Position // on disk
	asked   Position // the furthest Sync
	held    []heldEffects
	shown   []shownAt                         // durable stores that are not visible yet
	hidden  map[board.ArticleID]board.Article // those articles
	written board.Vector                      // visible and hidden ones together

	requests  requestTable
	timers    timerTable
	peers     map[board.ReplicaID]*peer
	unheard   int             // peers that are linked and not up: asked on every call of Tick and NextWake
	announced time.Duration   // when last
	untold    []board.KeyedID // keys of articles that spans brought, and the mode was not told yet
	untoldNew int             // how many articles those spans brought
}

// New returns a host at rest; PluginUp begins its life.
func New(c Config) (*Host, error) {
	if c.ReplicaName == nil {
		c.ReplicaName = board.ReplicaID.String
	}
	h := &Host{
		Config:   c,
		requests: newRequestTable(),
		peers:    make(map[board.ReplicaID]*peer),
		hidden:   make(map[board.ArticleID]board.Article),
		written:  c.Disk.Vector(),
	}
	for _, id := range c.Replicas {
		if id != c.Self {
			h.peers[id] = &peer{}
		}
	}
	past, err := c.Disk.Past()
	if err != nil {
		return nil, fmt.Errorf("read the past of %s: %w", c.ReplicaName(c.Self), err)
	}
	h.state, err = decodeState(past.State)
	if err != nil {
		return nil, fmt.Errorf("state of %s: %w", c.ReplicaName(c.Self), err)
	}
	if err := h.enterEpoch(); err != nil {
		return nil, err
	}
	return h, nil
}

// Tick tells the time, which never falls, and does what is due by it.
func (h *Host) Tick(now time.Duration) {
	if now < h.now {
		return
	}
	h.now = now
	h.expireRequests()
	h.pullAgain()
	if h.phase != phaseRunning {
		return
	}
	for _, name := range h.timers.expired(now) {
		h.pending.push(modes.Timer{Name: name})
	}
	if at, ok := h.nextAnnouncement(); ok && at <= now {
		h.announceAgain()
	}
}

// NextWake returns when Tick must be called again at the latest; false means
// that nothing is due.
func (h *Host) NextWake() (time.Duration, bool) {
	wake, ok := h.requests.nextDeadline()
	sooner := func(at time.Duration, set bool) {
		if set && (!ok || at < wake) {
			wake, ok = at, true
		}
	}
	sooner(h.nextPull())
	if h.phase == phaseRunning {
		sooner(h.timers.next())
		sooner(h.nextAnnouncement())
	}
	return wake, ok
}

func (h *Host) saveState() Position {
	h.end = h.Disk.SetState(h.state.encode())
	return h.end
}

// Stop asks the mode to hand over and then to say Stopped.
func (h *Host) Stop() {
	h.stopping = true
	if h.phase == phaseRunning {
		h.pending.push(modes.Stop{})
		return
	}
	h.Clients.Stopped() // there is no mode that could hand anything over
}

// halt ends this replica's work for good: a broken mode or disk.
func (h *Host) halt(why string) {
	if h.phase == phaseHalted {
		return
	}
	h.phase = phaseHalted
	h.merging = nil
	h.setGuarantee("")
	h.pending.dropAll()
	h.announce(kindDown)
	h.Clients.Halted(why)
	h.requests.each(func(r *request) {
		h.finish(r, r.lost("the replica has failed: "+why))
	})
}

// Vector is what the board holds, what is not visible yet included.
func (h *Host) Vector() board.Vector { return h.written }

// Incarnation is the number of the present life.
func (h *Host) Incarnation() uint64 { return h.state.Incarnation }

func (h *Host) setGuarantee(label string) {
	if h.guarantee != label {
		h.guarantee = label
		h.publish()
	}
}

// publish shows the driver what it may answer alone.
func (h *Host) publish() {
	h.Clients.View(View{Epoch: h.state.Epoch, Mode: h.Mode, Guarantee: h.guarantee, Board: h.Disk.Vector(), Behind: h.status.Behind})
}
