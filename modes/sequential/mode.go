package sequential

import (
	"fmt"
	"math/rand/v2"
	"time"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"

	"consequor/board"
	"consequor/modes"
	"consequor/mutants"
)

// replicasMax bounds the cluster: every replica is a voter.
const replicasMax = 7

// limits are what tests make small.
type limits struct {
	logLenMax    int           // entries in memory; more are trimmed ...
	logLenKeep   int           // ... to so many behind what is applied, for followers that were away
	logSizeMax   int           // likewise in bytes of posts
	logSizeKeep  int           //
	underWayMax  uint64        // entries not applied yet; beyond, the coordinator takes no more posts
	waitingMax   int           // requests of this replica's clients; beyond, they are refused
	keyCountMax  uint64        // articles whose keys count
	boardTimeout time.Duration // for a board that was sent to arrive
}

var defaultLimits = limits{
	logLenMax:    10_000,
	logLenKeep:   5_000,
	logSizeMax:   32 << 20,
	logSizeKeep:  16 << 20,
	underWayMax:  16_384,
	waitingMax:   65_536,
	keyCountMax:  board.KeyCountMax,
	boardTimeout: 30 * time.Second,
}

// Describe says what the mode is, for people.
func Describe() modes.Description {
	return modes.Description{
		Name:    "sequential",
		Version: "1",
		Promise: "One order of all articles on every replica. An acknowledged post is on the disks of a majority and is never lost. " +
			"A session's reads never go back and always show its own posts; a read may be behind another session's post, a fresh one never is.",
		Survives:    "Any minority of the replicas, the coordinator too. Without a majority nothing is posted, and reads go on.",
		ReplicasMax: replicasMax,
	}
}

// Mode is one replica's part of the sequential mode.
type Mode struct {
	limits limits
	mutant mutants.Mutant // in simulations: the rule that is broken; else none
	drawn  uint64         // M10: the last id that was drawn

	// Of the step under way.
	now         time.Duration
	out         *modes.Effects
	appliedSize int // bytes of posts applied

	// Before Start.
	past      past
	pastError error

	// From Start on.
	self        board.ReplicaID
	replicas    []board.ReplicaID // all, rising
	voters      []board.ReplicaID // those that decide: all, rising
	epoch       uint64
	incarnation uint64
	random      *rand.Rand // of the seed; the only one
	firstLife   bool       // nothing was saved before
	ended       bool       // halted or stopped: nothing is done any more

	// The engine. term and lead are raft's as of the last Ready; role too.
	node *raft.RawNode
	log  *log
	term uint64
	lead board.ReplicaID // 0: none known
	role raft.StateType

	// What was applied: state is that after entry applied, and board has at
	// least its articles. applied <= committed, always.
	applied   uint64
	committed uint64
	state     state
	keys      keyTable
	base      board.Vector // of the board when this life began
	clusterTo uint64       // the board's highest seq of the cluster's own articles

	// The disk. kept are records that hold entries still wanted.
	recordNumber  uint64 // of the last record saved
	kept          []keptRecord
	durableNumber uint64                // of the last message to oneself
	durable       map[uint64]durability // what to do when it comes back
	trimming      bool                  // a snapshot record is on its way to the disk

	connected map[board.ReplicaID]bool // peers that can be reached

	waiting  waiting
	forwards forwards
	barrier  barrier
	election election
	boards   boards
	leaving  leaving
	status   statusKeeper

	packNow, packHeld []pack // messages of this step, per voter
}

var _ modes.Mode = (*Mode)(nil)

// New returns a mode that waits for its past and its Start.
func New() modes.Mode { return newMode(defaultLimits) }

func newMode(l limits) *Mode {
	return &Mode{
		limits:    l,
		keys:      keyTable{countMax: l.keyCountMax},
		durable:   make(map[uint64]durability),
		connected: make(map[board.ReplicaID]bool),
		waiting:   newWaiting(),
		forwards:  newForwards(),
	}
}

// Step implements modes.Mode. What the events want of raft is gathered and
// handed over at the end, so that a batch of posts is one message.
func (m *Mode) Step(batch modes.Batch, out *modes.Effects) {
	m.now, m.out, m.appliedSize = batch.Now, out, 0
	if m.node != nil {
		m.passTime()
	}
	for _, event := range batch.Events {
		if m.ended {
			return
		}
		m.event(event)
	}
	if m.node != nil && !m.ended {
		m.finish()
	}
}

func (m *Mode) event(event modes.Event) {
	switch e := event.(type) {
	case modes.Keys:
		m.onKeys(e.Keys)
	case modes.Saved:
		m.onSaved(e)
	case modes.Start:
		m.onStart(e)
	case modes.Request:
		m.onRequest(e)
	case modes.Cancel:
		m.onCancel(e.Request)
	case modes.Receive:
		m.onReceive(e)
	case modes.Timer:
		m.onTimer(e.Name)
	case modes.PeerUp:
		m.onPeerUp(e.Peer)
	case modes.PeerDown:
		m.onPeerDown(e.Peer)
	case modes.Seal:
		m.onSeal()
	case modes.Stop:
		m.onStop()
	}
}

func (m *Mode) onRequest(r modes.Request) {
	switch r.Verb {
	case modes.VerbPost:
		m.onPost(r)
	case modes.VerbRead:
		m.onRead(r)
	case modes.VerbChoose:
		m.onChoose(r)
	case modes.VerbReply:
		m.onReply(r)
	case modes.VerbSync:
		m.onSync(r)
	}
}

func (m *Mode) onTimer(name string) {
	switch name {
	case timerTick:
		m.onTick()
	case timerTakeover:
		m.onTakeover()
	case timerWaiting:
		m.onWaiting()
	case timerHandover:
		m.stopped("nobody took over in time")
	}
}

// The timers. Ticks are a coordinator's heartbeat and a follower's patience.
const (
	timerTick     = "tick"
	timerTakeover = "takeover"
	timerWaiting  = "waiting"
	timerHandover = "handover"
)

func (m *Mode) onReceive(e modes.Receive) {
	if e.Span != nil && !m.onSpan(e) {
		return
	}
	r := board.Reader{Rest: e.Message}
	kind := r.Byte()
	if kind == messageRaft {
		m.onRaft(&r, e)
		return
	}
	m.onWord(kind, &r, e.From)
	if !r.End() {
		m.note("a malformed message of kind %d from %s", kind, e.From)
	}
}

// onWord handles what replicas say to each other outside of raft.
func (m *Mode) onWord(kind byte, r *board.Reader, from board.ReplicaID) {
	switch kind {
	case messageForward:
		if f := cutForward(r); r.End() {
			m.onForward(f)
		}
	case messageDenied:
		if d := cutDenied(r); r.End() {
			m.onDenied(d)
		}
	case messageGone:
		if w := cutWord(r); r.End() {
			m.onGone(w, from)
		}
	case messageBackup:
		if w := cutWord(r); r.End() {
			m.onBackup(w, from)
		}
	case messageAsk:
		m.out.Send(from, appendHave(nil, m.boardVector()))
	case messageHave:
		if v := r.Vector(); r.End() {
			m.onHave(from, v)
		}
	case messageSeal:
		m.leaving.sealAsked = true
	case messageDurable:
		if number := r.Uvarint(); r.End() && from == m.self {
			m.onDurable(number)
		}
	default:
		r.Fail()
	}
}

// The past.

func (m *Mode) onKeys(keys []board.KeyedID) {
	for _, k := range keys {
		m.keys.add(k)
	}
}

func (m *Mode) onSaved(e modes.Saved) {
	if m.past.number == 0 {
		m.past.number = e.First - 1
	}
	for _, record := range e.Records {
		if err := m.past.read(record); err != nil && m.pastError == nil {
			m.pastError = err
		}
	}
}

func (m *Mode) onStart(e modes.Start) {
	m.self, m.replicas, m.epoch, m.incarnation = e.Self, e.Replicas, e.Epoch, e.Incarnation
	m.voters = e.Voters
	if len(m.voters) == 0 {
		m.voters = e.Replicas
	}
	if why := m.cannotStart(e); why != "" {
		m.halt(why)
		return
	}
	m.random = rand.New(rand.NewPCG(e.Seed, e.Incarnation<<32|uint64(e.Self)))
	m.base, m.clusterTo = e.Board, e.Board.Seq(board.Cluster)
	m.packNow, m.packHeld = newPacks(m.voters), newPacks(m.voters)
	if err := m.startEngine(); err != nil {
		m.halt(err.Error())
		return
	}
	if m.mutant == mutants.M28 { // what is older than the log might be posted again
		m.keys.forget(m.state.first)
	}
	if floor := m.floor(); floor < e.KeysFrom {
		m.halt(fmt.Sprintf("keys of articles from %d on count, and only those from %d on are known", floor, e.KeysFrom))
		return
	}
	m.out.LocalReads(guaranteeSequential)
	m.startElections()
}

func (m *Mode) cannotStart(e modes.Start) string {
	if m.pastError != nil {
		return m.pastError.Error()
	}
	if e.Epoch == 0 {
		return "epochs count from 1"
	}
	if n := len(e.Replicas); n > replicasMax {
		return fmt.Sprintf("sequential takes at most %d replicas for now, not %d", replicasMax, n)
	}
	if !contains(m.voters, m.self) {
		return fmt.Sprintf("%s is not among the voters, and only voters are supported for now", m.self)
	}
	if len(e.Options) > 0 {
		return fmt.Sprintf("sequential has no option %q", e.Options[0].Name)
	}
	return ""
}

func (m *Mode) halt(why string) {
	m.ended = true
	m.out.Halt(why)
}

// Helpers that all files use.

func contains(ids []board.ReplicaID, id board.ReplicaID) bool {
	for _, i := range ids {
		if i == id {
			return true
		}
	}
	return false
}

func (m *Mode) note(format string, args ...any) { m.out.Note(fmt.Sprintf(format, args...)) }

// majority is how many voters decide.
func (m *Mode) majority() int { return len(m.voters)/2 + 1 }

// reachable counts the connected voters, this one included.
func (m *Mode) reachable() int {
	n := 1
	for _, v := range m.voters {
		if v != m.self && m.connected[v] {
			n++
		}
	}
	return n
}

func (m *Mode) hasMajority() bool { return m.reachable() >= m.majority() }

// leads reports whether raft has elected this replica.
func (m *Mode) leads() bool { return m.lead == m.self && m.role == raft.StateLeader }

// coordinator is the one that can take posts, as far as is known; 0: none. One
// that is connected to no majority is none, though raft takes a while to agree.
func (m *Mode) coordinator() board.ReplicaID {
	if m.lead == m.self && !m.hasMajority() {
		return 0
	}
	return m.lead
}

// boardVector is what the board holds after this step's stores.
func (m *Mode) boardVector() board.Vector {
	if m.clusterTo == 0 {
		return m.base
	}
	return m.base.With(board.ArticleID{Seq: m.clusterTo})
}

// articles is how many of this log's articles are on the board.
func (m *Mode) articles() uint64 { return max(m.clusterTo+1, m.state.first) - m.state.first }

func voterIDs(voters []board.ReplicaID) []uint64 {
	ids := make([]uint64, len(voters))
	for i, v := range voters {
		ids[i] = uint64(v)
	}
	return ids
}

// pack gathers the engine's messages to one voter.
type pack struct {
	to       board.ReplicaID
	messages []*pb.Message
}

func newPacks(voters []board.ReplicaID) []pack {
	packs := make([]pack, len(voters))
	for i, v := range voters {
		packs[i].to = v
	}
	return packs
}
