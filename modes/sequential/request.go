package sequential

import (
	"fmt"
	"slices"
	"time"

	"consequor/board"
	"consequor/modes"
	"consequor/mutants"
)

// What a read's answer meets.
const (
	guaranteeSequential   = "sequential"
	guaranteeLinearizable = "linearizable"
)

// How long things may take before they are looked at again.
const (
	waitingInterval = 100 * time.Millisecond // between looks at what waits
	waitingRest     = 5 * time.Millisecond   // at least, also when deadlines are close together
	resendAfter     = time.Second            // a post with a key that nothing was heard of
	startGrace      = 500 * time.Millisecond // after a start, before "no majority" is an answer
)

// request is a client's that waits here.
type request struct {
	id       modes.RequestID
	verb     modes.Verb
	deadline time.Duration
	stage    stage
	done     bool // answered or cancelled; it is in no map any more, but lists may still have it

	// post, reply
	key    string
	mark   uint64
	parent board.ArticleID
	entry  []byte        // what is proposed, also again
	rounds []uint64      // forwards of it that were not denied; ownRound: proposed here
	term   uint64        // of the last of them
	sentAt time.Duration // of the last of them
	queued bool          // it is among forwards.unsent
	unseen bool          // it may have been applied without this replica's seeing it: a snapshot stands for its entry

	// read, choose, sync
	seen    board.Vector // what an answer must cover
	from    uint64       // Mode.articles when it came
	attempt uint64       // the first barrier that was begun after it came
}

// stage is what a request waits for.
type stage byte

const (
	stagePost    stage = iota // a post: to be applied
	stageBarrier              // to know what was committed when it came; a reply, too, whose parent is not here
	stageApplied              // until that is applied
	stageCovered              // until the board covers its session
)

// waiting holds the requests that are not answered, in the order they came.
type waiting struct {
	byID    map[modes.RequestID]*request
	list    []*request // may hold some that are done: at most half
	timerAt time.Duration
	timerOn bool
}

func newWaiting() waiting { return waiting{byID: make(map[modes.RequestID]*request)} }

func (w *waiting) end(r *request) {
	delete(w.byID, r.id)
	r.done = true
	if len(w.list) > 64 && len(w.list) > 2*len(w.byID) {
		w.list = slices.DeleteFunc(w.list, func(r *request) bool { return r.done })
	}
}

// all returns those that wait now; answering them meanwhile is fine.
func (w *waiting) all() []*request {
	return slices.DeleteFunc(slices.Clone(w.list), func(r *request) bool { return r.done })
}

// wait keeps r until it is answered, or refuses it.
func (m *Mode) wait(r *request) bool {
	if len(m.waiting.byID) >= m.limits.waitingMax {
		m.out.Refuse(r.id, modes.Overloaded, fmt.Sprintf("%d requests wait at %s already", m.limits.waitingMax, m.self))
		return false
	}
	m.waiting.byID[r.id] = r
	m.waiting.list = append(m.waiting.list, r)
	m.lookAgain(r.deadline)
	return true
}

// lookAgain sees to it that the waiting timer runs out by then at the latest.
func (m *Mode) lookAgain(by time.Duration) {
	at := min(m.now+waitingInterval, max(by, m.now+waitingRest))
	if w := &m.waiting; !w.timerOn || at < w.timerAt {
		w.timerOn, w.timerAt = true, at
		m.out.SetTimer(timerWaiting, at-m.now)
	}
}

// The five requests.

func (m *Mode) onPost(r modes.Request) {
	m.takePost(r, board.ArticleID{})
}

// onRead gets here only what the host cannot answer alone: a fresh read, or one
// of a session that has seen more than this board has.
func (m *Mode) onRead(r modes.Request) {
	q := &request{id: r.ID, verb: r.Verb, deadline: r.Deadline, seen: r.Seen}
	if r.Fresh {
		if m.mutant == mutants.M8 { // what is here passes for all there is
			m.serveCovered(q, guaranteeLinearizable)
			return
		}
		m.waitForBarrier(q)
		return
	}
	m.serveCovered(q, guaranteeSequential)
}

// onChoose may name an article that is not here yet: a barrier tells.
func (m *Mode) onChoose(r modes.Request) {
	r.Fresh = r.Fresh || !r.OnBoard
	m.onRead(r)
}

func (m *Mode) onReply(r modes.Request) {
	if r.OnBoard || m.onBoard(r.Target) {
		m.takePost(r, r.Target)
		return
	}
	if !m.mayCome(r.Target) {
		m.refuseNotFound(r.ID, r.Target)
		return
	}
	q := m.newPost(r, r.Target)
	if m.answerByKey(q) || m.refusePost(q) {
		return
	}
	m.waitForBarrier(q) // nothing is proposed before the parent is here
}

func (m *Mode) onSync(r modes.Request) {
	m.waitForBarrier(&request{id: r.ID, verb: r.Verb, deadline: r.Deadline, from: m.articles()})
}

// newPost returns r as a request that is not encoded yet.
func (m *Mode) newPost(r modes.Request, parent board.ArticleID) *request {
	q := &request{id: r.ID, verb: r.Verb, deadline: r.Deadline, key: r.Article.Key, mark: r.Mark, parent: parent}
	p := post{m.epoch, nonce{m.self, m.incarnation, r.ID}, r.Mark, r.Article}
	p.article.ID, p.article.Parent = board.ArticleID{}, parent
	q.entry = appendPost(make([]byte, 0, 160+r.Article.Size()+len(r.Article.Key)), &p)
	return q
}

// takePost brings a post on its way to the coordinator, or refuses it while
// that is surely not done.
func (m *Mode) takePost(r modes.Request, parent board.ArticleID) {
	q := m.newPost(r, parent)
	if m.answerByKey(q) || m.refusePost(q) {
		return
	}
	if m.wait(q) {
		m.queue(q)
	}
}

// answerByKey answers a retry of a post that is applied here.
func (m *Mode) answerByKey(q *request) bool {
	id, found := m.lookUp(q.key, q.mark)
	if found != keyKnown {
		return false
	}
	m.answer(q, id)
	return true
}

// answer tells where q's article is. After this replica has said that the epoch
// is sealed, it says no more than that the post may be done: hosts keep posts
// back then, and the next epoch's mode answers them.
func (m *Mode) answer(q *request, id board.ArticleID) {
	m.waiting.end(q)
	if m.leaving.sealed {
		m.unknown(q, "the epoch is changing; retry with the same key")
		return
	}
	// A majority has it; who else does, this replica may not know.
	m.out.Reply(modes.Reply{Request: q.id, Outcome: modes.OK, ID: id, Copies: m.majority(), Guarantee: guaranteeLinearizable})
}

func (m *Mode) unknown(q *request, why string) {
	m.waiting.end(q)
	m.out.Reply(modes.Reply{Request: q.id, Outcome: modes.Unknown, Why: why})
}

func (m *Mode) refuse(q *request, kind modes.RefusalKind, why string) {
	m.waiting.end(q)
	m.out.Refuse(q.id, kind, why)
}

func (m *Mode) refuseNotFound(id modes.RequestID, target board.ArticleID) {
	m.out.Refuse(id, modes.NotFound, "no article "+target.String())
}

// refusePost refuses what cannot succeed and was not proposed.
func (m *Mode) refusePost(q *request) bool {
	switch {
	case m.leaving.stopping:
		m.refuse(q, modes.Stopping, m.self.String()+" is leaving")
	case m.sealed() || m.leaving.sealWanted:
		m.refuse(q, modes.EpochChanging, "the mode is being changed")
	case m.hopeless():
		m.refuseNoMajority(q)
	default:
		return false
	}
	return true
}

func (m *Mode) refuseNoMajority(q *request) {
	m.refuse(q, modes.NoMajority, fmt.Sprintf("no majority (%d of %d)", m.reachable(), len(m.voters)))
}

// hopeless reports that no majority can be reached and no coordinator is known.
func (m *Mode) hopeless() bool {
	return m.coordinator() == 0 && !m.hasMajority() && m.now >= m.election.graceEnds
}

// refuseHopeless refuses all that waits for a majority and was never sent.
func (m *Mode) refuseHopeless() {
	if len(m.waiting.byID) == 0 || !m.hopeless() {
		return
	}
	for _, q := range m.waiting.all() {
		if len(q.rounds) == 0 && q.stage <= stageBarrier {
			m.refuseNoMajority(q)
		}
	}
}

// onBoard reports whether an article of this log is here. The host knows of
// older ones.
func (m *Mode) onBoard(id board.ArticleID) bool {
	return m.mayCome(id) && id.Seq <= m.clusterTo
}

// mayCome reports whether id can be that of an article of this log. An older
// one that is not on the board will never be: all boards were equal.
func (m *Mode) mayCome(id board.ArticleID) bool {
	return id.Origin == board.Cluster && id.Seq >= m.state.first
}

// onCancel says the last word on a request whose time is over, and forgets one
// whose client has gone.
func (m *Mode) onCancel(id modes.RequestID) {
	q, ok := m.waiting.byID[id]
	switch {
	case !ok:
	case q.deadline > 0 && q.deadline <= m.now:
		m.expire(q)
	default:
		m.waiting.end(q)
	}
}

// onWaiting looks at everything that waits: for its deadline, and whether it is
// to be sent again.
func (m *Mode) onWaiting() {
	m.waiting.timerOn = false
	m.refuseHopeless()
	next := m.now + waitingInterval
	for _, q := range m.waiting.all() {
		if q.deadline > 0 && q.deadline <= m.now {
			m.expire(q)
			continue
		}
		if q.deadline > 0 {
			next = min(next, q.deadline)
		}
		if q.stage == stagePost && m.sendAgain(q) {
			m.queue(q)
		}
	}
	m.sealAgain()
	if len(m.waiting.byID) > 0 || m.sealOpen() {
		m.lookAgain(next)
	}
}

// sendAgain reports whether q is to be sent (again): a post without a key only
// if it is nowhere.
func (m *Mode) sendAgain(q *request) bool {
	if len(q.rounds) == 0 {
		return true
	}
	return q.key != "" && (q.term != m.term || m.now-q.sentAt >= resendAfter)
}

// expire answers q at its deadline.
func (m *Mode) expire(q *request) {
	switch {
	case len(q.rounds) > 0:
		m.unknown(q, "it was sent to the coordinator, and no majority has confirmed it in time")
	case q.stage == stageCovered:
		m.refuse(q, modes.Behind, fmt.Sprintf("the board holds %s, the session has seen %s", m.boardVector(), q.seen))
	case m.coordinator() == 0 && !m.hasMajority():
		m.refuseNoMajority(q)
	case m.coordinator() == 0:
		m.refuse(q, modes.NoCoordinator, "no coordinator was found in time")
	default:
		m.refuse(q, modes.Deadline, fmt.Sprintf("the coordinator, %s, has not answered in time", m.coordinator()))
	}
}
