package modes_test

import (
	"fmt"

	"consequor/board"
	"consequor/modes"
)

// Solo is a complete mode, good for a cluster of one: posts get ids 1, 2, 3,
// and are acknowledged once they are on this replica's disk.
type Solo struct {
	next uint64            // seq of the next article; above all on the board
	ids  map[string]uint64 // by key; kept for all articles, as this is a toy
}

var _ modes.Mode = (*Solo)(nil)

func (m *Solo) Step(batch modes.Batch, out *modes.Effects) {
	for _, event := range batch.Events {
		switch e := event.(type) {
		case modes.Keys:
			for _, k := range e.Keys {
				m.remember(k.Key, k.ID.Seq)
			}
		case modes.Start:
			m.next = e.Board.SeqMax() + 1
			out.LocalReads("all posts of this one replica")
			out.Report(modes.Status{Role: modes.RoleCoordinator, Coordinator: e.Self, CaughtUp: true})
		case modes.Request:
			m.onRequest(e, out)
		case modes.Stop:
			out.Stopped()
		}
	}
}

func (m *Solo) onRequest(r modes.Request, out *modes.Effects) {
	switch {
	case !r.Verb.Writes():
		// Only a board that is behind the client's token gets here: not in a
		// cluster of one, unless the token is wrong.
		out.Refuse(r.ID, modes.Behind, "this board has less than the session has seen")
	case r.Verb == modes.VerbReply && !r.OnBoard:
		out.Refuse(r.ID, modes.NotFound, "no article "+r.Target.String())
	case m.ids[r.Article.Key] != 0: // a retry
		out.Reply(modes.Reply{Request: r.ID, Outcome: modes.OK, ID: board.ArticleID{Seq: m.ids[r.Article.Key]}, Copies: 1})
	default:
		a := r.Article
		a.ID, a.Parent = board.ArticleID{Seq: m.next}, r.Target
		m.next++
		m.remember(a.Key, a.ID.Seq)
		out.Store(a)                                                                  // durable, and only then ...
		out.Reply(modes.Reply{Request: r.ID, Outcome: modes.OK, ID: a.ID, Copies: 1}) // ... acknowledged: Reply is held
	}
}

func (m *Solo) remember(key string, seq uint64) {
	if m.ids == nil {
		m.ids = make(map[string]uint64)
	}
	if key != "" {
		m.ids[key] = seq
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
