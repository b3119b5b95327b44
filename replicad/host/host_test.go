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

// relay is a small mode for these tests: r1 gives the ids, the others forward
// to it, and it sends the board to everybody after each post.
type relay struct {
	start   modes.Start
	next    uint64
	waiting map[string]modes.RequestID // by title, at the replica that was asked
	sent    board.Vector
}

func newRelay() modes.Mode { return &relay{waiting: map[string]modes.RequestID{}} }

func (m *relay) Step(batch modes.Batch, out *modes.Effects) {
	for _, event := range batch.Events {
		switch e := event.(type) {
		case modes.Start:
			m.start, m.next = e, e.Board.SeqMax()+1
			out.LocalReads("prefix")
		case modes.Request:
			m.waiting[e.Article.Title] = e.ID
			m.forward(e.Article.Title, out)
		case modes.Receive:
			m.onReceive(e, out)
		}
	}
}

func (m *relay) forward(title string, out *modes.Effects) {
	out.SendNow(1, []byte(title))
}

func (m *relay) onReceive(e modes.Receive, out *modes.Effects) {
	title := string(e.Message)
	if e.Span == nil { // a title to be given an id, at r1
		out.Store(board.Article{ID: board.ArticleID{Seq: m.next}, Title: title})
		m.next++
		for _, id := range m.start.Replicas {
			out.SendBoard(id, m.sent, e.Message)
		}
		return
	}
	if id, ok := m.waiting[title]; ok && !e.Span.Gap {
		delete(m.waiting, title)
		out.Reply(modes.Reply{Request: id, Outcome: modes.OK, ID: e.Span.Board[0], Copies: 2})
	}
}

// Three replicas, a post at each: all boards become equal, all posts are
// acknowledged, and a read is answered without the mode.
func TestSmallCluster(t *testing.T) {
	c := newCluster(t, 3, newRelay)
	c.settle()
	var ids []modes.RequestID
	for i, title := range []string{"one", "two", "three"} {
		ids = append(ids, c.node(i+1).post(title, ""))
		c.settle()
	}
	want := []string{"1 one", "2 two", "3 three"}
	for i, n := range c.nodes {
		if a := n.answer(ids[i]); a.Outcome != host.OK || a.ID.Seq != uint64(i+1) {
			t.Errorf("post at %s: %+v", n.id, a)
		}
		if got := titles(&n.shown); !slices.Equal(got, want) {
			t.Errorf("%s has %q, want %q", n.id, got, want)
		}
		if n.view.Guarantee != "prefix" || n.view.Board.String() != "3" {
			t.Errorf("%s: view %+v", n.id, n.view)
		}
	}
}

// A span whose base the board does not cover is not taken, and the mode is
// told so.
func TestSpanWithGap(t *testing.T) {
	var told *modes.Span
	mode := &scripted{on: func(e modes.Event, out *modes.Effects) {
		if r, ok := e.(modes.Receive); ok {
			told = r.Span
		}
	}}
	c := newCluster(t, 2, func() modes.Mode { return mode })
	c.settle()
	chunk := host.SpanChunk{Since: board.Vector{{Seq: 4}}, UpTo: board.Vector{{Seq: 5}},
		Articles: []board.Article{{ID: board.ArticleID{Seq: 5}, Title: "five"}}, Last: true}
	frame := host.Frame{From: 2, To: 1, Kind: 4, Epoch: 1, Incarnation: 1, Body: chunk.Encode()}
	c.node(1).h.Frame(frame)
	c.settle()
	if told == nil || !told.Gap || len(c.node(1).shown.Span(nil)) != 0 {
		t.Fatalf("told %+v, board %q; want a gap and an empty board", told, titles(&c.node(1).shown))
	}
}

// solo returns a cluster of one whose mode does what on says.
func solo(t *testing.T, on func(m *scripted, e modes.Event, out *modes.Effects)) (*cluster, *node, *[]*scripted) {
	var lives []*scripted
	c := newCluster(t, 1, func() modes.Mode {
		m := &scripted{}
		m.on = func(e modes.Event, out *modes.Effects) { on(m, e, out) }
		lives = append(lives, m)
		return m
	})
	return c, c.node(1), &lives
}

// Nothing that asserts something about the disk leaves before the disk has it,
// that of earlier batches included; a refusal and a SendNow do not wait.
func TestHeldForTheDisk(t *testing.T) {
	c, n, lives := solo(t, func(m *scripted, e modes.Event, out *modes.Effects) {
		r, ok := e.(modes.Request)
		switch {
		case !ok:
		case r.Article.Title == "save": // asserts nothing yet
			out.Save([]byte("record"))
		case r.Article.Title == "reply": // writes nothing itself
			out.Reply(modes.Reply{Request: r.ID, Outcome: modes.OK})
			out.Send(1, []byte("durable"))
		case r.Article.Title == "refuse":
			out.Refuse(r.ID, modes.Stopping, "leaving")
			out.SendNow(1, []byte("now"))
		}
	})
	c.settle()
	step := func(title string) modes.RequestID {
		id := n.post(title, "")
		n.h.Pump()
		n.runPlugin()
		return id
	}
	step("save")
	if n.wanted > n.durable {
		t.Error("a Save alone asked for an fsync")
	}
	reply, refuse := step("reply"), step("refuse")
	if _, early := n.answers[reply]; early {
		t.Error("Reply left before the save of an earlier batch was on disk")
	}
	if a := n.answer(refuse); a.Outcome != host.Refused {
		t.Errorf("refusal: %+v", a)
	}
	n.h.Pump()
	n.runPlugin()
	mode := (*lives)[0]
	if mode.saw(modes.Receive{From: 1, Message: []byte("durable")}) != 0 {
		t.Error("a held send to oneself came before the disk had the save")
	}
	if mode.saw(modes.Receive{From: 1, Message: []byte("now")}) != 1 {
		t.Error("SendNow waited for the disk")
	}
	c.settle()
	if a := n.answer(reply); a.Outcome != host.OK {
		t.Errorf("reply: %+v", a)
	}
	if mode.saw(modes.Receive{From: 1, Message: []byte("durable")}) != 1 {
		t.Error("the held send to oneself never came, or came twice")
	}
}

// Durable stores are visible once on disk, logged ones at once.
func TestVisibility(t *testing.T) {
	c, n, _ := solo(t, func(m *scripted, e modes.Event, out *modes.Effects) {
		if r, ok := e.(modes.Request); ok {
			out.StoreLogged(board.Article{ID: board.ArticleID{Seq: 1}, Title: "logged"})
			out.Store(board.Article{ID: board.ArticleID{Seq: 2}, Title: "durable"})
			out.Reply(modes.Reply{Request: r.ID, Outcome: modes.OK, ID: board.ArticleID{Seq: 2}})
		}
	})
	c.settle()
	n.post("x", "")
	n.h.Pump()
	n.runPlugin()
	if got := titles(&n.shown); !slices.Equal(got, []string{"1 logged"}) {
		t.Errorf("before the fsync the board shows %q", got)
	}
	if n.h.Vector().String() != "2" {
		t.Errorf("written: %s", n.h.Vector())
	}
	c.settle()
	if got := titles(&n.shown); !slices.Equal(got, []string{"1 logged", "2 durable"}) {
		t.Errorf("after the fsync the board shows %q", got)
	}
}

// LookUp finds what the board holds, what is not visible yet included, and does
// not take a hole below an origin's last seq for an article.
func TestLookUp(t *testing.T) {
	c, n, lives := solo(t, func(m *scripted, e modes.Event, out *modes.Effects) {
		if _, ok := e.(modes.Request); ok {
			out.Store(board.Article{ID: board.ArticleID{Seq: 4, Origin: 1}, Title: "hidden"})
			out.LookUp(board.ArticleID{Seq: 4, Origin: 1})
			out.LookUp(board.ArticleID{Seq: 3, Origin: 1})
		}
	})
	c.settle()
	n.post("x", "")
	n.h.Pump()
	n.runPlugin()
	if n.shown.Len() != 0 {
		t.Fatal("a durable store is visible before it is on disk")
	}
	c.settle()
	m := (*lives)[0]
	if m.saw(modes.Looked{ID: board.ArticleID{Seq: 4, Origin: 1}, OnBoard: true}) != 1 {
		t.Errorf("what is stored was not found: %+v", m.seen)
	}
	if m.saw(modes.Looked{ID: board.ArticleID{Seq: 3, Origin: 1}}) != 1 {
		t.Errorf("a hole was taken for an article: %+v", m.seen)
	}
}

// A store that contradicts the board, or a reply without its parent, halts the
// replica with a word that names the article.
func TestConflictHalts(t *testing.T) {
	for name, second := range map[string]board.Article{
		"stored twice with different content": {ID: board.ArticleID{Seq: 1}, Title: "b"},
		"its parent 9 is not on the board":    {ID: board.ArticleID{Seq: 2}, Parent: board.ArticleID{Seq: 9}, Title: "c"},
	} {
		c, n, _ := solo(t, func(m *scripted, e modes.Event, out *modes.Effects) {
			if r, ok := e.(modes.Request); ok {
				out.Store(board.Article{ID: board.ArticleID{Seq: 1}, Title: "a"})
				out.Store(second)
				out.Reply(modes.Reply{Request: r.ID, Outcome: modes.OK})
			}
		})
		c.settle()
		id := n.post("x", "")
		c.settle()
		if !strings.Contains(n.halted, name) {
			t.Errorf("halted with %q, want %q", n.halted, name)
		}
		if a := n.answer(id); a.Outcome != host.Unknown {
			t.Errorf("%s: the post that was in hand ended %+v, want unknown", name, a)
		}
		if a := n.answer(n.post("y", "")); a.Outcome != host.Refused {
			t.Errorf("%s: a post after the halt ended %+v, want refused", name, a)
		}
	}
}

// A plugin dies with a batch in hand. Keyed requests go to the next life, a
// keyless post ends unknown, and what the next life refuses is unknown too:
// the dead one may have sent it on.
func TestPluginDeath(t *testing.T) {
	c, n, lives := solo(t, func(m *scripted, e modes.Event, out *modes.Effects) {
		if r, ok := e.(modes.Request); ok && r.Article.Key == "refused later" {
			out.Refuse(r.ID, modes.NoMajority, "no majority (1 of 3)")
		} else if ok {
			out.Reply(modes.Reply{Request: r.ID, Outcome: modes.OK})
		}
		if start, ok := e.(modes.Start); ok {
			out.Save([]byte{byte(start.Incarnation)})
		}
	})
	c.settle()
	keyed, keyless, refused, read := n.post("a", "k"), n.post("b", ""), n.post("c", "refused later"),
		n.request(host.Request{Verb: modes.VerbSync})
	n.h.Pump() // the batch is in the plugin, which never answers
	dead := n.stepped
	n.killPlugin()
	if a := n.answer(keyless); a.Outcome != host.Unknown {
		t.Errorf("keyless: %+v", a)
	}
	n.startPlugin()
	n.must(n.h.Stepped(dead.life, dead.batch.Number, &modes.Effects{List: []modes.Effect{modes.Halt{Why: "a dead plugin's word"}}}))
	c.settle()
	if n.halted != "" {
		t.Fatalf("effects of a dead stream were applied: %s", n.halted)
	}
	for id, want := range map[modes.RequestID]host.Outcome{keyed: host.OK, refused: host.Unknown, read: host.OK} {
		if a := n.answer(id); a.Outcome != want {
			t.Errorf("request %d: %+v, want outcome %d", id, a, want)
		}
	}
	second := (*lives)[1]
	if second.saw(modes.Saved{First: 1, Records: [][]byte{{1}}}) != 1 {
		t.Error("the second life did not get the first one's records")
	}
	if start := second.seen[1].(modes.Start); start.Incarnation != 2 || !start.Served {
		t.Errorf("second start: %+v", start)
	}
}

// The incarnation number is on disk before the mode hears of it, and rises
// over a crash even if nothing else was ever written.
func TestIncarnationIsDurable(t *testing.T) {
	c, n, lives := solo(t, func(*scripted, modes.Event, *modes.Effects) {})
	n.h.Pump()
	if n.stepped != nil {
		t.Fatal("the mode was started before its incarnation was on disk")
	}
	c.settle()
	n.crash()
	n.start()
	c.settle()
	if start := (*lives)[1].seen[0].(modes.Start); start.Incarnation != 2 {
		t.Errorf("incarnation %d after a crash, want 2", start.Incarnation)
	}
}

// Deadlines: the mode gets Cancel and 100 ms; then the host says unknown for a
// write that the mode knew, refused for a read.
func TestDeadlines(t *testing.T) {
	c, n, lives := solo(t, func(m *scripted, e modes.Event, out *modes.Effects) {
		if cancel, ok := e.(modes.Cancel); ok && cancel.Request == 3 {
			out.Refuse(3, modes.NoCoordinator, "never sent")
		}
	})
	c.settle()
	post, read, last := n.post("a", "k"), n.request(host.Request{Verb: modes.VerbRead, Fresh: true}), n.post("b", "k3")
	c.advance(time.Second)
	if (*lives)[0].saw(modes.Cancel{Request: post}) != 1 {
		t.Error("no Cancel at the deadline")
	}
	if a := n.answer(last); a.Outcome != host.Refused || a.Kind != modes.NoCoordinator {
		t.Errorf("last word: %+v", a)
	}
	c.advance(host.LastWord - time.Millisecond)
	if _, early := n.answers[post]; early {
		t.Error("the host answered before the mode's time for a last word was over")
	}
	c.advance(time.Millisecond)
	if a := n.answer(post); a.Outcome != host.Unknown {
		t.Errorf("post: %+v, want unknown", a)
	}
	if a := n.answer(read); a.Outcome != host.Refused {
		t.Errorf("read: %+v, want refused", a)
	}
}

// A post that never reached a mode is surely not done.
func TestDeadlineWithoutPlugin(t *testing.T) {
	c, n, _ := solo(t, func(*scripted, modes.Event, *modes.Effects) {})
	c.settle()
	n.killPlugin()
	id := n.post("a", "k")
	c.advance(2 * time.Second)
	if a := n.answer(id); a.Outcome != host.Refused {
		t.Errorf("%+v, want refused", a)
	}
}

// At the bound clients are refused and peers' messages drop; what the replica
// itself causes still gets in.
func TestOverload(t *testing.T) {
	c, n, _ := solo(t, func(_ *scripted, e modes.Event, out *modes.Effects) {
		if _, ok := e.(modes.Request); ok {
			out.Save([]byte("wanted by nobody yet"))
		}
	})
	c.settle()
	n.post("first", "")
	c.settle()
	n.backlog = host.BacklogSizeMax + 1 // nothing flows to the plugin
	body := strings.Repeat("x", board.BodyLenMax)
	refused := 0
	for range 2 * host.PendingSizeMax / board.BodyLenMax {
		id := n.request(host.Request{Verb: modes.VerbPost, Article: board.Article{Body: body}})
		if a, ok := n.answers[id]; ok && a.Kind == modes.Overloaded {
			refused++
		}
	}
	if refused == 0 || refused > host.PendingSizeMax/board.BodyLenMax+2 {
		t.Errorf("%d posts of twice the bound refused", refused)
	}
	n.h.Pump()
	if n.stepped != nil {
		t.Error("a batch went to the plugin though the disk is far behind")
	}
	if n.wanted < host.Position(len(n.log)) {
		t.Error("nobody asked the disk to catch up")
	}
}

// While the disk is full, posts are refused before any mode knows of them, and
// reads go on; what had come in before goes on when there is room.
func TestFullDisk(t *testing.T) {
	known := 0
	c, n, _ := solo(t, func(_ *scripted, e modes.Event, out *modes.Effects) {
		switch r, ok := e.(modes.Request); {
		case ok && r.Verb.Writes():
			known++
		case ok:
			out.Serve(modes.Serve{Request: r.ID})
		}
	})
	c.settle()
	n.full = true
	for _, verb := range []modes.Verb{modes.VerbPost, modes.VerbReply} {
		id := n.request(host.Request{Verb: verb, Article: board.Article{Title: "a"}, Deadline: c.now + time.Second})
		if a := n.answer(id); a.Outcome != host.Refused || a.Kind != modes.DiskFull || !strings.Contains(a.Why, "the disk of r1 is full") {
			t.Errorf("%s at a full disk: %+v", verb, a)
		}
	}
	read := n.request(host.Request{Verb: modes.VerbRead, Deadline: c.now + time.Second})
	c.settle()
	if a := n.answer(read); a.Outcome != host.OK || known != 0 {
		t.Errorf("a read at a full disk: %+v; the mode knows of %d posts", a, known)
	}
	n.full = false
	n.post("b", "")
	c.settle()
	if known != 1 {
		t.Errorf("the mode knows of %d posts, want 1", known)
	}
}

// A timer that is cleared or set again never fires for its old setting, even
// if it was due already.
func TestTimers(t *testing.T) {
	var fired []time.Duration
	var c *cluster
	c, n, _ := solo(t, func(m *scripted, e modes.Event, out *modes.Effects) {
		switch e := e.(type) {
		case modes.Start:
			out.SetTimer("a", 10*time.Millisecond)
			out.SetTimer("b", 10*time.Millisecond)
		case modes.Timer:
			fired = append(fired, c.now)
			if e.Name == "a" {
				out.ClearTimer("b")
				out.SetTimer("c", 5*time.Millisecond)
			}
		case modes.Request:
			out.ClearTimer("b")
			out.SetTimer("a", 20*time.Millisecond)
		}
	})
	c.settle()
	c.now = 10 * time.Millisecond
	n.post("x", "") // stepped before the two timers below
	n.h.Pump()
	n.h.Tick(c.now) // both are due and queued behind the batch in the plugin
	n.runPlugin()
	c.advance(100 * time.Millisecond)
	if want := []time.Duration{30 * time.Millisecond, 35 * time.Millisecond}; !slices.Equal(fired, want) {
		t.Errorf("timers fired at %v, want %v", fired, want)
	}
}

// Frames of another epoch, of an older incarnation or for somebody else never
// reach the mode.
func TestFrameFilter(t *testing.T) {
	mode := &scripted{}
	c := newCluster(t, 2, func() modes.Mode { return mode })
	c.settle()
	n := c.node(1)
	good := host.Frame{From: 2, To: 1, Kind: 1, Epoch: 1, Incarnation: 5}
	for body, change := range map[string]func(*host.Frame){
		"good":        func(f *host.Frame) {},
		"other epoch": func(f *host.Frame) { f.Epoch = 2 },
		"stranger":    func(f *host.Frame) { f.From = 9 },
		"misrouted":   func(f *host.Frame) { f.To = 2 },
	} {
		f := good
		f.Body = []byte(body)
		change(&f)
		n.h.Frame(f)
	}
	old := good
	old.Incarnation, old.Body = 4, []byte("older incarnation")
	n.h.Frame(old)
	c.settle()
	for _, e := range mode.seen {
		if r, ok := e.(modes.Receive); ok && string(r.Message) != "good" {
			t.Errorf("the mode received %q", r.Message)
		}
	}
	if mode.saw(modes.Receive{From: 2, Message: []byte("good")}) != 1 {
		t.Error("the good frame did not arrive once")
	}
}

// A peer's plugin dies and comes back: down, then up, without the link ending.
func TestPeerUpDown(t *testing.T) {
	lives := map[board.ReplicaID][]*scripted{}
	var c *cluster
	next := board.ReplicaID(0)
	c = newCluster(t, 2, func() modes.Mode {
		m := &scripted{}
		next++
		lives[next] = append(lives[next], m)
		return m
	})
	c.settle()
	c.node(2).killPlugin()
	c.settle()
	c.node(2).startPlugin()
	c.settle()
	var got []string
	for _, e := range lives[1][0].seen {
		switch e.(type) {
		case modes.PeerUp:
			got = append(got, "up")
		case modes.PeerDown:
			got = append(got, "down")
		}
	}
	if want := []string{"up", "down", "up"}; !slices.Equal(got, want) {
		t.Errorf("r1 saw r2 %v, want %v", got, want)
	}
}

// Seal is durable before the mode hears of it, and given again after a crash.
func TestSealSurvives(t *testing.T) {
	c, n, lives := solo(t, func(m *scripted, e modes.Event, out *modes.Effects) {
		if _, ok := e.(modes.Seal); ok {
			out.Sealed(nil)
		}
	})
	c.settle()
	n.h.Seal()
	n.h.Pump()
	if (*lives)[0].saw(modes.Seal{}) != 0 || n.stepped != nil {
		t.Error("the mode heard of the seal before it was durable")
	}
	c.settle()
	if !n.sealed {
		t.Error("not sealed")
	}
	n.crash()
	n.start()
	c.settle()
	if !n.sealed || (*lives)[1].saw(modes.Seal{}) != 1 {
		t.Error("the seal was forgotten by a crash")
	}
}

// A token of another cluster is refused; one of a later epoch waits.
func TestTokens(t *testing.T) {
	c, n, lives := solo(t, func(*scripted, modes.Event, *modes.Effects) {})
	c.settle()
	other := n.request(host.Request{Verb: modes.VerbRead, Token: board.Token{Cluster: "other", Epoch: 1}})
	later := n.request(host.Request{Verb: modes.VerbRead, Token: board.Token{Cluster: "test", Epoch: 2}})
	c.settle()
	if a := n.answer(other); a.Kind != modes.OtherCluster {
		t.Errorf("other cluster: %+v", a)
	}
	if _, ok := n.answers[later]; ok || len((*lives)[0].seen) != 1 {
		t.Errorf("a token of a later epoch did not wait: %+v", n.answers)
	}
}
