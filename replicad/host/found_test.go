package host_test

import (
	"testing"
	"time"

	"consequor/board"
	"consequor/modes"
	"consequor/modes/sequential"
	"consequor/replicad/host"
)

// What reviews and random runs have found, each as the shortest story that
// shows it.

func article(seq uint64, key string) board.Article {
	return board.Article{ID: board.ArticleID{Seq: seq}, Title: "t", Key: key}
}

func spanFrame(chunk host.SpanChunk) host.Frame {
	return host.Frame{From: 2, To: 1, Kind: 4, Epoch: 1, Incarnation: 1, Body: chunk.Encode()}
}

// A span breaks off after its first chunk and comes again whole: the mode is
// told the keys of the first chunk's articles too, though they were there by
// then. Else a retry of one of them would be a second article. Each article is
// counted once, with a key or without.
func TestKeysOfABrokenSpan(t *testing.T) {
	var keys []string
	count := 0
	mode := &scripted{on: func(e modes.Event, out *modes.Effects) {
		if r, ok := e.(modes.Receive); ok && r.Span != nil {
			count += r.Span.Count
			for _, k := range r.Span.Keys {
				keys = append(keys, k.Key)
			}
		}
	}}
	c := newCluster(t, 2, func() modes.Mode { return mode })
	c.settle()
	n := c.node(1)
	first := host.SpanChunk{UpTo: board.Vector{{Seq: 2}}, Articles: []board.Article{article(1, "k1"), article(2, "k2")}}
	last := host.SpanChunk{Since: first.UpTo, UpTo: board.Vector{{Seq: 4}}, Articles: []board.Article{article(3, "k3"), article(4, "")}, Last: true}
	n.h.Frame(spanFrame(first))
	c.settle()
	n.h.LinkDown(2)
	n.h.LinkUp(2)
	n.h.Frame(spanFrame(first))
	n.h.Frame(spanFrame(last))
	c.settle()
	if len(keys) != 3 {
		t.Errorf("the mode was told of the keys %q, want three", keys)
	}
	if count != 4 {
		t.Errorf("the mode was told of %d articles, want 4", count)
	}
}

// A span's articles 1 and 2 wait for the disk when the mode stores 1 to 3 from
// its log: 3 is not shown before them.
func TestNothingIsShownAboveWhatIsHidden(t *testing.T) {
	mode := &scripted{on: func(e modes.Event, out *modes.Effects) {
		if _, ok := e.(modes.Request); ok {
			out.StoreLogged(article(1, ""), article(2, ""), article(3, ""))
		}
	}}
	c := newCluster(t, 2, func() modes.Mode { return mode })
	c.settle()
	n := c.node(1)
	n.h.Frame(spanFrame(host.SpanChunk{UpTo: board.Vector{{Seq: 2}}, Articles: []board.Article{article(1, ""), article(2, "")}, Last: true}))
	n.post("x", "")
	n.h.Pump()
	n.runPlugin()
	if got := titles(&n.shown); len(got) != int(n.view.Board.Seq(board.Cluster)) {
		t.Errorf("the view holds %s, the board shows %q", n.view.Board, got)
	}
	c.settle()
	if got := titles(&n.shown); len(got) != 3 {
		t.Errorf("in the end the board shows %q", got)
	}
}

// After effects that were refused nothing more goes to that plugin: what it
// says next builds on what was never done.
func TestNothingFollowsRefusedEffects(t *testing.T) {
	c, n, _ := solo(t, func(_ *scripted, e modes.Event, out *modes.Effects) {
		if _, ok := e.(modes.Request); ok {
			out.SendNow(9, nil)
		}
	})
	c.settle()
	n.post("one", "")
	n.h.Pump()
	n.post("two", "")
	s := n.stepped
	n.stepped = nil
	var out modes.Effects
	n.mode.Step(s.batch, &out)
	if err := n.h.Stepped(s.life, s.batch.Number, &out); err == nil {
		t.Fatal("an effect for a replica that is not in the cluster was taken")
	}
	n.h.Pump()
	if n.stepped != nil {
		t.Error("another batch went to the broken plugin")
	}
}

// A whole batch of requests has expired: what stands behind them still goes to
// the mode.
func TestExpiredRequestsHoldUpNothing(t *testing.T) {
	c, n, lives := solo(t, func(_ *scripted, e modes.Event, out *modes.Effects) {
		if _, ok := e.(modes.Start); ok {
			out.SetTimer("late", 2*time.Second)
		}
	})
	c.settle()
	n.h.Request(host.Request{Verb: modes.VerbSync, Deadline: time.Hour})
	n.h.Pump() // it is in the plugin
	for range host.PendingCountMax {
		n.h.Request(host.Request{Verb: modes.VerbSync, Deadline: time.Second})
	}
	c.now = 2 * time.Second
	n.h.Tick(c.now) // they expire, and the timer runs out behind them
	n.runPlugin()
	n.h.Pump()
	n.runPlugin()
	if (*lives)[0].saw(modes.Timer{Name: "late"}) != 1 {
		t.Error("the timer waits behind requests that have ended")
	}
}

// At its deadline a request gets the mode's own word, not the host's guess.
func TestLastWordIsTheModes(t *testing.T) {
	c := newCluster(t, 3, sequential.New)
	c.advance(2 * time.Second)
	n := c.node(1)
	behind := n.request(host.Request{Verb: modes.VerbRead, Deadline: c.now + 300*time.Millisecond,
		Token: board.Token{Cluster: "test", Epoch: 1, Seen: board.Vector{{Seq: 5}}}})
	c.advance(time.Second)
	if a := n.answer(behind); a.Kind != modes.Behind {
		t.Errorf("a read of what the board does not have ended %+v, want kind %s", a, modes.Behind)
	}
}

// All announcements are lost: the replicas meet all the same.
func TestAnnouncementsAreLost(t *testing.T) {
	c := newCluster(t, 2, sequential.New)
	for _, n := range c.nodes {
		n.runDisk()
	}
	if len(c.wire) != 2 {
		t.Fatalf("%d frames on the wire, want two announcements", len(c.wire))
	}
	c.wire = nil
	c.advance(10 * time.Second)
	id := c.node(1).post("x", "k")
	c.advance(2 * time.Second)
	if a := c.node(1).answer(id); a.Outcome != host.OK {
		t.Errorf("a post ten seconds later ended %+v", a)
	}
}

// A durable store becomes visible though nothing else waits for the disk.
func TestDurableStoreAlone(t *testing.T) {
	c, n, _ := solo(t, func(_ *scripted, e modes.Event, out *modes.Effects) {
		if _, ok := e.(modes.Request); ok {
			out.Store(article(1, ""))
		}
	})
	c.settle()
	n.post("x", "")
	c.settle()
	if len(n.shown.Span(nil)) != 1 {
		t.Error("it is not visible")
	}
}

// A replica without a plugin has nothing to hand over: it is stopped at once.
func TestStopWithoutPlugin(t *testing.T) {
	c, n, _ := solo(t, func(*scripted, modes.Event, *modes.Effects) {})
	c.settle()
	n.killPlugin()
	n.h.Stop()
	if !n.stopped {
		t.Error("it waits for a mode that is not there")
	}
}
