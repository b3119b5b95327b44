package sequential

import (
	"fmt"

	pb "go.etcd.io/raft/v3/raftpb"

	"consequor/board"
	"consequor/modes"
	"consequor/mutants"
)

// applyEntries gives ids to what was committed, in the one order, and puts it
// on the board. The articles need not be on disk: the log, which is, has them.
func (m *Mode) applyEntries(message *pb.Message) {
	batch := applied{articles: make([]board.Article, 0, len(message.GetEntries()))}
	entries := message.GetEntries()
	if m.mutant == mutants.M6 {
		entries = m.unapplied(entries)
	}
	for _, e := range entries {
		if e.GetIndex() != m.applied+1 || e.GetIndex() > m.committed {
			panic(fmt.Sprintf("entry %d applied after %d, with %d committed", e.GetIndex(), m.applied, m.committed))
		}
		m.applied = e.GetIndex()
		m.apply(e.GetData(), &batch)
	}
	if len(batch.articles) > 0 {
		m.out.StoreLogged(batch.articles...)
	}
	for _, answer := range batch.answers {
		answer()
	}
	if batch.sealed {
		m.sealApplied()
	}
	m.passBarriers()
	m.appliedSize += sizeOf(message.GetEntries())
	m.respondApplied(message.GetResponses())
}

// respondApplied lets raft go on with what is committed: in this step, or, when
// it has done much, in the next one.
func (m *Mode) respondApplied(responses []*pb.Message) {
	if m.appliedSize >= applySizeMax {
		m.whenDurable(durability{messages: responses})
		return
	}
	for _, response := range responses {
		m.step(response)
	}
}

// applied gathers what a run of entries does; answers come after the stores
// that they speak of.
type applied struct {
	articles []board.Article
	answers  []func()
	sealed   bool
}

func (m *Mode) apply(data []byte, batch *applied) {
	if len(data) == 0 { // a coordinator's first
		return
	}
	switch kind := data[0]; kind {
	case entryPost:
		p, err := cutPost(data[1:])
		if err != nil {
			m.note("entry %d: a post that cannot be read is void", m.applied)
			return
		}
		m.applyPost(&p, batch)
	case entrySeal:
		epoch, err := cutSeal(data[1:])
		if err != nil {
			m.note("entry %d: a seal that cannot be read is void", m.applied)
			return
		}
		m.applySeal(epoch, batch)
	default:
		m.note("entry %d: of an unknown kind, %d, is void", m.applied, kind)
	}
}

// applySeal makes the posts of an epoch void from here on. An epoch that a
// called-off change has ended may be sealed late; that is no news to anybody.
func (m *Mode) applySeal(epoch uint64, batch *applied) {
	if epoch <= m.state.sealed {
		return
	}
	m.state.sealed = epoch
	if m.sealed() {
		batch.sealed = true
		m.note("sealed at entry %d, next id %d", m.applied, m.state.next)
	}
}

// applyPost decides, on every replica alike, what becomes of a post. The same
// post may be in the log more than once: then its key is known by the second.
func (m *Mode) applyPost(p *post, batch *applied) {
	id, found := m.lookUp(p.article.Key, p.mark)
	switch {
	case found == keyKnown:
		m.answerPost(p, batch, func(q *request) { m.answer(q, id) })
	case p.epoch <= m.state.sealed:
		// Void. Whoever waits for it is told when the seal is applied.
	case found == keyTooOld:
		m.answerPost(p, batch, m.answerTooOld)
	case found == keyAhead:
		m.answerPost(p, batch, func(q *request) { m.unknown(q, "the key's mark is above every article: it was not made here") })
	case !m.state.parentThere(p.article.Parent):
		m.note("entry %d: a reply to %s, which does not exist, is void", m.applied, p.article.Parent)
		m.answerPost(p, batch, func(q *request) { m.unknown(q, "its parent does not exist") })
	default:
		id := m.giveID(p)
		batch.articles = append(batch.articles, p.article)
		m.answerPost(p, batch, func(q *request) { m.answer(q, id) })
	}
}

// giveID gives the next id to a post.
func (m *Mode) giveID(p *post) board.ArticleID {
	if m.leaving.sealed || p.epoch <= m.state.sealed {
		panic(fmt.Sprintf("entry %d: a post of epoch %d is to get id %d in epoch %d, which is sealed (up to epoch %d)",
			m.applied, p.epoch, m.state.next, m.epoch, m.state.sealed))
	}
	id := board.ArticleID{Seq: m.state.next}
	if m.mutant == mutants.M10 { // the coordinator drew it, and may have drawn others that came to nothing
		id = p.article.ID
		m.state.next = max(m.state.next, id.Seq)
	}
	p.article.ID = id
	if key := p.article.Key; key != "" {
		if known, ok := m.keys.ids[key]; ok && known != id {
			panic(fmt.Sprintf("entry %d: key %q is to be article %s, and the board has it as %s", m.applied, key, id, known))
		}
		m.keys.add(board.KeyedID{ID: id, Key: key})
	}
	m.state.next++
	m.clusterTo = max(m.clusterTo, id.Seq)
	m.keys.forget(m.floor())
	return id
}

// answerPost answers the request that p was posted with, if it waits here.
func (m *Mode) answerPost(p *post, batch *applied, answer func(*request)) {
	if p.nonce.replica != m.self || p.nonce.incarnation != m.incarnation {
		return
	}
	if q, ok := m.waiting.byID[p.nonce.request]; ok {
		batch.answers = append(batch.answers, func() {
			if !q.done {
				answer(q)
			}
		})
	}
}

// answerTooOld answers a post whose key is too old now. Was it when the post was
// first proposed? If a snapshot stood for that, nobody knows here.
func (m *Mode) answerTooOld(q *request) {
	if q.unseen {
		m.unknown(q, modes.KeyForgotten)
		return
	}
	m.unknown(q, modes.KeyTooOld)
}

// resolve answers, after a snapshot, the posts that may have been among the
// entries it stands for: those with a key are on the board, or not yet done.
func (m *Mode) resolve() {
	for _, q := range m.waiting.all() {
		if q.stage == stagePost && !m.answerByKey(q) {
			q.unseen = len(q.rounds) > 0
		}
	}
}

// voidWaiting answers what waits when the seal is applied. Whatever the log
// holds behind the seal is void; what was before it has been applied, and would
// be answered had this replica seen it.
func (m *Mode) voidWaiting() {
	for _, q := range m.waiting.all() {
		if q.stage > stageBarrier || q.verb != modes.VerbPost && q.verb != modes.VerbReply {
			continue
		}
		_, found := m.lookUp(q.key, q.mark)
		switch {
		case m.answerByKey(q):
		case q.unseen && (q.key == "" || found == keyTooOld):
			m.unknown(q, "the epoch has changed meanwhile")
		default:
			m.refuse(q, modes.EpochChanging, "the mode is being changed")
		}
	}
}
