package primary

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"consequor/board"
	"consequor/modes"
)

// request is a client's that waits here.
type request struct {
	modes.Request
	stage stage
	asked bool            // a primary has been asked for an id, this replica itself perhaps: it ends ok or unknown
	to    board.ReplicaID // which one, last
	at    time.Duration   // when, last
	had   uint64          // sync: the board's highest seq when it came
}

// stage is what a request waits for.
type stage byte

const (
	stageID     stage = iota // a post: for its id
	stageParent              // a reply: for the primary's board, as its parent is not here
	stageBoard               // a read or sync: for the primary's board
)

// The five requests.

func (m *Mode) onPost(r modes.Request) {
	if q := m.wait(r, stageID); q != nil {
		m.ask(q)
	}
}

// onRead gets here only what the host cannot answer alone.
func (m *Mode) onRead(r modes.Request) {
	if m.leads() || !r.Fresh && r.Verb == modes.VerbRead && m.board.Covers(r.Seen) {
		m.serve(r)
		return
	}
	if q := m.wait(r, stageBoard); q != nil {
		m.ask(q)
	}
}

func (m *Mode) onReply(r modes.Request) {
	switch {
	case r.OnBoard:
		m.onPost(r)
	case m.leads():
		m.refuseNotFound(r)
	default:
		if q := m.wait(r, stageParent); q != nil {
			m.ask(q)
		}
	}
}

func (m *Mode) onSync(r modes.Request) {
	if m.leads() {
		m.out.Reply(modes.Reply{Request: r.ID, Outcome: modes.OK, Guarantee: guarantee})
		return
	}
	if q := m.wait(r, stageBoard); q != nil {
		m.ask(q)
	}
}

// onCancel says the last word on a request: that it is surely not done only
// while no primary was asked for its id.
func (m *Mode) onCancel(id modes.RequestID) {
	q := m.waiting[id]
	switch {
	case q == nil:
	case q.to == m.self:
		m.unknown(q, "it has an id here, and the backup has not said that it has it too")
	case q.asked:
		m.unknown(q, fmt.Sprintf("%s was asked for an id and has not given it", q.to))
	case m.leader == 0 || !m.reaches(m.leader):
		m.refuse(q, modes.NoCoordinator, "no primary can be reached")
	default:
		m.refuse(q, modes.Unreachable, fmt.Sprintf("%s, the primary, does not answer", m.leader))
	}
}

// wait keeps a request until it is answered, or refuses it.
func (m *Mode) wait(r modes.Request, s stage) *request {
	q := &request{Request: r, stage: s, had: m.board.SeqMax()}
	switch {
	case r.Verb.Writes() && m.leaving.sealing:
		m.refuse(q, modes.EpochChanging, "the mode is being changed")
	case r.Verb.Writes() && m.leaving.stopping:
		m.refuse(q, modes.Stopping, m.self.String()+" is leaving")
	case len(m.waiting) >= waitingMax:
		m.refuse(q, modes.Overloaded, fmt.Sprintf("%d requests wait at %s already", waitingMax, m.self))
	default:
		m.waiting[r.ID] = q
		return q
	}
	return nil
}

// waits lists what waits, in the order it came.
func (m *Mode) waits() []*request {
	var list []*request
	for _, id := range slices.Sorted(maps.Keys(m.waiting)) {
		list = append(list, m.waiting[id])
	}
	return list
}

// ask asks the primary for what a request waits for: again, if need be.
func (m *Mode) ask(q *request) {
	q.at = m.now
	switch {
	case q.stage == stageID && q.to == m.self: // it has an id, whoever leads now
	case m.leads():
		m.askSelf(q)
	case m.leader == 0 || !m.peer(m.leader).up:
	case q.stage == stageID:
		m.askForID(q)
	default:
		m.out.SendNow(m.leader, appendMessage(message{kind: kindSync, life: m.incarnation, request: q.ID, board: m.board}))
	}
}

// askAll asks a new primary for everything that waits.
func (m *Mode) askAll() {
	for _, q := range m.waits() {
		m.ask(q)
	}
}

// askForID sends GET_ID. A post without a key must not be sent twice: it would
// be two articles.
func (m *Mode) askForID(q *request) {
	if q.asked && q.Article.Key == "" {
		return
	}
	q.asked, q.to = true, m.leader
	a := q.Article
	a.Parent = q.Target
	m.out.SendNow(m.leader, appendMessage(message{kind: kindGetID, life: m.incarnation, request: q.ID, mark: q.Mark, articles: []board.Article{a}}))
}

// askSelf is ask at the primary itself: what its board lacks is nowhere.
func (m *Mode) askSelf(q *request) {
	switch {
	case q.stage == stageParent:
		m.end(q)
		m.refuseNotFound(q.Request)
	case q.stage == stageBoard && q.Verb == modes.VerbSync:
		m.end(q)
		m.onSync(q.Request)
	case q.stage == stageBoard:
		m.end(q)
		m.serve(q.Request)
	case q.asked && q.Article.Key == "":
	case len(m.owed) >= owedMax: // the backup does not answer: it waits, and may still be refused
	case !m.leaving.sealing && !m.leaving.stopping:
		q.asked, q.to = true, m.self
		a := q.Article
		a.Parent = q.Target
		m.mint(post{asker: m.self, life: m.incarnation, request: q.ID, mark: q.Mark, article: a})
	}
}

// onSynced takes it that the primary's board is here.
func (m *Mode) onSynced(w message, span *modes.Span) {
	q := m.waiting[w.request]
	if q == nil || w.life != m.incarnation || span == nil || span.Gap {
		return
	}
	switch {
	case q.stage == stageParent:
		m.lookUps = append(m.lookUps, lookUp{id: q.Target, then: func(onBoard bool) { m.onParent(q, onBoard) }})
		m.out.LookUp(q.Target)
	case q.stage == stageBoard && q.Verb == modes.VerbSync:
		m.end(q)
		m.out.Reply(modes.Reply{
			Request: q.ID, Outcome: modes.OK, Guarantee: guarantee,
			Reached: []board.ReplicaID{m.leader}, Count: int(m.board.SeqMax() - q.had),
		})
	case q.stage == stageBoard && m.board.Covers(q.Seen):
		m.end(q)
		m.serve(q.Request)
	}
}

func (m *Mode) onParent(q *request, onBoard bool) {
	switch {
	case m.waiting[q.ID] != q:
	case !onBoard:
		m.end(q)
		m.refuseNotFound(q.Request)
	default:
		q.stage = stageID
		m.ask(q)
	}
}

// lookUp is a question to the host that is not answered yet.
type lookUp struct {
	id   board.ArticleID
	then func(onBoard bool)
}

// onLooked answers the oldest question: they are answered in order.
func (m *Mode) onLooked(e modes.Looked) {
	first := m.lookUps[0]
	if first.id != e.ID {
		panic(fmt.Sprintf("%s: looked up %s, was told of %s", m.self, first.id, e.ID))
	}
	m.lookUps = m.lookUps[1:]
	first.then(e.OnBoard)
}

// serve answers a read from this board, or refuses it: what the session has
// seen and this board lacks was lost.
func (m *Mode) serve(r modes.Request) {
	if !m.board.Covers(r.Seen) {
		m.out.Refuse(r.ID, modes.Behind, fmt.Sprintf("the session has seen %s, and %s has %s", r.Seen, m.self, m.board))
		return
	}
	m.out.Serve(modes.Serve{Request: r.ID, UpTo: m.board, Guarantee: guarantee})
}

func (m *Mode) end(q *request) { delete(m.waiting, q.ID) }

func (m *Mode) unknown(q *request, why string) {
	m.end(q)
	m.out.Reply(modes.Reply{Request: q.ID, Outcome: modes.Unknown, Why: why})
}

func (m *Mode) refuse(q *request, kind modes.RefusalKind, why string) {
	m.end(q)
	m.out.Refuse(q.ID, kind, why)
}

func (m *Mode) refuseNotFound(r modes.Request) {
	m.out.Refuse(r.ID, modes.NotFound, "no article "+r.Target.String())
}
