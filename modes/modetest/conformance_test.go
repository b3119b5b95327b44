package modetest_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"consequor/board"
	"consequor/modes"
	"consequor/modes/modetest"
)

// solo is a mode for a cluster of one that keeps its contract. Its fields break
// that: each in one way, by name.
type solo struct {
	next   uint64
	vector board.Vector
	ids    map[string]board.ArticleID
	sealed bool

	forgetful bool                                        // of keys
	unsealed  bool                                        // goes on after Seal
	falling   bool                                        // in its ids
	tamper    func(batch modes.Batch, out *modes.Effects) // after each step
}

func (m *solo) Step(batch modes.Batch, out *modes.Effects) {
	for _, event := range batch.Events {
		switch e := event.(type) {
		case modes.Keys:
			for _, k := range e.Keys {
				m.remember(k.Key, k.ID)
			}
		case modes.Start:
			m.vector, m.next = e.Board, e.Board.SeqMax()+1
			if m.falling {
				m.next = 1 << 30
			}
			out.LocalReads("all")
			out.Report(modes.Status{Role: modes.RoleCoordinator, Coordinator: e.Self, CaughtUp: true})
		case modes.Request:
			m.onRequest(e, out)
		case modes.Seal:
			m.sealed = !m.unsealed
			out.Sealed(m.vector)
		case modes.Stop:
			out.Stopped()
		}
	}
	if m.tamper != nil {
		m.tamper(batch, out)
	}
}

func (m *solo) onRequest(r modes.Request, out *modes.Effects) {
	switch {
	case r.Verb == modes.VerbSync:
		out.Reply(modes.Reply{Request: r.ID, Outcome: modes.OK})
	case !r.Verb.Writes():
		out.Serve(modes.Serve{Request: r.ID, UpTo: m.vector, Guarantee: "linearizable"})
	case r.Verb == modes.VerbReply && !r.OnBoard:
		out.Refuse(r.ID, modes.NotFound, "no article "+r.Target.String())
	case m.sealed:
		out.Refuse(r.ID, modes.EpochChanging, "sealed")
	case m.ids[r.Article.Key] != board.ArticleID{}:
		out.Reply(modes.Reply{Request: r.ID, Outcome: modes.OK, ID: m.ids[r.Article.Key], Copies: 1})
	default:
		a := r.Article
		a.ID, a.Parent = board.ArticleID{Seq: m.next}, r.Target
		if m.next++; m.falling {
			m.next -= 2
		}
		m.vector = m.vector.With(a.ID)
		m.remember(a.Key, a.ID)
		out.Store(a)
		out.Reply(modes.Reply{Request: r.ID, Outcome: modes.OK, ID: a.ID, Copies: 1})
	}
}

func (m *solo) remember(key string, id board.ArticleID) {
	if m.ids == nil {
		m.ids = make(map[string]board.ArticleID)
	}
	if key != "" && !m.forgetful {
		m.ids[key] = id
	}
}

func newSolo() modes.Mode { return &solo{} }

// Scenario: a mode that keeps the contract passes, directly and over a socket.
func TestGoodModePasses(t *testing.T) {
	modetest.Run(t, modetest.Direct(newSolo), modetest.Sizes(1))
	modetest.Run(t, modetest.Socket(newSolo), modetest.Sizes(1))
}

// change returns a tamper that changes each effect of one kind into others.
func change[E modes.Effect](into func(e E) []modes.Effect) func(modes.Batch, *modes.Effects) {
	return func(_ modes.Batch, out *modes.Effects) {
		var list []modes.Effect
		for _, effect := range out.List {
			if e, ok := effect.(E); ok {
				list = append(list, into(e)...)
			} else {
				list = append(list, effect)
			}
		}
		out.List = list
	}
}

// drop returns a tamper that leaves out each effect of one kind.
func drop[E modes.Effect]() func(modes.Batch, *modes.Effects) {
	return change(func(E) []modes.Effect { return nil })
}

// always returns a tamper that adds an effect to each step.
func always(effect modes.Effect) func(modes.Batch, *modes.Effects) {
	return func(_ modes.Batch, out *modes.Effects) { out.List = append(out.List, effect) }
}

// withRequest returns a tamper that adds an effect to each step with a request.
func withRequest(effect modes.Effect) func(modes.Batch, *modes.Effects) {
	return func(batch modes.Batch, out *modes.Effects) {
		for _, event := range batch.Events {
			if _, ok := event.(modes.Request); ok {
				out.List = append(out.List, effect)
				return
			}
		}
	}
}

// Scenarios: modes that break the contract, each in one way. Each must be
// caught, for the right reason.
func TestBrokenModesAreCaught(t *testing.T) {
	runs := 0
	for name, c := range map[string]struct {
		mode solo
		want string
	}{
		"answers twice":      {solo{tamper: change(func(e modes.Reply) []modes.Effect { return []modes.Effect{e, e} })}, "which is answered already"},
		"answers a stranger": {solo{tamper: withRequest(modes.Reply{Request: 9999, Outcome: modes.OK})}, "request 9999, which nobody asked"},
		"answers nobody":     {solo{tamper: drop[modes.Serve]()}, "is not done after 10s: refused: no answer in time"},
		"serves a post": {solo{tamper: change(func(e modes.Reply) []modes.Effect {
			return []modes.Effect{modes.Serve{Request: e.Request, Guarantee: "x"}}
		})}, "Serve for post"},
		"replies to a read": {solo{tamper: change(func(e modes.Serve) []modes.Effect {
			return []modes.Effect{modes.Reply{Request: e.Request, Outcome: modes.OK}}
		})}, "Reply to read"},
		"acknowledges and stores nothing": {solo{tamper: drop[modes.Store]()}, "is on no board"},
		"acknowledges on no disk": {solo{tamper: change(func(e modes.Reply) []modes.Effect {
			e.Copies = 0
			return []modes.Effect{e}
		})}, "on 0 disks"},
		"has no such outcome": {solo{tamper: change(func(e modes.Reply) []modes.Effect {
			e.Outcome = 7
			return []modes.Effect{e}
		})}, "outcome 7"},
		"stores what nobody posted": {solo{tamper: changeArticle(func(a *board.Article) { a.Body += "!" })}, "is what nobody posted"},
		"stores without a parent":   {solo{tamper: changeArticle(func(a *board.Article) { a.Parent = board.ArticleID{Seq: 77} })}, "its parent 77 is not on the board"},
		"stores an invalid article": {solo{tamper: changeArticle(func(a *board.Article) { a.Title = "\xff" })}, "stores an invalid article"},
		"stores after the seal":     {solo{unsealed: true}, "after it was sealed"},
		"is sealed by itself":       {solo{tamper: withRequest(modes.Sealed{})}, "sealed without a Seal"},
		"seals more than its board": {solo{tamper: change(func(e modes.Sealed) []modes.Effect {
			return []modes.Effect{modes.Sealed{Board: board.Vector{{Seq: 1 << 40}}}}
		})}, "is sealed with 1099511627776"},
		"never says sealed":          {solo{tamper: drop[modes.Sealed]()}, "not all replicas are sealed"},
		"never says stopped":         {solo{tamper: drop[modes.Stopped]()}, "is not stopped"},
		"forgets what was not saved": {solo{tamper: withRequest(modes.Forget{UpTo: 5})}, "forgets records up to 5, but has saved 0"},
		"serves beyond its board": {solo{tamper: change(func(e modes.Serve) []modes.Effect {
			e.UpTo = board.Vector{{Seq: 1 << 40}}
			return []modes.Effect{e}
		})}, "but its board is"},
		"serves behind the session": {solo{tamper: change(func(e modes.Serve) []modes.Effect {
			e.UpTo = nil
			return []modes.Effect{e}
		})}, "but its session has seen"},
		"serves for no reason": {solo{tamper: change(func(e modes.Serve) []modes.Effect {
			e.Guarantee = ""
			return []modes.Effect{e}
		})}, "without a guarantee"},
		"refuses without a reason": {solo{tamper: change(func(e modes.Refuse) []modes.Effect {
			e.Why = ""
			return []modes.Effect{e}
		})}, "without kind"},
		"refuses what it stores": {solo{tamper: refuseOdd}, "was refused (no_majority: so it says), and is on a board"},
		"takes a key twice":      {solo{forgetful: true}, "but under that key there is"},
		"gives falling ids":      {solo{falling: true}, "not above its parent's"},
		"acts before its start":  {solo{tamper: always(modes.Report{Status: modes.Status{Role: modes.RolePeer}})}, "before Start"},
		"sends to a stranger":    {solo{tamper: withRequest(modes.Send{To: 9})}, "sends to r9"},
		"sends itself its board": {solo{tamper: withRequest(modes.SendBoard{To: 1})}, "sends to r1"},
		"sets a timer back":      {solo{tamper: withRequest(modes.SetTimer{Name: "x", After: -1})}, `timer "x" to -1ns`},
		"never rests":            {solo{tamper: afterStart(modes.SetTimer{Name: "x"})}, "and it never rests"},
		"reports no role":        {solo{tamper: withRequest(modes.Report{})}, "reports no role"},
		"reports a stranger":     {solo{tamper: withRequest(modes.Report{Status: modes.Status{Role: modes.RolePeer, Backup: 9}})}, "reports r9"},
		"halts":                  {solo{tamper: withRequest(modes.Halt{Why: "tired"})}, "halts: tired"},
		"panics":                 {solo{tamper: panicAtCancel}, "panic: no cancel, please"},
		"is not deterministic": {solo{tamper: func(_ modes.Batch, out *modes.Effects) {
			runs++
			out.Note(fmt.Sprint(runs))
		}}, "the same events had other effects in a second run"},
	} {
		t.Run(name, func(t *testing.T) {
			broken := func() modes.Mode { mode := c.mode; return &mode }
			err := modetest.Check(modetest.Direct(broken), modetest.Sizes(1))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("want %q, got:\n%.3000v", c.want, err)
			}
		})
	}
}

func changeArticle(how func(a *board.Article)) func(modes.Batch, *modes.Effects) {
	return change(func(e modes.Store) []modes.Effect {
		for i := range e.Articles {
			how(&e.Articles[i])
		}
		return []modes.Effect{e}
	})
}

// afterStart adds an effect to each step from Start on.
func afterStart(effect modes.Effect) func(modes.Batch, *modes.Effects) {
	return func(batch modes.Batch, out *modes.Effects) {
		if _, past := batch.Events[0].(modes.Keys); !past {
			out.List = append(out.List, effect)
		}
	}
}

// refuseOdd refuses posts without a key, and stores them nevertheless.
func refuseOdd(batch modes.Batch, out *modes.Effects) {
	keyless := make(map[modes.RequestID]bool)
	for _, event := range batch.Events {
		if r, ok := event.(modes.Request); ok && r.Verb == modes.VerbPost && r.Article.Key == "" {
			keyless[r.ID] = true
		}
	}
	change(func(e modes.Reply) []modes.Effect {
		if keyless[e.Request] {
			return []modes.Effect{modes.Refuse{Request: e.Request, Kind: modes.NoMajority, Why: "so it says"}}
		}
		return []modes.Effect{e}
	})(batch, out)
}

func panicAtCancel(batch modes.Batch, _ *modes.Effects) {
	for _, event := range batch.Events {
		if _, ok := event.(modes.Cancel); ok {
			panic("no cancel, please")
		}
	}
}

// Scenario: a run is recorded, and replayed elsewhere. The same mode says the
// same; one that differs in a single effect does not.
func TestReplay(t *testing.T) {
	recording, err := modetest.Record(modetest.Direct(newSolo), modetest.Sizes(1))
	if err != nil {
		t.Fatal(err)
	}
	if recording.Steps() < 100 {
		t.Errorf("only %d batches were recorded", recording.Steps())
	}
	if err := recording.Replay(modetest.Socket(newSolo)); err != nil {
		t.Error(err)
	}
	other := func() modes.Mode {
		return &solo{tamper: change(func(e modes.Refuse) []modes.Effect {
			e.Why += "."
			return []modes.Effect{e}
		})}
	}
	err = recording.Replay(modetest.Direct(other))
	if err == nil || !strings.Contains(err.Error(), `Why:no article 1099511627776.}`) {
		t.Errorf("replay of a mode that differs: %v", err)
	}
}

// A cluster answers LookUp by what its replica has stored, durable yet or not.
func TestClusterLooksUp(t *testing.T) {
	var looked []modes.Looked
	c := modetest.NewCluster(modetest.ClusterConfig{Replicas: 1, New: func() modes.Mode {
		return &solo{tamper: func(batch modes.Batch, out *modes.Effects) {
			for _, event := range batch.Events {
				switch e := event.(type) {
				case modes.Request:
					out.LookUp(board.ArticleID{Seq: 1})
					out.LookUp(board.ArticleID{Seq: 2})
				case modes.Looked:
					looked = append(looked, e)
				}
			}
		}}
	}})
	c.Do(1, modes.Request{Verb: modes.VerbPost, Article: board.Article{Title: "one"}})
	c.Settle()
	want := []modes.Looked{{ID: board.ArticleID{Seq: 1}, OnBoard: true}, {ID: board.ArticleID{Seq: 2}}}
	if !slices.Equal(looked, want) {
		t.Errorf("looked %+v, want %+v", looked, want)
	}
}
