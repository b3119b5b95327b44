package host_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"consequor/board"
	"consequor/modes"
	"consequor/replicad/host"
)

var (
	secondEpoch = host.Activation{Epoch: 2, ModeEpoch: 2, Mode: "second"}
	calledOff   = host.Activation{Epoch: 2, ModeEpoch: 1, Mode: "first"}
)

// posting is a mode that stores and acknowledges what it is given, from seq on,
// until it is sealed.
func posting(m *scripted, e modes.Event, out *modes.Effects) {
	switch e := e.(type) {
	case modes.Request:
		if e.Verb.Writes() {
			id := board.ArticleID{Seq: uint64(len(m.seen)), Origin: 1}
			out.Store(board.Article{ID: id, Title: e.Article.Title, Key: e.Article.Key})
			out.Reply(modes.Reply{Request: e.ID, Outcome: modes.OK, ID: id})
		}
	case modes.Seal:
		out.Sealed(nil)
	}
}

// titlesOf lists the posts that a mode was given.
func (m *scripted) titlesOf() []string {
	var list []string
	for _, e := range m.seen {
		if r, ok := e.(modes.Request); ok && r.Verb.Writes() {
			list = append(list, r.Article.Title)
		}
	}
	return list
}

// While an epoch is sealed posts wait for the next one, those that were queued
// before included; reads do not. At its deadline such a post is surely not done.
func TestSealKeepsPostsBack(t *testing.T) {
	c, n, lives := solo(t, posting)
	c.settle()
	queued := n.post("queued", "")
	n.h.Seal()
	waits, late := n.post("waits", "k"), n.request(host.Request{
		Verb: modes.VerbPost, Article: board.Article{Title: "late"}, Deadline: 10 * time.Millisecond})
	n.request(host.Request{Verb: modes.VerbSync})
	c.advance(20 * time.Millisecond)
	old := (*lives)[0]
	if got := old.titlesOf(); len(got) != 0 || !n.sealed {
		t.Errorf("sealed %v; the mode was given %q", n.sealed, got)
	}
	if !slices.ContainsFunc(old.seen, func(e modes.Event) bool { r, ok := e.(modes.Request); return ok && r.Verb == modes.VerbSync }) {
		t.Errorf("the sync was kept from the mode: %+v", old.seen)
	}
	if a := n.answer(late); a.Outcome != host.Refused || a.Kind != modes.EpochChanging || a.Mode != "first" {
		t.Errorf("at its deadline: %+v", a)
	}
	n.activate(secondEpoch)
	c.settle()
	for _, id := range []modes.RequestID{queued, waits} {
		if a := n.answer(id); a.Outcome != host.OK || a.Epoch != 2 || a.Mode != "second" {
			t.Errorf("in the next epoch: %+v", a)
		}
	}
	if n.view.Epoch != 2 || n.view.Mode != "second" {
		t.Errorf("view %+v", n.view)
	}
}

// What a mode cuts off because of the seal goes to the next epoch's: what it
// refuses was never done; what it calls unknown has a key, or is answered so.
func TestCutOffByTheSeal(t *testing.T) {
	tests := map[string]struct {
		key    string
		answer func(id modes.RequestID, out *modes.Effects)
		next   func(id modes.RequestID, out *modes.Effects)
		want   host.Outcome
	}{
		"refused, no key":     {"", epochChanges, acknowledge, host.OK},
		"refused, then again": {"", epochChanges, refuseInvalid, host.Refused},
		"unknown, key":        {"k", unknown, acknowledge, host.OK},
		"unknown, refused":    {"k", unknown, refuseInvalid, host.Unknown},
		"unknown, no key":     {"", unknown, nil, host.Unknown},
		"unknown, old key":    {"k", unknownOldKey, nil, host.Unknown},
	}
	for name, test := range tests {
		var request modes.RequestID
		c, n, _ := solo(t, func(m *scripted, e modes.Event, out *modes.Effects) {
			start, _ := m.seen[0].(modes.Start)
			switch e := e.(type) {
			case modes.Request:
				request = e.ID
				if start.Epoch == 2 {
					test.next(e.ID, out)
				}
			case modes.Seal:
				test.answer(request, out)
				out.Sealed(nil)
			}
		})
		c.settle()
		id := n.post("x", test.key)
		c.settle()
		n.h.Seal()
		c.settle()
		if _, answered := n.answers[id]; answered != (test.next == nil) {
			t.Errorf("%s: answered in the sealed epoch: %t, %+v", name, answered, n.answers[id])
		}
		n.activate(secondEpoch)
		c.settle()
		if a := n.answer(id); a.Outcome != test.want {
			t.Errorf("%s: %+v, want %d", name, a, test.want)
		}
	}
}

func epochChanges(id modes.RequestID, out *modes.Effects) {
	out.Refuse(id, modes.EpochChanging, "sealed")
}
func refuseInvalid(id modes.RequestID, out *modes.Effects) { out.Refuse(id, modes.InvalidPost, "no") }
func unknown(id modes.RequestID, out *modes.Effects) {
	out.Reply(modes.Reply{Request: id, Outcome: modes.Unknown, Why: "sealed"})
}
func unknownOldKey(id modes.RequestID, out *modes.Effects) {
	out.Reply(modes.Reply{Request: id, Outcome: modes.Unknown, Why: modes.KeyTooOld})
}
func acknowledge(id modes.RequestID, out *modes.Effects) {
	out.Reply(modes.Reply{Request: id, Outcome: modes.OK, ID: board.ArticleID{Seq: 1}})
}

// The seal is given once to each life, only when it is durable, also to one that
// begins between the wish and the disk; asked again, the answer is told again.
func TestSealOfEachLife(t *testing.T) {
	c, n, lives := solo(t, posting)
	c.settle()
	n.killPlugin()
	n.startPlugin()
	n.h.Seal()
	n.durable = host.Position(len(n.log) - 1) // all but the seal
	n.h.Synced(n.durable)
	n.h.Pump()
	if n.stepped == nil || len(n.stepped.batch.Events) != 1 {
		t.Fatalf("the second life's first batch: %+v", n.stepped)
	}
	c.settle()
	if got := (*lives)[1].saw(modes.Seal{}); got != 1 || !n.sealed {
		t.Errorf("the second life heard %d seals; sealed: %t", got, n.sealed)
	}
	n.sealed = false
	n.h.Seal()
	if !n.sealed {
		t.Error("asked again, nothing was told")
	}
	n.killPlugin()
	n.sealed = false
	if n.h.Seal(); n.sealed {
		t.Error("what a dead mode has said was told again")
	}
	n.startPlugin()
	if c.settle(); !n.sealed {
		t.Error("the third life was not sealed")
	}
}

// A mode that goes on after it has said Sealed is broken: its articles would be
// on no board that the next epoch begins with.
func TestNothingAfterSealed(t *testing.T) {
	article := board.Article{ID: board.ArticleID{Seq: 9, Origin: 1}, Title: "late"}
	for why, effect := range map[string]modes.Effect{
		"stores article 9.1 after it has sealed epoch 1":       modes.Store{Articles: []board.Article{article}},
		"acknowledges article 9.1 after it has sealed epoch 1": modes.Reply{Request: 1, Outcome: modes.OK, ID: article.ID},
	} {
		c, n, _ := solo(t, func(m *scripted, e modes.Event, out *modes.Effects) {
			switch e.(type) {
			case modes.Seal:
				out.Sealed(nil)
				out.SetTimer("later", time.Millisecond)
			case modes.Timer:
				out.List = append(out.List, effect)
			}
		})
		c.settle()
		n.post("x", "")
		c.settle()
		n.h.Seal()
		c.advance(2 * time.Millisecond)
		if !strings.Contains(n.halted, why) {
			t.Errorf("halted with %q, want %q", n.halted, why)
		}
	}
}

// Another mode begins: its journal is empty, its incarnation is above, and what
// the old one had in hand goes to it, but for a post without a key. To be told
// twice changes nothing.
func TestActivate(t *testing.T) {
	c, n, lives := solo(t, func(m *scripted, e modes.Event, out *modes.Effects) {
		switch e.(type) {
		case modes.Start:
			out.Save([]byte("record"))
		case modes.Seal:
			out.Sealed(nil)
		}
	})
	c.settle()
	keyed, keyless := n.post("keyed", "k"), n.post("keyless", "")
	c.settle()
	n.h.Seal()
	c.settle()
	n.activate(secondEpoch)
	c.settle()
	n.h.Activate(secondEpoch)
	n.h.Activate(host.Activation{Epoch: 1, ModeEpoch: 1, Mode: "older"})
	c.settle()
	m := (*lives)[1]
	start, ok := m.seen[0].(modes.Start)
	if !ok || start.Epoch != 2 || start.Incarnation != 2 || !start.Served {
		t.Errorf("the new mode's first event: %+v", m.seen[0])
	}
	if got := m.titlesOf(); len(*lives) != 2 || !slices.Equal(got, []string{"keyed"}) {
		t.Errorf("%d lives; the second was given %q", len(*lives), got)
	}
	if _, answered := n.answers[keyed]; answered {
		t.Error("the post with a key was answered")
	}
	if a := n.answer(keyless); a.Outcome != host.Unknown || a.Epoch != 2 {
		t.Errorf("the post without a key: %+v", a)
	}
	if past, err := n.Past(); err != nil || len(past.Records) != 1 || past.First != 1 {
		t.Errorf("journal %+v, %v; want the new mode's one record", past, err)
	}
}

// A change is called off: the mode finds its journal, and nothing is sealed.
func TestCalledOff(t *testing.T) {
	c, n, lives := solo(t, func(m *scripted, e modes.Event, out *modes.Effects) {
		switch e.(type) {
		case modes.Start:
			out.Save([]byte("record"))
		case modes.Seal:
			out.Sealed(nil)
		}
	})
	c.settle()
	n.h.Seal()
	c.settle()
	n.activate(calledOff)
	c.settle()
	m := (*lives)[1]
	if saved, ok := m.seen[0].(modes.Saved); !ok || len(saved.Records) != 1 {
		t.Errorf("the mode's first event: %+v, want its record", m.seen[0])
	}
	if start, ok := m.seen[1].(modes.Start); !ok || start.Epoch != 2 || m.saw(modes.Seal{}) != 0 {
		t.Errorf("in epoch 2 the mode was told %+v", m.seen)
	}
}

// A replica starts and finds that the cluster has gone on without it.
func TestStartInALaterEpoch(t *testing.T) {
	tests := map[string]struct {
		sealed  bool
		epoch   host.Activation
		records int
		refused string
	}{
		"the same":               {false, firstEpoch, 1, ""},
		"another mode":           {true, secondEpoch, 0, ""},
		"another mode, then off": {true, host.Activation{Epoch: 5, ModeEpoch: 3}, 0, ""},
		"called off":             {true, calledOff, 1, ""},
		"called off, not sealed": {false, calledOff, 1, ""},
		"another, never sealed":  {false, secondEpoch, 0, "epoch 1 was not sealed there"},
		"earlier":                {false, host.Activation{}, 0, "was left in epoch 1, the cluster is in epoch 0"},
		"nonsense":               {false, host.Activation{Epoch: 1, ModeEpoch: 2}, 0, "cannot have begun with epoch 2"},
	}
	for name, test := range tests {
		c, n, lives := solo(t, func(m *scripted, e modes.Event, out *modes.Effects) {
			if start, ok := e.(modes.Start); ok && start.Epoch == 1 && start.Incarnation == 1 {
				out.Save([]byte("record"))
				out.Send(1, nil) // so that it gets to the disk
			}
		})
		c.settle()
		if test.sealed {
			n.h.Seal()
			c.settle()
		}
		n.crash()
		n.epoch = test.epoch
		if _, err := host.New(n.config()); test.refused != "" {
			if err == nil || !strings.Contains(err.Error(), test.refused) {
				t.Errorf("%s: %v, want %q", name, err, test.refused)
			}
			continue
		}
		n.start()
		c.settle()
		m := (*lives)[1]
		past, err := n.Past()
		if err != nil || len(past.Records) != test.records {
			t.Errorf("%s: %d records, %v; want %d", name, len(past.Records), err, test.records)
		}
		start, ok := m.seen[len(m.seen)-1].(modes.Start) // no seal behind it
		if !ok || start.Epoch != test.epoch.Epoch || start.Incarnation != 2 {
			t.Errorf("%s: the mode was told %+v", name, m.seen)
		}
	}
}

// Replicas begin an epoch at different moments, and find each other as soon as
// the last one does, not when they announce themselves the next time.
func TestMeetInTheNextEpoch(t *testing.T) {
	c := newCluster(t, 2, func() modes.Mode {
		return &scripted{on: func(e modes.Event, out *modes.Effects) {
			if _, ok := e.(modes.Seal); ok {
				out.Sealed(nil)
			}
		}}
	})
	c.settle()
	for _, n := range c.nodes {
		n.h.Seal()
	}
	c.settle()
	c.node(1).activate(secondEpoch)
	c.settle()
	c.node(2).activate(secondEpoch)
	c.settle()
	for i, n := range c.nodes {
		m := n.mode.(*scripted)
		if m.saw(modes.PeerUp{Peer: board.ReplicaID(2 - i)}) != 1 {
			t.Errorf("%s in epoch 2 was told %+v", n.id, m.seen)
		}
	}
}
