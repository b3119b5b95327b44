package originlog

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"consequor/board"
	"consequor/modes"
)

// begun returns the log of r1 in a cluster of n, which has just started, and
// where its effects go.
func begun(n int, c Config) (*Log, *modes.Effects) {
	l, out := New(), new(modes.Effects)
	l.Begin(0, out)
	start := modes.Start{Incarnation: 1, Self: 1}
	for i := range n {
		start.Replicas = append(start.Replicas, board.ReplicaID(i+1))
	}
	if c.Label == nil {
		c.Label = func(*Request) string { return "tested" }
	}
	l.OnStart(start, c)
	return l, out
}

func parse(t *testing.T, text string) board.Vector {
	t.Helper()
	v, err := board.ParseVector(text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// What is on k disks is per origin the k-th highest seq; it may be asked for in
// any order, and one seq more is on fewer.
func TestOnDisks(t *testing.T) {
	for _, test := range []struct {
		disks string    // this one's first
		want  [4]string // on 1 .. 4 disks
	}{
		{"-", [4]string{"-", "-", "-", "-"}},
		{"5.1", [4]string{"5.1", "-", "-", "-"}},
		{"5.1 3.1 -", [4]string{"5.1", "3.1", "-", "-"}},
		{"5.1,7.2 3.1,7.2 6.1", [4]string{"6.1,7.2", "5.1,7.2", "3.1", "-"}},
		{"4,4.1 4,2.1 4 3", [4]string{"4,4.1", "4,2.1", "4", "3"}},
	} {
		for i, text := range test.want {
			l := &Log{config: Config{Copies: i + 1}}
			for n, disk := range strings.Fields(test.disks) {
				if n == 0 {
					l.board = parse(t, disk)
				} else {
					l.peers = append(l.peers, &peer{known: parse(t, disk)})
				}
			}
			want := parse(t, text)
			for origin := range board.ReplicaID(4) {
				if more := want.With(board.ArticleID{Seq: want.Seq(origin) + 1, Origin: origin}); l.OnDisks(more) {
					t.Errorf("of %s, %s is said to be on %d disks; want %s", test.disks, more, i+1, want)
				} else if !l.spreads.wanted.Covers(more) {
					t.Errorf("of %s, %s is not pushed", test.disks, more)
				}
			}
			if !l.OnDisks(want) || !want.Covers(l.stable) {
				t.Errorf("of %s, on %d disks: %s, want %s", test.disks, i+1, l.stable, want)
			}
		}
	}
}

// A table that has forgotten keys knows below which seq it may have: a key with
// a mark below that is too old to tell.
func TestKeyTableForgets(t *testing.T) {
	table := newKeyTable(3)
	table.start(1, 0)
	for seq := uint64(10); seq < 15; seq++ {
		table.add(board.KeyedID{ID: board.ArticleID{Seq: seq, Origin: 1}, Key: "k" + board.ArticleID{Seq: seq}.String()})
	}
	if _, ok := table.find("k11"); ok || table.tooOld(11) || !table.tooOld(10) {
		t.Errorf("k11 is there: %v; floor %d, want 12", ok, table.floor)
	}
	if id, ok := table.find("k12"); !ok || id.Seq != 12 {
		t.Errorf("k12 is %s, %v", id, ok)
	}
}

// However late low ids come, the floor does not rise above the highest one: a key
// that was made here just now is never too old.
func TestKeyTableForgetsTheLowest(t *testing.T) {
	table := newKeyTable(3)
	table.start(1, 0)
	for _, seq := range []uint64{90, 91, 92, 10, 11, 12, 13} {
		table.add(board.KeyedID{ID: board.ArticleID{Seq: seq, Origin: 1}, Key: "k" + board.ArticleID{Seq: seq}.String()})
	}
	for _, key := range []string{"k90", "k91", "k92"} {
		if _, ok := table.find(key); !ok {
			t.Errorf("%s was forgotten", key)
		}
	}
	if len(table.ids) != 3 || table.tooOld(13) || !table.tooOld(12) {
		t.Errorf("%d keys are left, floor %d; want 3 and 14", len(table.ids), table.floor)
	}
}

// What others have posted makes no key too old that has its home here; what is
// forgotten of this origin's articles, or of the cluster's, does.
func TestKeyTableFloorIsOfItsOwnKeys(t *testing.T) {
	table := newKeyTable(3)
	table.start(1, 0)
	add := func(origin board.ReplicaID, seqs ...uint64) {
		for _, seq := range seqs {
			id := board.ArticleID{Seq: seq, Origin: origin}
			table.add(board.KeyedID{ID: id, Key: "k" + id.String()})
		}
	}
	add(2, 10, 11, 12, 13, 14)
	if table.tooOld(0) {
		t.Errorf("the floor is %d after articles of r2 were forgotten, want none", table.floor)
	}
	add(1, 15)
	add(2, 16, 17, 18)
	if table.tooOld(15) || !table.tooOld(14) {
		t.Errorf("the floor is %d after 15.1 was forgotten, want 16", table.floor)
	}
	add(board.Cluster, 19)
	add(2, 20, 21, 22)
	if table.tooOld(19) || !table.tooOld(18) {
		t.Errorf("the floor is %d after 19 was forgotten, want 20", table.floor)
	}
}

// A key's home is the replica that it names, if there is one of that number;
// else all replicas find the same one, and keys spread over all.
func TestHomeOf(t *testing.T) {
	replicas := []board.ReplicaID{1, 2, 3}
	if got := homeOf("k~0.2", replicas); got != 2 {
		t.Errorf("k~0.2: home %s, want r2", got)
	}
	found := map[board.ReplicaID]bool{}
	for _, key := range []string{"a", "b", "c", "d", "k~0.9", "k~0.0"} {
		found[homeOf(key, replicas)] = true
	}
	if len(found) != 3 || found[0] || found[9] {
		t.Errorf("homes: %v, want all three", found)
	}
}

// In a large cluster each replica pushes to few others, and still everyone who
// is left is reached within a few steps, whoever is not connected.
func TestNearReachesEverybody(t *testing.T) {
	var replicas []board.ReplicaID
	for i := range 100 {
		replicas = append(replicas, board.ReplicaID(i+1))
	}
	for _, test := range []struct {
		name            string
		up              func(board.ReplicaID) bool
		pushes, reached int
	}{
		{"all are up", func(board.ReplicaID) bool { return true }, 7, 100},
		{"those near r1 are down", func(id board.ReplicaID) bool { return (id-1)&(id-2) != 0 || id == 1 }, 7, 93},
		{"every second is down", func(id board.ReplicaID) bool { return id%2 == 1 }, 7, 50},
		{"two are left", func(id board.ReplicaID) bool { return id == 1 || id == 50 }, 1, 2},
		{"none is", func(id board.ReplicaID) bool { return id == 1 }, 0, 1},
	} {
		reached := map[board.ReplicaID]bool{1: true}
		for range 8 {
			for _, from := range replicas {
				if reached[from] {
					for _, to := range near(from, replicas, defaultLimits.mesh, test.up) {
						reached[to] = true
					}
				}
			}
		}
		if got := near(1, replicas, defaultLimits.mesh, test.up); len(got) != test.pushes || len(reached) != test.reached {
			t.Errorf("%s: r1 pushes to %v, and %d are reached in 8 steps; want %d and %d", test.name, got, len(reached), test.pushes, test.reached)
		}
	}
}

// take hands a post to the log and mints for whatever may be minted.
func take(l *Log, out *modes.Effects, r modes.Request) []modes.Effect {
	out.List = nil
	l.Begin(l.now+time.Millisecond, out)
	l.OnRequest(r)
	l.Finish(func(q *Request) {
		if !l.Adopt(q) && !l.Forward(q) {
			l.Mint(q, 0)
		}
	})
	return out.List
}

func of[E modes.Effect](effects []modes.Effect) (found []E) {
	for _, effect := range effects {
		if e, ok := effect.(E); ok {
			found = append(found, e)
		}
	}
	return found
}

func post(id modes.RequestID, key string, mark uint64) modes.Request {
	return modes.Request{ID: id, Verb: modes.VerbPost, Article: board.Article{Title: "t", Key: key}, Mark: mark, Deadline: time.Hour}
}

// An id is above the board, the session, the key's mark and the parent, and
// what no replica can have made is refused before it drives seqs to their end.
func TestMintAbove(t *testing.T) {
	l, out := begun(1, Config{Copies: 1})
	l.board = parse(t, "6,5.1")
	for _, test := range []struct {
		name   string
		change func(*modes.Request)
		want   uint64 // 0: refused
	}{
		{"the board", func(*modes.Request) {}, 7},
		{"the session", func(r *modes.Request) { r.Seen = parse(t, "9.1") }, 10},
		{"the mark", func(r *modes.Request) { r.Mark = 20 }, 21},
		{"the parent", func(r *modes.Request) { r.Verb, r.Target, r.OnBoard = modes.VerbReply, board.ArticleID{Seq: 30}, true }, 31},
		{"a mark from nowhere", func(r *modes.Request) { r.Mark = 1<<64 - 1 }, 0},
		{"a token from nowhere", func(r *modes.Request) { r.Seen = board.Vector{{Seq: 1 << 63, Origin: 1}} }, 0},
	} {
		r := post(modes.RequestID(100+test.want), "key of "+test.name+"~0.1", 0)
		test.change(&r)
		effects := take(l, out, r)
		switch refused := of[modes.Refuse](effects); {
		case test.want == 0:
			if len(refused) != 1 || refused[0].Kind != modes.InvalidPost {
				t.Errorf("%s: %+v, want a refusal", test.name, effects)
			}
		case len(of[modes.Store](effects)) != 1:
			t.Errorf("%s: %+v, want one article", test.name, effects)
		default:
			if got := of[modes.Store](effects)[0].Articles[0].ID; got.Seq != test.want {
				t.Errorf("above %s: %s, want seq %d", test.name, got, test.want)
			}
		}
	}
}

// Two posts of one key in one step are one article, and a batch is one store.
func TestOneKeyOneArticle(t *testing.T) {
	l, out := begun(1, Config{Copies: 1})
	l.OnRequest(post(1, "k~0.1", 0))
	l.OnRequest(post(2, "other~0.1", 0))
	effects := take(l, out, post(3, "k~0.1", 0))
	stores, replies := of[modes.Store](effects), of[modes.Reply](effects)
	if len(stores) != 1 || len(stores[0].Articles) != 2 || len(replies) != 3 {
		t.Fatalf("%+v, want one store of two articles, and three replies", effects)
	}
	if replies[0].ID == replies[1].ID || replies[0].ID != replies[2].ID {
		t.Errorf("three posts of two keys got %+v", replies)
	}
}

// A key that may have been forgotten is unknown, here and for a peer that
// forwards it, never a second article.
func TestKeyTooOld(t *testing.T) {
	l, out := begun(2, Config{Copies: 1})
	l.board, l.keys.floor = parse(t, "90.1"), 50
	effects := take(l, out, post(1, "old~48.1", 48))
	if replies := of[modes.Reply](effects); len(replies) != 1 || replies[0].Outcome != modes.Unknown || replies[0].Why != modes.KeyTooOld {
		t.Errorf("%+v, want unknown: %s", effects, modes.KeyTooOld)
	}
	out.List = nil
	l.OnReceive(modes.Receive{From: 2, Message: appendForward(nil, &forward{incarnation: 1, request: 7, mark: 48, article: board.Article{Title: "t", Key: "old~48.1"}})})
	want := []modes.SendNow{{To: 2, Message: appendUnknown(nil, unknown{1, 7, modes.KeyTooOld})}}
	if diff := cmp.Diff(want, of[modes.SendNow](out.List)); diff != "" {
		t.Errorf("a forward of it (-want +got):\n%s", diff)
	}
	if effects := take(l, out, post(2, "new~49.1", 49)); len(of[modes.Store](effects)) != 1 {
		t.Errorf("a key with a mark right below the floor: %+v, want an article", effects)
	}
}

// A host may have a reply's parent before the log was told of the span that
// brought it. The log asks, and does not mint until it knows: else it would
// believe in a board that has the reply without the parent.
func TestReplyBeforeItsParentIsTold(t *testing.T) {
	l, out := begun(2, Config{Copies: 1})
	l.board = parse(t, "8.1")
	l.OnRequest(modes.Request{ID: 1, Verb: modes.VerbReply, Target: board.ArticleID{Seq: 9, Origin: 2}, OnBoard: true, Article: board.Article{Title: "t"}})
	step := func(events ...modes.Receive) []modes.Effect {
		out.List = nil
		l.Begin(l.now+time.Millisecond, out)
		for _, e := range events {
			l.OnReceive(e)
		}
		l.Finish(func(q *Request) {
			if l.ParentHere(q) {
				l.Mint(q, 0)
			} else if !l.Looking(q) {
				t.Error("it is to be looked for")
			}
		})
		return out.List
	}
	effects := step()
	if asked := of[modes.SendBoard](effects); len(of[modes.Store](effects)) != 0 || len(asked) != 1 || asked[0].To != 1 {
		t.Fatalf("%+v, want nothing but a question to oneself", effects)
	}
	if effects = step(); len(of[modes.SendBoard](effects)) != 0 {
		t.Errorf("%+v: it asks again at once", effects)
	}
	effects = step(modes.Receive{From: 1, Message: appendHave(nil, have{board: l.board}), Span: &modes.Span{Board: parse(t, "8.1,9.2")}})
	if stores := of[modes.Store](effects); len(stores) != 1 || stores[0].Articles[0].ID.Seq != 10 || l.board.String() != "10.1,9.2" {
		t.Errorf("%+v, and the board is %s, want 10.1 above 9.2", effects, l.board)
	}
}

// Requests beyond the limit are refused, forwards beyond it are dropped: they
// come again.
func TestWaitingIsBounded(t *testing.T) {
	l, out := begun(2, Config{Copies: 2})
	for i := range defaultLimits.waiting {
		l.OnRequest(modes.Request{ID: modes.RequestID(i + 1), Verb: modes.VerbRead})
	}
	out.List = nil
	l.OnRequest(modes.Request{ID: modes.RequestID(defaultLimits.waiting) + 1, Verb: modes.VerbRead})
	l.OnReceive(modes.Receive{From: 2, Message: appendForward(nil, &forward{incarnation: 1, request: 7, article: board.Article{Title: "t", Key: "k~0.1"}})})
	if refused := of[modes.Refuse](out.List); len(out.List) != 1 || refused[0].Kind != modes.Overloaded {
		t.Errorf("one too many, and a forward: %+v, want one refusal", out.List)
	}
}

// An id that is given twice, or below the board, ends the replica: it would
// break what every other one counts on.
func TestMintAsserts(t *testing.T) {
	for name, spoil := range map[string]func(*Log, *Request){
		"sealed":         func(l *Log, _ *Request) { l.leaving.sealWanted = true },
		"home elsewhere": func(_ *Log, q *Request) { q.home = 2 },
		"seqs at end":    func(l *Log, _ *Request) { l.board = board.Vector{{Seq: 1<<64 - 1, Origin: 1}} },
	} {
		l, _ := begun(2, Config{Copies: 1})
		l.OnRequest(post(1, "", 0))
		spoil(l, l.waiting.list[0])
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: an id was given", name)
				}
			}()
			l.Mint(l.waiting.list[0], 0)
		}()
	}
}

// A replica whose disk has lost articles that it gave out does not go on: it
// would give their ids to others.
func TestLostDisk(t *testing.T) {
	for name, message := range map[string]modes.Receive{
		"told":    {From: 2, Message: appendHave(nil, have{board: board.Vector{{Seq: 7, Origin: 1}}})},
		"by span": {From: 2, Message: appendPush(nil, push{1, 1}), Span: &modes.Span{Board: board.Vector{{Seq: 7, Origin: 1}}}},
	} {
		l, out := begun(3, Config{Copies: 2})
		l.OnReceive(message)
		if halts := of[modes.Halt](out.List); len(halts) != 1 || !l.Ended() || !strings.Contains(halts[0].Why, "r1 up to 7.1, and this disk up to 0") {
			t.Errorf("%s: %+v, want an end", name, out.List)
		}
	}
}
