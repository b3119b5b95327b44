package primary

import (
	"fmt"
	"slices"
	"time"

	"consequor/board"
	"consequor/modes"
)

// guarantee is what every answer is labelled with.
const guarantee = "none: no terms, no majorities"

// Limits, and how long things may take before they are looked at again.
const (
	waitingMax    = 16_384                 // requests of this replica's clients; beyond, they are refused
	owedMax       = 4 * waitingMax         // ids given out and not acknowledged; beyond, none are given out
	pieceSizeMax  = 1 << 20                // bytes of articles in one BACKUPDATE
	againInterval = 100 * time.Millisecond // between looks at what is not answered, or not everywhere
	resendAfter   = 500 * time.Millisecond // for an answer to what was asked
	settleWait    = 500 * time.Millisecond // for others to come, and for one that was nominated
	handoverWait  = time.Second            // for the backup to take over from one that leaves
)

// The timers.
const (
	timerAgain    = "again"
	timerSettle   = "settle"
	timerHandover = "handover"
)

// Describe says what the mode is, for people.
func Describe() modes.Description {
	return modes.Description{
		Name:    "primary",
		Version: "1",
		Promise: "BROKEN, on purpose: a lesson. A primary gives out ids and a backup takes over when any one replica suspects it; there are no terms and no majorities. " +
			"While nothing breaks: one order of all articles on every replica. One cut link, one slow replica or one dead primary, and two articles have one id; " +
			"a replica that finds out halts, others never find out.",
		Survives: "It goes on while replicas die one at a time, but what a dead primary had told nobody comes back in the place of an acknowledged article. " +
			"It does not survive a cut link, not even one.",
		ReplicasMax: 16,
	}
}

// Mode is one replica's part.
type Mode struct {
	// Of the step under way.
	now   time.Duration
	out   *modes.Effects
	fresh []board.Article // given ids in it, by this replica

	// From Start on.
	self        board.ReplicaID
	incarnation uint64
	ended       bool

	board board.Vector // with what this step stores
	keys  keyTable
	peers []*peer // all others, by rising id

	leader, backup board.ReplicaID // as this replica believes; 0: nobody
	caughtUpAt     board.Vector    // the leader's board when it was first heard of
	caughtUp       bool            // that is here; true for the rest of this life

	waiting map[modes.RequestID]*request
	lookUps []lookUp // under way, in order
	owed    []owed   // to be acknowledged once they are safe, in the order they were given out

	againSet bool
	leaving  leaving
	reported modes.Status
}

var _ modes.Mode = (*Mode)(nil)

// New returns a mode that waits for its past and its Start.
func New() modes.Mode { return &Mode{waiting: make(map[modes.RequestID]*request)} }

// Step implements modes.Mode.
func (m *Mode) Step(batch modes.Batch, out *modes.Effects) {
	m.now, m.out, m.fresh = batch.Now, out, nil
	for _, event := range batch.Events {
		if m.ended {
			return
		}
		m.event(event)
	}
	if m.self != 0 && !m.ended {
		m.finish()
	}
}

func (m *Mode) event(event modes.Event) {
	switch e := event.(type) {
	case modes.Keys:
		m.keys.addAll(e.Keys)
	case modes.Start:
		m.onStart(e)
	case modes.Request:
		m.onRequest(e)
	case modes.Cancel:
		m.onCancel(e.Request)
	case modes.Receive:
		m.onReceive(e)
	case modes.Looked:
		m.onLooked(e)
	case modes.Timer:
		m.onTimer(e.Name)
	case modes.PeerUp:
		m.onPeerUp(m.peer(e.Peer))
	case modes.PeerDown:
		m.onPeerDown(m.peer(e.Peer))
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
	case modes.VerbRead, modes.VerbChoose:
		m.onRead(r)
	case modes.VerbReply:
		m.onReply(r)
	case modes.VerbSync:
		m.onSync(r)
	}
}

func (m *Mode) onReceive(e modes.Receive) {
	if e.Span != nil && !e.Span.Gap {
		m.board = m.board.Join(e.Span.Board)
		m.keys.addAll(e.Span.Keys)
	}
	w, err := cutMessage(e.Message)
	if err != nil || !m.knows(w.leader) || !m.knows(w.backup) {
		m.note("a malformed message from %s", e.From)
		return
	}
	from := m.peer(e.From)
	if e.Span != nil {
		m.out.Send(from.id, appendMessage(message{kind: kindHave, board: m.board, gap: e.Span.Gap}))
	}
	switch w.kind {
	case kindHello:
		m.onHello(from, w)
	case kindNominate:
		m.onNominate(from)
	case kindNewLeader:
		m.onNewLeader(from, w)
	case kindGetID:
		m.onGetID(from, w)
	case kindBackupdate:
		m.onBackupdate(from, w)
	case kindHave:
		m.onHave(from, w)
	case kindWrite:
		m.onWrite(w)
	case kindSync:
		m.onAsk(from, w)
	case kindSynced:
		m.onSynced(w, e.Span)
	}
}

func (m *Mode) onTimer(name string) {
	switch name {
	case timerAgain:
		m.againSet = false
		m.again()
	case timerSettle:
		m.settle(true)
	case timerHandover:
		m.stopped()
	}
}

// finish does what a step's events have led to, once for all of them: so a
// batch of posts is one BACKUPDATE and one WRITE to each.
func (m *Mode) finish() {
	m.backUp()
	m.pay()
	m.spread()
	m.leave()
	if !m.againSet && (len(m.waiting) > 0 || m.someoneLacks()) {
		m.againSet = true
		m.out.SetTimer(timerAgain, againInterval)
	}
	m.report()
}

func (m *Mode) onStart(e modes.Start) {
	if len(e.Options) > 0 {
		m.ended = true
		m.out.Halt(fmt.Sprintf("primary has no option %q", e.Options[0].Name))
		return
	}
	m.self, m.incarnation, m.board = e.Self, e.Incarnation, e.Board
	m.keys.from = max(m.keys.from, e.KeysFrom)
	for _, id := range e.Replicas {
		if id != m.self {
			m.peers = append(m.peers, &peer{id: id})
		}
	}
	m.out.LocalReads(guarantee)
	m.out.SetTimer(timerSettle, settleWait)
	m.settle(false)
}

func (m *Mode) leads() bool { return m.leader == m.self }

func (m *Mode) peer(id board.ReplicaID) *peer {
	for _, p := range m.peers {
		if p.id == id {
			return p
		}
	}
	panic(fmt.Sprintf("%s: %s is not in the cluster", m.self, id))
}

// knows reports whether id is nobody or of this cluster.
func (m *Mode) knows(id board.ReplicaID) bool {
	return id == 0 || id == m.self || slices.ContainsFunc(m.peers, func(p *peer) bool { return p.id == id })
}

// reaches reports whether a replica is oneself or connected.
func (m *Mode) reaches(id board.ReplicaID) bool {
	return id == m.self || id != 0 && m.peer(id).up
}

func (m *Mode) note(format string, args ...any) { m.out.Note(fmt.Sprintf(format, args...)) }

// report tells the status when it has changed.
func (m *Mode) report() {
	m.caughtUp = m.caughtUp || m.leader != 0 && m.board.Covers(m.caughtUpAt)
	status := modes.Status{
		Role: modes.RoleFollower, Coordinator: m.leader, Backup: m.backup, Joined: m.leader != 0, CaughtUp: m.caughtUp,
	}
	switch {
	case m.leads():
		status.Role = modes.RoleCoordinator
	case m.leader == 0:
		status.Waiting = "a primary"
	case !m.caughtUp:
		status.Waiting = "what was posted before it came"
	case m.backup == m.self:
		status.Role = modes.RoleBackup
	}
	if status != m.reported {
		m.reported = status
		m.out.Report(status)
	}
}
