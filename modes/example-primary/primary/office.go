package primary

import (
	"fmt"

	"consequor/board"
	"consequor/modes"
)

// What a primary does, and what the others do for it.

// post is an article on its way to an id.
type post struct {
	asker   board.ReplicaID
	life    uint64 // the asker's
	request modes.RequestID
	mark    uint64 // of the article's key
	article board.Article
}

// owed is an id that was given out, and not yet acknowledged.
type owed struct {
	asker board.ReplicaID
	given given
}

// onGetID takes a post from another replica's client. One that is not the
// primary says who is, as far as it knows.
func (m *Mode) onGetID(from *peer, w message) {
	p := post{from.id, w.life, w.request, w.mark, w.articles[0]}
	switch {
	case !m.leads():
		m.greet(from)
	case m.leaving.sealing || m.leaving.stopping || len(m.owed) >= owedMax:
		// It is dropped. It comes again, or its client hears that nobody knows.
	case p.article.Key == "" && !from.firstTime(p.life, p.request):
	case p.article.IsRoot():
		m.mint(p)
	default:
		m.lookUps = append(m.lookUps, lookUp{id: p.article.Parent, then: func(onBoard bool) { m.mintReply(p, onBoard) }})
		m.out.LookUp(p.article.Parent)
	}
}

// mintReply gives no id to a reply whose parent is not here, though it is where
// the reply was posted: two primaries have given out ids.
func (m *Mode) mintReply(p post, onBoard bool) {
	switch {
	case !onBoard:
		m.note("%s replies to %s, which is not here", p.asker, p.article.Parent)
	case m.leads() && !m.leaving.sealing && !m.leaving.stopping:
		m.mint(p)
	}
}

// mint gives a post the next id, unless its key has one.
func (m *Mode) mint(p post) {
	if m.leaving.sealed {
		panic(fmt.Sprintf("%s gives out %d in a sealed epoch", m.self, m.board.SeqMax()+1))
	}
	key := p.article.Key
	id, known := m.keys.ids[key]
	switch {
	case key != "" && known:
	case m.keys.tooOld(key, p.mark):
		id = board.ArticleID{}
	default:
		a := p.article
		a.ID = board.ArticleID{Seq: m.board.SeqMax() + 1, Origin: board.Cluster}
		m.store(a)
		m.fresh = append(m.fresh, a)
		id = a.ID
	}
	m.owed = append(m.owed, owed{p.asker, given{life: p.life, request: p.request, id: id}})
}

func (m *Mode) store(a board.Article) {
	m.out.Store(a)
	m.board = m.board.With(a.ID)
	m.keys.add(board.KeyedID{ID: a.ID, Key: a.Key})
}

// backUp tells the backup what this step has given out.
func (m *Mode) backUp() {
	if len(m.fresh) == 0 || m.backup == 0 {
		return
	}
	p := m.peer(m.backup)
	p.sent = m.board
	for rest := m.fresh; len(rest) > 0; {
		n, size := 1, rest[0].Size()
		for n < len(rest) && size+rest[n].Size() <= pieceSizeMax {
			size += rest[n].Size()
			n++
		}
		m.out.Send(p.id, appendMessage(message{kind: kindBackupdate, articles: rest[:n]}))
		rest = rest[n:]
	}
}

// onBackupdate stores what the primary has given out, and says what is here.
// Whoever says so is the primary: there is no term to tell it by. And what has
// the number of an article that is here is that article.
func (m *Mode) onBackupdate(from *peer, w message) {
	gap := false
	for _, a := range w.articles {
		switch {
		case m.board.Has(a.ID):
		case a.ID.Seq == m.board.SeqMax()+1 && !m.leaving.sealed:
			m.store(a)
		default:
			gap = true
		}
	}
	m.out.Send(from.id, appendMessage(message{kind: kindHave, board: m.board, gap: gap && !m.leaving.sealed}))
}

// onHave learns what a peer's disk holds.
func (m *Mode) onHave(from *peer, w message) {
	from.hear(w.board)
	if w.gap {
		from.sent = w.board
	}
	m.appoint()
}

// pay acknowledges what is safe: on the disk of the one that would lead next,
// or leads now. A primary that has nobody acknowledges alone.
func (m *Mode) pay() {
	kept := m.owed[:0]
	for _, o := range m.owed {
		if !m.safe(o.given.id) {
			kept = append(kept, o)
			continue
		}
		o.given.copies = m.copies(o.given.id)
		if o.asker == m.self {
			m.onGiven(o.given)
		} else if p := m.peer(o.asker); p.up {
			p.given = append(p.given, o.given)
		}
	}
	clear(m.owed[len(kept):])
	m.owed = kept
}

func (m *Mode) safe(id board.ArticleID) bool {
	witness := m.leader
	if m.leads() {
		witness = m.backup
	}
	if witness == 0 {
		return m.leads()
	}
	return m.peer(witness).has.Has(id)
}

func (m *Mode) copies(id board.ArticleID) int {
	n := 1
	for _, p := range m.peers {
		if p.has.Has(id) {
			n++
		}
	}
	return n
}

// onGiven ends a post of this replica's client.
func (m *Mode) onGiven(g given) {
	q := m.waiting[g.request]
	switch {
	case q == nil || g.life != m.incarnation:
	case g.id.IsZero():
		m.unknown(q, modes.KeyTooOld)
	case m.leaving.sealed:
		m.unknown(q, "the mode is being changed")
	default:
		m.end(q)
		m.out.Reply(modes.Reply{Request: q.ID, Outcome: modes.OK, ID: g.id, Copies: g.copies, Guarantee: guarantee})
	}
}

// spread sends WRITE: to each replica the ids that its clients wait for, and
// what it lacks, once that is safe.
func (m *Mode) spread() {
	for _, p := range m.peers {
		w := appendMessage(message{kind: kindWrite, given: p.given})
		switch {
		case !p.up:
		case m.leads() && p.heard && !p.sent.Covers(m.due(p)):
			m.out.SendBoard(p.id, p.sent, w)
			p.sent = m.board
		case len(p.given) > 0:
			m.out.Send(p.id, w)
		}
		p.given = nil
	}
}

// due is what a replica should have: the backup everything, the others what the
// backup has.
func (m *Mode) due(p *peer) board.Vector {
	if m.backup == 0 || p.id == m.backup {
		return m.board
	}
	return m.board.Meet(m.peer(m.backup).has)
}

// onWrite passes the ids on to the clients that wait for them; what came along
// is on the board already.
func (m *Mode) onWrite(w message) {
	for _, g := range w.given {
		m.onGiven(g)
	}
}

// onAsk sends what another replica's board lacks: SYNC.
func (m *Mode) onAsk(from *peer, w message) {
	if !m.leads() {
		m.greet(from)
		return
	}
	from.hear(w.board)
	from.sent = m.board
	m.out.SendBoard(from.id, w.board, appendMessage(message{kind: kindSynced, life: w.life, request: w.request}))
}

// someoneLacks reports whether a connected replica may lack something.
func (m *Mode) someoneLacks() bool {
	for _, p := range m.peers {
		if m.leads() && p.up && (!p.heard || !p.has.Covers(m.board)) {
			return true
		}
	}
	return false
}

// again asks once more for what was not answered, and sends once more what did
// not arrive.
func (m *Mode) again() {
	for _, p := range m.peers {
		if m.leads() && p.up && !p.heard {
			m.greet(p)
		}
		if p.stuck.Equal(p.has) { // and not only behind
			p.sent = p.sent.Meet(p.has)
		}
		p.stuck = p.has
	}
	for _, q := range m.waits() {
		if m.now-q.at >= resendAfter {
			m.ask(q)
		}
	}
}
