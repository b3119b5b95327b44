package quorum

import (
	"fmt"

	"consequor/modes"
	"consequor/modes/originlog"
	"consequor/mutants"
)

// guaranteeRegular is what a read's answer meets: every post that completed
// before it began is in it (Lamport 1986), and it never goes back.
const guaranteeRegular = "regular"

// Mode is one replica's part of the quorum mode.
type Mode struct {
	quorums
	mutant    mutants.Mutant // the rule that is broken, in simulations
	log       *originlog.Log
	guarantee string // that answers meet
}

var _ modes.Mode = (*Mode)(nil)

// New returns a mode that waits for its past and its Start.
func New() modes.Mode { return NewVariant(false, mutants.None) }

// NewVariant is New, with limits so small that a short run meets them, or broken
// on purpose: for simulators.
func NewVariant(small bool, mutant mutants.Mutant) modes.Mode {
	return &Mode{mutant: mutant, log: originlog.NewVariant(small, mutant)}
}

// Step implements modes.Mode. Requests are looked at when all events are taken:
// those that came now, and those that wait.
func (m *Mode) Step(batch modes.Batch, out *modes.Effects) {
	m.log.Begin(batch.Now, out)
	for _, event := range batch.Events {
		if m.log.Ended() {
			return
		}
		m.event(event)
	}
	m.log.Finish(m.advance)
}

func (m *Mode) event(event modes.Event) {
	switch e := event.(type) {
	case modes.Keys:
		m.log.OnKeys(e.Keys)
	case modes.Start:
		m.onStart(e)
	case modes.Request:
		m.log.OnRequest(e)
	case modes.Cancel:
		m.onCancel(e.Request)
	case modes.Receive:
		m.log.OnReceive(e)
	case modes.Looked:
		m.log.OnLooked(e)
	case modes.Timer:
		m.log.OnTimer(e.Name)
	case modes.PeerUp:
		m.log.OnPeerUp(e.Peer)
	case modes.PeerDown:
		m.log.OnPeerDown(e.Peer)
	case modes.Seal:
		m.log.OnSeal()
	case modes.Stop:
		m.log.OnStop()
	}
}

func (m *Mode) onStart(e modes.Start) {
	var err error
	if m.quorums, err = parse(e.Options, len(e.Replicas)); err != nil {
		m.log.Halt(err.Error())
		return
	}
	m.guarantee = guaranteeRegular
	if m.broken() {
		m.guarantee = fmt.Sprintf("none: read %d + write %d <= %d", m.read, m.write, m.replicas)
	}
	m.log.OnStart(e, originlog.Config{
		Copies: m.write, Contact: max(m.read, m.post()), Heard: m.read, Everyone: true, Enough: "a quorum",
		Label: func(*originlog.Request) string { return m.guarantee },
	})
}

// advance takes a request as far as it can go now.
func (m *Mode) advance(q *originlog.Request) {
	if m.log.Late(q) {
		m.expire(q)
		return
	}
	switch q.Verb {
	case modes.VerbPost:
		m.onPost(q)
	case modes.VerbRead:
		m.onRead(q)
	case modes.VerbChoose:
		m.onChoose(q)
	case modes.VerbReply:
		m.onReply(q)
	case modes.VerbSync:
		m.onSync(q)
	}
}

// The five requests.

// onPost mints at the post's home, once more than N - W replicas have told how
// high their seqs are, and acknowledges when W have the article.
func (m *Mode) onPost(q *originlog.Request) {
	if m.log.Adopt(q) || m.log.Forward(q) || m.refuseHopeless(q, "write", m.post()) {
		return
	}
	heads := m.heads()
	if m.mutant == mutants.M19 { // one too few
		heads--
	}
	if heads <= 1 { // with W = N every acknowledged post is here
		m.log.Mint(q, 0)
		return
	}
	if round := m.log.Ask(q, originlog.Heads); round.Count() >= heads {
		least := round.SeqMax()
		if m.mutant == mutants.M20 { // the answers come too late for the seq
			least = 0
		}
		m.log.Mint(q, least)
	}
}

// onRead serves what R replicas held when it was asked for, once W have it.
func (m *Mode) onRead(q *originlog.Request) {
	if !q.Found && !m.find(q) {
		return
	}
	if !q.UpTo.Covers(q.Seen) { // a token that unsafe quorums gave out, or none did
		if !m.log.Board().Covers(q.Seen) {
			m.log.Fetch(q.Seen, true)
			return
		}
		q.UpTo = m.log.Board() // whole: what was seen may be a reply, and its parent not among what was found
	}
	if m.mutant == mutants.M16 || m.log.OnDisks(q.UpTo) { // M16: no write-back
		if m.mutant == mutants.M17 { // also what came meanwhile, and may be on this disk alone
			q.UpTo = m.log.Board()
		}
		m.log.Serve(q, m.guarantee)
	}
}

// find brings here what R replicas hold: the join of their boards.
func (m *Mode) find(q *originlog.Request) bool {
	read := m.read
	if m.mutant == mutants.M15 { // one too few: R + W = N
		read--
	}
	if read <= 1 {
		q.Found, q.UpTo = true, m.log.Board()
		return true
	}
	round := m.log.Ask(q, originlog.Spans)
	if round.Count() < read {
		m.refuseHopeless(q, "read", m.read)
		return false
	}
	q.Found, q.UpTo = true, round.Join(read)
	if m.mutant == mutants.M23 { // one board in place of all of them
		q.UpTo = round.Highest(read)
	}
	m.log.LeaveEnough(q)
	return true
}

// onChoose brings the article here as a read does; the host looks it up.
func (m *Mode) onChoose(q *originlog.Request) { m.onRead(q) }

// onReply is onPost, once the parent is here or is known not to exist.
func (m *Mode) onReply(q *originlog.Request) {
	if m.log.Adopt(q) {
		return
	}
	if m.log.ParentHere(q) {
		m.onPost(q)
		return
	}
	if m.log.Looking(q) {
		return
	}
	if round := m.log.Ask(q, originlog.Spans); round.Count() >= m.read {
		m.log.LeaveEnough(q)
		m.log.LookUpParent(q)
	} else {
		m.refuseHopeless(q, "read", m.read)
	}
}

// onSync repairs: what any connected replica has, all of them get.
func (m *Mode) onSync(q *originlog.Request) { m.log.Sync(q) }

// Deadlines.

func (m *Mode) onCancel(id modes.RequestID) {
	if q := m.log.OnCancel(id); q != nil {
		m.expire(q)
	}
}

// expire says the last word on q at its deadline.
func (m *Mode) expire(q *originlog.Request) {
	switch {
	case q.Verb == modes.VerbSync:
		m.log.Synced(q)
	case q.Verb.Writes():
		if !m.log.ExpirePost(q) {
			m.log.End(q, modes.NoQuorum, fmt.Sprintf("no write quorum answered in time (%d can be reached, %d are needed)", m.log.Reachable(), m.post()))
		}
	case q.Found && !m.log.Board().Covers(q.Seen):
		m.log.End(q, modes.Behind, fmt.Sprintf("the board holds %s, the session has seen %s", m.log.Board(), q.Seen))
	case q.Found:
		m.log.End(q, modes.NoQuorum, fmt.Sprintf("what was found could not be brought to %d disks in time (%d can be reached)", m.write, m.log.Reachable()))
	default:
		m.log.End(q, modes.NoQuorum, fmt.Sprintf("no read quorum answered in time (%d can be reached, %d are needed)", m.log.Reachable(), m.read))
	}
}

// refuseHopeless refuses what needs more replicas than can be reached.
func (m *Mode) refuseHopeless(q *originlog.Request, what string, needed int) bool {
	if m.log.Reachable() >= needed || !m.log.Settled() || !m.log.Refusable(q) {
		return false
	}
	m.log.End(q, modes.NoQuorum, fmt.Sprintf("no %s quorum (%d of %d)", what, m.log.Reachable(), needed))
	return true
}
