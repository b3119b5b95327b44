package api_test

import (
	"context"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"consequor/board"
	"consequor/replicad/api"
)

// replicas is a cluster of fakes r1, r2, ... Each tells what it was asked.
type replicas struct {
	target api.Target
	mu     sync.Mutex
	asked  []asked
}

type asked struct {
	Replica string
	Verb    api.Verb
	Key     string
}

// add starts the next replica.
func (rs *replicas) add(t *testing.T, do func(context.Context, api.Request) (*api.Answer, error)) {
	f := &fake{do: func(ctx context.Context, r api.Request) (*api.Answer, error) {
		rs.mu.Lock()
		rs.asked = append(rs.asked, asked{r.Replica, r.Verb, r.Key})
		rs.mu.Unlock()
		return do(ctx, r)
	}}
	f.status = func(context.Context) ([]api.Status, error) { return []api.Status{{Vector: "40"}}, nil }
	rs.addAt(serve(t, f, api.ServerOptions{StopTimeout: 100 * time.Millisecond}))
}

// addAt names who listens at addr as the next replica.
func (rs *replicas) addAt(addr string) {
	id := board.ReplicaID(len(rs.target.Replicas) + 1)
	rs.target.Replicas = append(rs.target.Replicas, api.Endpoint{ID: id, Name: id.String(), Addr: addr})
}

// addDead names an address where nobody listens.
func (rs *replicas) addDead(t *testing.T) {
	l := listen(t)
	l.Close()
	rs.addAt(l.Addr().String())
}

// addPaused names one that the kernel connects and that never says a word, as
// a stopped process does.
func (rs *replicas) addPaused(t *testing.T) {
	l := listen(t)
	t.Cleanup(func() { l.Close() })
	rs.addAt(l.Addr().String())
}

// order tells who was asked, in order.
func (rs *replicas) order() string {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	names := make([]string, len(rs.asked))
	for i, a := range rs.asked {
		names[i] = a.Replica
	}
	return strings.Join(names, " ")
}

// oneKey returns the key of all that was asked; it must be the same.
func (rs *replicas) oneKey(t *testing.T) board.Key {
	t.Helper()
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if len(rs.asked) == 0 {
		t.Fatal("nobody was asked")
	}
	for _, a := range rs.asked {
		if a.Key != rs.asked[0].Key {
			t.Fatalf("asked with two keys: %v", rs.asked)
		}
	}
	return board.ParseKey(rs.asked[0].Key)
}

func fine(_ context.Context, r api.Request) (*api.Answer, error) {
	return &api.Answer{Replica: r.Replica, Key: r.Key}, nil
}

func refusing(kind string) func(context.Context, api.Request) (*api.Answer, error) {
	return failing(&api.Error{Outcome: api.Refused, Kind: kind, Message: kind}).do
}

// stuck answers nothing until the caller gives up.
func stuck(ctx context.Context, _ api.Request) (*api.Answer, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func timeLimit(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

var post = api.Request{Verb: api.Post, Title: "x"}

// r1 is dead: the post goes to r2, and as nothing was sent to r1, r2 is its
// home.
func TestFirstReplicaDead(t *testing.T) {
	var rs replicas
	rs.addDead(t)
	rs.add(t, fine)
	answer, err := dial(t, rs.target).DoAny(timeLimit(t, patience), post)
	if err != nil {
		t.Fatal(err)
	}
	key := rs.oneKey(t)
	if answer.Replica != "r2" || answer.Key != key.Text || key.Home != 2 || key.Mark != 40 {
		t.Errorf("answered by %s, key %+v", answer.Replica, key)
	}
}

// r1 is paused since before we came: nothing is sent to it, and r2 answers
// long before the deadline.
func TestFirstReplicaPaused(t *testing.T) {
	for _, r := range []api.Request{{Verb: api.Read}, post} {
		var rs replicas
		rs.addPaused(t)
		rs.add(t, fine)
		begin := time.Now()
		answer, err := dial(t, rs.target).DoAny(timeLimit(t, 3*patience), r)
		if err != nil || answer.Replica != "r2" {
			t.Fatalf("%s: %+v, %v", r.Verb, answer, err)
		}
		if took := time.Since(begin); took > patience {
			t.Errorf("%s took %v of %v", r.Verb, took, 3*patience)
		}
		if home := rs.oneKey(t).Home; r.Verb.Writes() && home != 2 {
			t.Errorf("the post's home is %s", home)
		}
	}
}

// r1 takes the post and then nothing comes: r2 is asked with the same key, home
// r1.
func TestReplicaPausedInTheMiddle(t *testing.T) {
	var rs replicas
	rs.add(t, stuck)
	rs.add(t, fine)
	answer, err := dial(t, rs.target).DoAny(timeLimit(t, 2*time.Second), post)
	if err != nil {
		t.Fatal(err)
	}
	if key := rs.oneKey(t); answer.Replica != "r2" || key.Home != 1 || rs.order() != "r1 r2" {
		t.Errorf("answered by %s, asked %s, key %+v", answer.Replica, rs.order(), key)
	}
}

// r1 goes away with the post in its hands, r2 refuses for good: the post may be
// on the board, and the error says so, whatever r2 said.
func TestUnknownThenRefusedIsUnknown(t *testing.T) {
	ctx, crash := context.WithCancel(context.Background())
	l := listen(t)
	server := api.NewServer(&fake{do: func(ctx context.Context, _ api.Request) (*api.Answer, error) {
		crash()
		<-ctx.Done()
		return nil, ctx.Err()
	}}, api.ServerOptions{StopTimeout: time.Millisecond})
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx, l) }()

	var rs replicas
	rs.addAt(l.Addr().String())
	rs.add(t, refusing("not_found"))
	_, err := dial(t, rs.target).DoAny(timeLimit(t, patience), api.Request{Verb: api.Reply, Target: board.ArticleID{Seq: 9}, Title: "x"})
	e := asError(t, err)
	if e.Outcome != api.Unknown || e.Key != rs.oneKey(t).Text || e.Key == "" || !strings.Contains(e.Hint, e.Key) {
		t.Errorf("got %+v", e)
	}
	if !strings.Contains(e.Message, "reply at r1") || !strings.Contains(e.Message, "; then reply at r2 ") {
		t.Errorf("message %q does not tell of both tries", e.Message)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// The same when r1 itself says unknown.
func TestToldUnknownThenRefusedIsUnknown(t *testing.T) {
	var rs replicas
	rs.add(t, failing(&api.Error{Outcome: api.Unknown, Kind: "deadline", Message: "deposed"}).do)
	rs.add(t, refusing("invalid"))
	_, err := dial(t, rs.target).DoAny(timeLimit(t, patience), post)
	if e := asError(t, err); e.Outcome != api.Unknown || e.Kind != "deadline" {
		t.Errorf("got %+v", e)
	}
}

// Nobody answers in time: unknown for a post, which was sent; refused for a
// read, which leaves nothing behind.
func TestNoAnswerInTime(t *testing.T) {
	var rs replicas
	rs.add(t, stuck)
	c := dial(t, rs.target)
	for r, want := range map[*api.Request]api.Outcome{&post: api.Unknown, {Verb: api.Read}: api.Refused} {
		_, err := c.DoAny(timeLimit(t, 200*time.Millisecond), *r)
		if e := asError(t, err); e.Outcome != want || e.Kind != "deadline" {
			t.Errorf("%s: %+v", r.Verb, e)
		}
	}
}

// An election is on: everyone refuses until there is a coordinator; the client
// goes round until then, with one key.
func TestWaitsOutAnElection(t *testing.T) {
	var rs replicas
	elected := func(ctx context.Context, r api.Request) (*api.Answer, error) {
		if strings.Count(rs.order(), "r") < 8 {
			return refusing("no_coordinator")(ctx, r)
		}
		return fine(ctx, r)
	}
	rs.add(t, elected)
	rs.add(t, elected)
	if _, err := dial(t, rs.target).DoAny(timeLimit(t, patience), post); err != nil {
		t.Fatal(err)
	}
	rs.oneKey(t)
	if got := rs.order(); got != "r1 r2 r1 r2 r1 r2 r1 r2" {
		t.Errorf("asked %s", got)
	}
}

// r1 knows of no majority, r2 and r3 are dead: the client does not wait for
// what will not come, and says what r1 said.
func TestTwoOfThreeDead(t *testing.T) {
	var rs replicas
	rs.add(t, failing(&api.Error{Outcome: api.Refused, Kind: "no_majority", Message: "no majority (1 of 3)"}).do)
	rs.addDead(t)
	rs.addDead(t)
	_, err := dial(t, rs.target).DoAny(timeLimit(t, patience), post)
	e := asError(t, err)
	want := "post at r1 (" + rs.target.Replicas[0].Addr + "): no majority (1 of 3)"
	if e.Outcome != api.Refused || e.Kind != "no_majority" || e.Message != want {
		t.Errorf("got %+v, want message %q", e, want)
	}
	if rs.order() != "r1" {
		t.Errorf("asked %s", rs.order())
	}
}

// A post's home has no quorum, or is leaving, and says so: nobody else could do
// the post with that key. A key of the client's own making is replaced and names
// the next replica; one that was given ends there.
func TestHomeRefuses(t *testing.T) {
	for _, kind := range []string{"no_quorum", "stopping", "disk_full"} {
		var rs replicas
		rs.add(t, refusing(kind))
		rs.add(t, fine)
		c := dial(t, rs.target)
		answer, err := c.DoAny(timeLimit(t, patience), post)
		if err != nil || board.ParseKey(answer.Key).Home != 2 || answer.Key == rs.asked[0].Key {
			t.Errorf("%s: answered %+v, %v, asked %v", kind, answer, err, rs.asked)
		}
	}
	var rs replicas
	rs.add(t, refusing("no_quorum"))
	rs.add(t, fine)
	_, err := dial(t, rs.target).DoAny(timeLimit(t, patience), api.Request{Verb: api.Post, Title: "x", Key: "mine~0.1"})
	if e := asError(t, err); e.Kind != "no_quorum" || e.Outcome != api.Refused || rs.order() != "r1" {
		t.Errorf("asked %s, got %+v", rs.order(), e)
	}
}

// What a home refuses after a try of the post that nobody answered says nothing
// about that try: the key stands, and the post is unknown.
func TestHomeRefusesAfterADoubt(t *testing.T) {
	var rs replicas
	tries := 0
	rs.add(t, func(ctx context.Context, r api.Request) (*api.Answer, error) {
		if tries++; tries == 1 {
			return nil, &api.Error{Outcome: api.Unknown, Kind: "deadline"}
		}
		return refusing("no_quorum")(ctx, r)
	})
	_, err := dial(t, rs.target).DoAny(timeLimit(t, time.Second), post)
	if e := asError(t, err); e.Outcome != api.Unknown || e.Key != rs.oneKey(t).Text {
		t.Errorf("got %+v", e)
	}
}

// Refusals that no other replica and no later time can change are not taken
// elsewhere.
func TestFinalRefusals(t *testing.T) {
	for _, kind := range []string{"not_found", "invalid", "other_cluster"} {
		var rs replicas
		rs.add(t, refusing(kind))
		rs.add(t, fine)
		_, err := dial(t, rs.target).DoAny(timeLimit(t, patience), post)
		if e := asError(t, err); e.Kind != kind || e.Outcome != api.Refused || rs.order() != "r1" {
			t.Errorf("%s: asked %s, got %+v", kind, rs.order(), e)
		}
	}
}

// Do goes to the replica it names and nowhere else; a dead one is told of at
// once, in plain words.
func TestDoAtOneReplica(t *testing.T) {
	var rs replicas
	rs.add(t, fine)
	rs.addDead(t)
	rs.add(t, fine)
	c := dial(t, rs.target)
	for _, name := range []string{"r3", "r1", "r3"} {
		answer, err := c.Do(timeLimit(t, patience), api.Request{Verb: api.Read, Replica: name})
		if err != nil || answer.Replica != name {
			t.Errorf("at %s: %+v, %v", name, answer, err)
		}
	}
	_, err := c.Do(timeLimit(t, patience), api.Request{Verb: api.Post, Title: "x", Replica: "r2"})
	want := &api.Error{Outcome: api.Refused, Kind: "not_connected",
		Message: "post at r2 (" + rs.target.Replicas[1].Addr + "): connection refused"}
	if diff := cmp.Diff(want, asError(t, err)); diff != "" {
		t.Errorf("- want + got\n%s", diff)
	}
}

// A replica that comes back is found again: the client reconnects.
func TestReconnects(t *testing.T) {
	l := listen(t)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	run := func(ctx context.Context, l net.Listener) {
		ended <- api.NewServer(&fake{do: fine}, api.ServerOptions{}).Run(ctx, l)
	}
	go run(ctx, l)
	c := dial(t, api.Target{Replicas: []api.Endpoint{{Name: "r1", Addr: l.Addr().String()}}})
	if _, err := c.DoAny(timeLimit(t, patience), post); err != nil {
		t.Fatal(err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the client to notice", func() bool {
		_, err := c.Do(t.Context(), api.Request{Verb: api.Read, Replica: "r1"})
		return err != nil
	})
	l, err := net.Listen("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop = context.WithCancel(context.Background())
	go run(ctx, l)
	waitFor(t, "the client to connect again", func() bool {
		_, err := c.Do(t.Context(), api.Request{Verb: api.Read, Replica: "r1"})
		return err == nil
	})
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}

// A key of one's own is used as it is, and its home is asked first; MakeKey
// makes one that carries the replica's mark.
func TestKeysOfOnesOwn(t *testing.T) {
	var rs replicas
	rs.add(t, fine)
	rs.add(t, fine)
	c := dial(t, rs.target)
	key, err := c.MakeKey(timeLimit(t, patience), board.Token{}, "r2")
	if k := board.ParseKey(key); err != nil || k.Home != 2 || k.Mark != 40 {
		t.Fatalf("key %q, %v", key, err)
	}
	answer, err := c.DoAny(timeLimit(t, patience), api.Request{Verb: api.Post, Title: "x", Key: key})
	if err != nil || answer.Replica != "r2" || answer.Key != key {
		t.Errorf("answer %+v, %v", answer, err)
	}
}

// Who names a replica has nobody else to ask: a key is waited for as long as
// the caller has time, though the replica greets late, as one that was paused
// does.
func TestKeyOfALateReplica(t *testing.T) {
	const late = 700 * time.Millisecond // more than there is when others could be asked
	l := listen(t)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	time.AfterFunc(late, func() { ended <- api.NewServer(&fake{}, api.ServerOptions{}).Run(ctx, l) })
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("server: %v", err)
		}
	})
	c := dial(t, api.Target{Replicas: []api.Endpoint{{ID: 1, Name: "r1", Addr: l.Addr().String()}, {ID: 2, Name: "r2", Addr: "127.0.0.1:1"}}})
	if key, err := c.MakeKey(timeLimit(t, patience), board.Token{}, "r1"); err != nil || board.ParseKey(key).Home != 1 {
		t.Errorf("key %q, %v", key, err)
	}
}

// A session joins what it is told and sends it along; two sessions begin at
// two replicas, and each stays where it was answered.
func TestSession(t *testing.T) {
	var rs replicas
	seen := make(chan board.Token, 10)
	told := func(origin board.ReplicaID) func(context.Context, api.Request) (*api.Answer, error) {
		return func(_ context.Context, r api.Request) (*api.Answer, error) {
			seen <- r.Token
			return &api.Answer{Replica: r.Replica, Token: board.Token{Cluster: "c", Epoch: 1, Seen: board.Vector{{Seq: 5, Origin: origin}}}}, nil
		}
	}
	rs.add(t, told(1))
	rs.add(t, told(2))
	c := dial(t, rs.target)
	one, two := c.NewSession(board.Token{}), c.NewSession(board.Token{})
	for _, step := range []struct {
		session    *api.Session
		at         string
		sent, kept string
	}{
		{one, "", "", "c:1:5.1"},
		{one, "r2", "c:1:5.1", "c:1:5.1,5.2"},
		{one, "", "c:1:5.1,5.2", "c:1:5.1,5.2"},
		{two, "", "", "c:1:5.2"},
	} {
		if _, err := step.session.Do(timeLimit(t, patience), api.Request{Verb: api.Read, Replica: step.at}); err != nil {
			t.Fatal(err)
		}
		if sent, kept := (<-seen).String(), step.session.Token().String(); sent != step.sent || kept != step.kept {
			t.Errorf("sent %q, kept %q; want %q, %q", sent, kept, step.sent, step.kept)
		}
	}
	if rs.order() != "r1 r2 r1 r2" {
		t.Errorf("asked %s", rs.order())
	}
	_, err := one.Do(t.Context(), api.Request{Verb: api.Read, Token: board.Token{Cluster: "other"}})
	if e := asError(t, err); e.Kind != "other_cluster" {
		t.Errorf("another cluster's token: %+v", e)
	}
}

// A closed client refuses; who waits when it is closed is told as well.
func TestClose(t *testing.T) {
	var rs replicas
	rs.add(t, stuck)
	c := dial(t, rs.target)
	failed := make(chan error, 1)
	go func() {
		_, err := c.DoAny(timeLimit(t, patience), api.Request{Verb: api.Read})
		failed <- err
	}()
	waitFor(t, "the request", func() bool { return rs.order() != "" })
	c.Close()
	for _, err := range []error{<-failed, func() error { _, err := c.DoAny(t.Context(), post); return err }()} {
		if e := asError(t, err); e.Outcome != api.Refused || e.Kind != "closed" {
			t.Errorf("got %+v", e)
		}
	}
}

// A caller who gives up is told so, and the replica as well.
func TestCallerGivesUp(t *testing.T) {
	var rs replicas
	gone := make(chan struct{})
	rs.add(t, func(ctx context.Context, _ api.Request) (*api.Answer, error) {
		<-ctx.Done()
		close(gone)
		return nil, ctx.Err()
	})
	c := dial(t, rs.target)
	ctx, giveUp := context.WithCancel(t.Context())
	failed := make(chan error, 1)
	go func() {
		_, err := c.DoAny(ctx, post)
		failed <- err
	}()
	waitFor(t, "the request", func() bool { return rs.order() != "" })
	giveUp()
	if e := asError(t, <-failed); e.Outcome != api.Unknown || e.Kind != "canceled" || e.Key != rs.oneKey(t).Text {
		t.Errorf("got %+v", e)
	}
	<-gone
}
