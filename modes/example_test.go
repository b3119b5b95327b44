package modes_test

import (
	"fmt"

	"consequor/board"
	"consequor/modes"
)

// Solo is a complete mode, good for a cluster of one: posts get ids 1, 2, 3,
// and are acknowledged once they are on this replica's disk.
type Solo struct {
	board  board.Vector               // what is on it
	ids    map[string]board.ArticleID // by key; kept for all articles, as this is a toy
	sealed bool                       // no more posts in this epoch
}

var _ modes.Mode = (*Solo)(nil)

func (m *Solo) Step(batch modes.Batch, out *modes.Effects) {
	for _, event := range batch.Events {
		switch e := event.(type) {
		case modes.Keys:
			for _, k := range e.Keys {
				m.remember(k.Key, k.ID)
			}
		case modes.Start:
			m.board = e.Board
			out.LocalReads(guarantee)
			out.Report(modes.Status{Role: modes.RoleCoordinator, Coordinator: e.Self, CaughtUp: true})
		case modes.Request:
			m.onRequest(e, out)
		case modes.Seal:
			m.sealed = true
			out.Sealed(m.board)
		case modes.Stop:
			out.Stopped()
		}
	}
}

const guarantee = "all posts of this one replica"

func (m *Solo) onRequest(r modes.Request, out *modes.Effects) {
	switch {
	case r.Verb == modes.VerbSync: // with nobody
		out.Reply(modes.Reply{Request: r.ID, Outcome: modes.OK, Guarantee: guarantee})
	case !r.Verb.Writes() && !m.board.Covers(r.Seen): // not in a cluster of one, unless the token is wrong
		out.Refuse(r.ID, modes.Behind, "this board has less than the session has seen")
	case !r.Verb.Writes(): // fresh, or of an article that is not here; the host answers others by itself
		out.Serve(modes.Serve{Request: r.ID, UpTo: m.board, Guarantee: guarantee})
	case r.Verb == modes.VerbReply && !r.OnBoard:
		out.Refuse(r.ID, modes.NotFound, "no article "+r.Target.String())
	case m.sealed:
		out.Refuse(r.ID, modes.EpochChanging, "the mode is being changed")
	default:
		m.post(r, out)
	}
}

// post adds an article, or finds the one that a first try has added.
func (m *Solo) post(r modes.Request, out *modes.Effects) {
	id, done := m.ids[r.Article.Key]
	if !done {
		id = board.ArticleID{Seq: m.board.SeqMax() + 1}
		a := r.Article
		a.ID, a.Parent = id, r.Target
		m.board = m.board.With(id)
		m.remember(a.Key, id)
		out.Store(a) // durable, and only then ...
	}
	out.Reply(modes.Reply{Request: r.ID, Outcome: modes.OK, ID: id, Copies: 1}) // ... acknowledged: Reply is held
}

func (m *Solo) remember(key string, id board.ArticleID) {
	if m.ids == nil {
		m.ids = make(map[string]board.ArticleID)
	}
	if key != "" {
		m.ids[key] = id
	}
}

func Example() {
	var mode Solo
	step := func(number uint64, events ...modes.Event) {
		var out modes.Effects
		mode.Step(modes.Batch{Number: number, Events: events}, &out)
		for _, effect := range out.List {
			switch e := effect.(type) {
			case modes.Store:
				fmt.Printf("store %s %q\n", e.Articles[0].ID, e.Articles[0].Title)
			case modes.Reply:
				fmt.Printf("reply to %d: %s %s\n", e.Request, e.Outcome, e.ID)
			case modes.Refuse:
				fmt.Printf("refuse %d: %s\n", e.Request, e.Why)
			}
		}
	}
	post := modes.Request{ID: 1, Verb: modes.VerbPost, Article: board.Article{Title: "hello", Key: "k"}}
	retry := post
	retry.ID = 2
	step(1, modes.Start{Self: 1, Replicas: []board.ReplicaID{1}})
	step(2, post)
	step(3, retry, modes.Request{ID: 3, Verb: modes.VerbReply, Target: board.ArticleID{Seq: 9}})
	// Output:
	// store 1 "hello"
	// reply to 1: ok 1
	// reply to 2: ok 1
	// refuse 3: no article 9
}
