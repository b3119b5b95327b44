package sim

import (
	"encoding/binary"
	"time"

	"consequor/board"
	"consequor/modes"
)

// turns is an exhibit: a small mode that counts on the host's rule that no
// message of an older incarnation arrives once a peer's newer one is known. The
// built-in modes do not, as all their numbers name the incarnation.
//
// The first replica is the clerk. It gives the turn to one replica after another,
// once that one has its board; who has the turn appends what its clients want to
// the one order, and returns turn and board. The clerk remembers nothing: in a new life
// it asks all where their boards end before it gives a turn again. Turns are
// counted from 1 in each of its lives; a replica forgets the count when the clerk
// is down, and what it has answered voids all turns of lower numbers. Without the
// host's rule (mutant M36):
//
//  1. The clerk r1 gives turn 57 to r2, with a board that ends at 8. It is late.
//  2. r1's plugin dies. In its next life it asks all: their boards end at 8.
//  3. r1 gives turn 1 to r3, which appends article 9. Now turn 57 gets to r2,
//     whose board ends at 8, and which has answered question 0 only: its article
//     is 9 too.
//
// The mode survives the death of plugins and any delay. It needs all replicas,
// keeps all keys, and knows neither Seal nor voters: nobody should run it.
type turns struct {
	self     board.ReplicaID
	replicas []board.ReplicaID
	end      uint64            // of the board
	keys     map[string]uint64 // seq by key
	wanted   []modes.Request   // until this replica's turn
	answered uint64            // the highest number of the clerk's that was answered

	// Of the clerk.
	up     map[board.ReplicaID]bool
	number uint64                     // of the last turn
	ends   map[board.ReplicaID]uint64 // of boards, as answered in this life; what is not here is not known
	next   int                        // whose turn is next, an index
	taken  board.ReplicaID            // who has the turn; 0: nobody
	idle   int                        // pauses since something was given or heard
}

// The messages: a kind, a number, and the sender's board's end.
const (
	turnAsked    = 'a' // where does your board end? No turn up to this number counts any more
	turnAnswered = 'e'
	turnNews     = 'n' // the clerk's board
	turnGiven    = 'g' // your turn, if your board ends there too
	turnReturned = 'r' // with the holder's board
)

const (
	turnsPause   = 5 * time.Millisecond // from one turn to the next
	turnsIdleMax = 40                   // pauses without a word; then all are asked again, which takes the turn back
	newsEvery    = 10                   // pauses until a board is sent again
)

var _ modes.Mode = (*turns)(nil)

func newTurns() modes.Mode {
	return &turns{keys: map[string]uint64{}, up: map[board.ReplicaID]bool{}, ends: map[board.ReplicaID]uint64{}}
}

// Step implements modes.Mode.
func (m *turns) Step(batch modes.Batch, out *modes.Effects) {
	for _, event := range batch.Events {
		switch e := event.(type) {
		case modes.Keys:
			m.learn(e.Keys)
		case modes.Start:
			m.start(e, out)
		case modes.Request:
			m.wanted = append(m.wanted, e)
		case modes.Cancel:
			m.cancel(e.Request, out)
		case modes.Receive:
			m.receive(e, out)
		case modes.PeerUp:
			m.up[e.Peer] = true
			m.ask(e.Peer, out)
		case modes.PeerDown:
			m.peerDown(e.Peer)
		case modes.Timer:
			m.give(out)
			out.SetTimer("turn", turnsPause)
		case modes.Stop:
			out.Stopped()
		}
	}
}

func (m *turns) start(e modes.Start, out *modes.Effects) {
	m.self, m.replicas, m.end = e.Self, e.Replicas, e.Board.SeqMax()
	role := modes.RoleFollower
	if m.clerk() == m.self {
		role = modes.RoleCoordinator
		m.ends[m.self] = m.end
		out.SetTimer("turn", turnsPause)
	}
	out.Report(modes.Status{Role: role, Coordinator: m.clerk(), CaughtUp: true})
}

func (m *turns) clerk() board.ReplicaID { return m.replicas[0] }

func (m *turns) learn(keys []board.KeyedID) {
	for _, k := range keys {
		m.keys[k.Key] = k.ID.Seq
	}
}

// cancel ends what was not appended.
func (m *turns) cancel(id modes.RequestID, out *modes.Effects) {
	for i, q := range m.wanted {
		if q.ID == id {
			m.wanted = append(m.wanted[:i:i], m.wanted[i+1:]...)
			out.Refuse(id, modes.Deadline, "its turn did not come in time")
			return
		}
	}
}

func (m *turns) peerDown(peer board.ReplicaID) {
	m.up[peer] = false
	delete(m.ends, peer)
	if m.taken == peer {
		m.taken = 0
	}
	if peer == m.clerk() { // its next life counts anew
		m.answered = 0
	}
}

func (m *turns) message(kind byte, number uint64) []byte {
	return binary.AppendUvarint(binary.AppendUvarint([]byte{kind}, number), m.end)
}

func boardTo(end uint64) board.Vector {
	if end == 0 {
		return nil
	}
	return board.Vector{{Seq: end}}
}

// ask is the clerk's.
func (m *turns) ask(peer board.ReplicaID, out *modes.Effects) {
	if m.self == m.clerk() {
		out.SendNow(peer, m.message(turnAsked, m.number))
	}
}

// give gives the next turn once it is known where all boards end.
func (m *turns) give(out *modes.Effects) {
	if m.taken != 0 || len(m.ends) < len(m.replicas) {
		m.askAgain(out)
		return
	}
	to := m.replicas[m.next]
	if m.ends[to] < m.end {
		m.idle++
		if m.idle%newsEvery == 1 {
			out.SendBoard(to, boardTo(m.ends[to]), m.message(turnNews, m.number))
		}
		return
	}
	m.idle = 0
	m.number++
	m.next = (m.next + 1) % len(m.replicas)
	if to == m.self {
		m.append(out)
		m.ends[m.self] = m.end
		return
	}
	m.taken = to
	out.Send(to, m.message(turnGiven, m.number))
}

func (m *turns) askAgain(out *modes.Effects) {
	if m.idle++; m.idle < turnsIdleMax {
		return
	}
	m.idle = 0
	for _, peer := range m.replicas[1:] {
		if m.up[peer] {
			m.ask(peer, out)
		}
	}
}

func (m *turns) receive(e modes.Receive, out *modes.Effects) {
	r := board.Reader{Rest: e.Message}
	kind, number, end := r.Byte(), r.Uvarint(), r.Uvarint()
	if e.Span != nil {
		m.learn(e.Span.Keys)
		m.end = max(m.end, e.Span.Board.SeqMax())
	}
	switch kind {
	case turnAsked:
		m.answered = max(m.answered, number)
		out.SendBoard(e.From, boardTo(end), m.message(turnAnswered, number))
	case turnNews: // it may come late, as a board takes time to be stored: it promises nothing
		out.SendNow(e.From, m.message(turnAnswered, number))
	case turnGiven:
		if number <= m.answered { // void
			return
		}
		m.answered = number
		if m.end == end {
			m.append(out)
		}
		out.SendBoard(e.From, boardTo(end), m.message(turnReturned, number))
	case turnAnswered, turnReturned:
		m.onEnd(e, number, end, out)
	}
}

// onEnd hears where a board ends. What was said before the last turn was given
// may have been true before it only.
func (m *turns) onEnd(e modes.Receive, number, end uint64, out *modes.Effects) {
	if !m.up[e.From] || number != m.number {
		return
	}
	if end > m.end && e.Span != nil && e.Span.Gap {
		m.ask(e.From, out)
		return
	}
	if m.taken == e.From {
		m.taken = 0
	}
	m.idle = 0
	m.ends[e.From], m.ends[m.self] = end, m.end
}

// append is the turn of this replica, whose board is all there is.
func (m *turns) append(out *modes.Effects) {
	for _, q := range m.wanted {
		switch {
		case q.Target.Origin != board.Cluster || q.Target.Seq > m.end:
			out.Refuse(q.ID, modes.NotFound, "no article "+q.Target.String())
		case q.Verb.Writes():
			m.post(q, out)
		case q.Verb == modes.VerbSync:
			out.Reply(modes.Reply{Request: q.ID, Outcome: modes.OK, Guarantee: turnsGuarantee})
		default:
			out.Serve(modes.Serve{Request: q.ID, UpTo: boardTo(m.end), Guarantee: turnsGuarantee})
		}
	}
	m.wanted = nil
}

const turnsGuarantee = "one order"

func (m *turns) post(q modes.Request, out *modes.Effects) {
	seq, known := m.keys[q.Article.Key]
	if !known {
		m.end++
		seq = m.end
		a := q.Article
		a.ID, a.Parent = board.ArticleID{Seq: seq}, q.Target
		out.Store(a)
		if a.Key != "" {
			m.keys[a.Key] = seq
		}
	}
	out.Reply(modes.Reply{Request: q.ID, Outcome: modes.OK, ID: board.ArticleID{Seq: seq}, Copies: 1, Guarantee: turnsGuarantee})
}
