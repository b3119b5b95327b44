package readyourwrite

import (
	"fmt"

	"consequor/modes"
	"consequor/modes/originlog"
	"consequor/mutants"
)

// What an answer meets.
const (
	guaranteeSession  = "session"  // the four of Terry et al. 1994
	guaranteeEventual = "eventual" // of a request without a session: what was posted arrives some time
	guaranteeRegular  = "regular"  // of a fresh read: every acknowledged post is in it (Lamport 1986)
)

// Mode is one replica's part of the read-your-write mode.
type Mode struct {
	settings
	mutant mutants.Mutant // the rule that is broken, in simulations
	log    *originlog.Log
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
		m.event(event, out)
	}
	m.log.Finish(m.advance)
}

func (m *Mode) event(event modes.Event, out *modes.Effects) {
	switch e := event.(type) {
	case modes.Keys:
		m.log.OnKeys(e.Keys)
	case modes.Start:
		m.onStart(e, out)
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

func (m *Mode) onStart(e modes.Start, out *modes.Effects) {
	var err error
	if m.settings, err = parse(e.Options, len(e.Replicas)); err != nil {
		m.log.Halt(err.Error())
		return
	}
	m.log.OnStart(e, originlog.Config{
		Copies: m.copies, Contact: min(2, m.replicas), Heard: min(2, m.replicas), Alone: m.askTimeout, Enough: "another replica", Label: label,
	})
	if !m.total {
		out.LocalReads(guaranteeSession)
	}
}

// label is what an answer to q meets.
func label(q *originlog.Request) string {
	switch {
	case q.Fresh:
		return guaranteeRegular
	case len(q.Seen) > 0:
		return guaranteeSession
	}
	return guaranteeEventual
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

// onPost mints at the post's home, once that has all that the session has seen,
// and acknowledges when enough disks have the article.
func (m *Mode) onPost(q *originlog.Request) {
	if m.log.Adopt(q) || m.log.Forward(q) {
		return
	}
	if m.mutant == mutants.M26 || m.covered(q) { // M26: the token is not waited for
		m.log.Mint(q, 0)
	}
}

// onRead serves this board, once all connected replicas were asked for theirs
// and it has all that the session has seen.
func (m *Mode) onRead(q *originlog.Request) { m.read(q, m.total || q.Fresh) }

// read serves this board when it covers q's session, after a round if ask.
func (m *Mode) read(q *originlog.Request, ask bool) {
	if ask && !q.Found && !m.find(q) || !m.covered(q) {
		return
	}
	m.serve(q)
}

// serve answers q from this board as it is.
func (m *Mode) serve(q *originlog.Request) {
	q.UpTo = m.log.Board()
	m.log.Serve(q, label(q))
}

// find brings here what connected replicas hold: as many as answer in time, or
// for a fresh read as many as are needed to have every acknowledged post.
func (m *Mode) find(q *originlog.Request) bool {
	round := m.log.Ask(q, originlog.Spans)
	switch {
	case q.Fresh && round.Count() >= m.fresh():
		q.Found = true
		m.log.LeaveEnough(q)
	case !q.Fresh && m.log.OverForNow(round, m.askTimeout):
		q.Found = true
		m.log.Leave(q)
	}
	return q.Found
}

// covered reports whether this board has all that q's session has seen; if not,
// it is asked for.
func (m *Mode) covered(q *originlog.Request) bool {
	if m.log.Board().Covers(q.Seen) {
		return true
	}
	m.log.Fetch(q.Seen, m.total)
	return false
}

// onChoose looks for an article that is not here at all connected replicas.
func (m *Mode) onChoose(q *originlog.Request) { m.read(q, m.total || q.Fresh || !q.OnBoard) }

// onReply is onPost, once the parent is here or is nowhere to be found.
func (m *Mode) onReply(q *originlog.Request) {
	if m.log.Adopt(q) {
		return
	}
	if m.log.ParentHere(q) {
		m.onPost(q)
		return
	}
	if m.log.Looking(q) || !m.covered(q) {
		return
	}
	if round := m.log.Ask(q, originlog.Spans); m.log.Over(round, m.askTimeout) {
		m.log.Leave(q)
		m.log.LookUpParent(q)
	}
}

// onSync merges: what any connected replica has, all of them get.
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
	case q.Verb.Writes() && m.log.ExpirePost(q):
	case !m.log.Board().Covers(q.Seen):
		m.log.End(q, modes.Behind, m.log.Missing(q.Seen))
	case q.Fresh:
		m.log.Leave(q)
		m.log.End(q, modes.Behind, m.stale(q))
	case q.Verb.Writes():
		m.log.End(q, modes.Deadline, "the other replicas have not answered in time")
	default: // who has not answered until now is missed
		m.log.Leave(q)
		m.serve(q)
	}
}

// stale says why there is no fresh answer.
func (m *Mode) stale(q *originlog.Request) string {
	why := fmt.Sprintf("a fresh read needs the boards of %d replicas, and %d can be reached", m.fresh(), m.log.Reachable())
	if len(q.Missed) > 0 {
		why += "; no answer came from " + originlog.Names(q.Missed)
	}
	return why
}
