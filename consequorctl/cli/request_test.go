package cli

import (
	"bytes"
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"consequor/board"
	"consequor/replicad/api"
	"consequor/supervisor"
)

// fakeReplica answers each post as the next entry of its plan says, and keeps
// the keys it was sent.
type fakeReplica struct {
	mu   sync.Mutex
	plan []*api.Error // nil: acknowledged
	keys []string
	last api.Request
}

func (f *fakeReplica) Do(_ context.Context, r api.Request) (*api.Answer, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last = r
	answer := &api.Answer{Replica: "r1", Mode: "sequential", Epoch: 1, Token: tokenOf(uint64(len(f.keys) + 1))}
	if !r.Verb.Writes() {
		return answer, nil
	}
	var failure *api.Error
	if n := len(f.keys); n < len(f.plan) {
		failure = f.plan[n]
	}
	f.keys = append(f.keys, r.Key)
	if failure != nil {
		return nil, failure
	}
	answer.ID, answer.Key, answer.Copies = seq(uint64(len(f.keys))), r.Key, 2
	return answer, nil
}

func (f *fakeReplica) Status(context.Context) ([]api.Status, error) { return nil, nil }

// serve runs f behind a real client API, as r1, and says where.
func serve(t *testing.T, f api.Service) *supervisor.ClusterStatus {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- api.NewServer(f, api.ServerOptions{}).Run(ctx, listener) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("server: %v", err)
		}
	})
	return &supervisor.ClusterStatus{Replicas: []supervisor.ReplicaStatus{
		{Name: "r1", State: supervisor.StateServing, ClientAddr: listener.Addr().String()},
	}}
}

// visitor makes one visit of a session to the fake, as one command does.
func visitor(t *testing.T, status *supervisor.ClusterStatus, home string) (*visit, *bytes.Buffer) {
	t.Helper()
	var stderr bytes.Buffer
	v := &visit{
		console: &Console{World: World{Stdout: &bytes.Buffer{}, Stderr: &stderr}, Output: &Output{}},
		session: openSession(home, "alice"), author: "alice",
	}
	var err error
	if v.token, err = v.session.Token(); err != nil {
		t.Fatal(err)
	}
	if err := v.dial(status); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.client.Close)
	return v, &stderr
}

// originReplica gives ids of its own, as in modes without a coordinator; a
// read shows what it has given.
type originReplica struct {
	id  board.ReplicaID
	mu  sync.Mutex
	seq uint64
}

func (o *originReplica) Do(_ context.Context, r api.Request) (*api.Answer, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	answer := &api.Answer{Replica: o.id.String(), Mode: "quorum", Epoch: 2, Token: board.Token{Cluster: "c", Epoch: 2}}
	if r.Verb.Writes() {
		o.seq = max(o.seq, r.Token.Seen.SeqMax()) + 1
		answer.ID, answer.Key, answer.Copies = board.ArticleID{Seq: o.seq, Origin: o.id}, r.Key, 2
	}
	if o.seq > 0 {
		answer.Token.Seen = board.Vector{{Seq: o.seq, Origin: o.id}}
	}
	return answer, nil
}

func (o *originReplica) Status(context.Context) ([]api.Status, error) { return nil, nil }

// Twenty commands of one session at once, posts and reads, at three replicas:
// each goes well, each post has a key of its own, and what every answer showed
// is in the session afterwards.
func TestSessionOfManyCommandsAtOnce(t *testing.T) {
	status, home := &supervisor.ClusterStatus{}, t.TempDir()
	for id := board.ReplicaID(1); id <= 3; id++ {
		one := serve(t, &originReplica{id: id}).Replicas[0]
		one.Name = id.String()
		status.Replicas = append(status.Replicas, one)
	}
	const commands = 20
	answers, errs := make([]*api.Answer, commands), make([]error, commands)
	var wg sync.WaitGroup
	for i := range commands {
		v, _ := visitor(t, status, home)
		v.at = status.Replicas[i%3].Name
		wg.Go(func() {
			if i%4 == 3 {
				answers[i], errs[i] = v.ask(t.Context(), api.Request{Verb: api.Read})
				return
			}
			answers[i], errs[i] = v.write(t.Context(), api.Request{Verb: api.Post, Author: "alice", Title: "the same words"}, "")
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	kept, err := openSession(home, "alice").read()
	if err != nil || len(kept.Pending) != 0 {
		t.Errorf("kept keys %v (%v), want none: all are answered", kept.Pending, err)
	}
	token, err := board.ParseToken(kept.Token)
	if err != nil {
		t.Fatal(err)
	}
	keys := map[string]bool{}
	for i, a := range answers {
		if !token.Seen.Covers(a.Token.Seen) || token.Epoch != 2 {
			t.Errorf("command %d showed %s, the session has %s", i, a.Token, token)
		}
		if a.Key != "" && keys[a.Key] {
			t.Errorf("two posts have the key %s", a.Key)
		}
		keys[a.Key] = true
	}
}

func refusal(kind string) *api.Error {
	return &api.Error{Outcome: api.Refused, Kind: kind, Message: "post: " + kind}
}

// A post ends unknown, and is then refused for good. Nobody can tell what
// became of the first try, so the second ends unknown as well; the third, under
// the same key, is acknowledged.
func TestRefusedAfterUnknownIsUnknown(t *testing.T) {
	lost := &api.Error{Outcome: api.Unknown, Kind: api.KindKeyTooOld, Message: "post: no answer"}
	f := &fakeReplica{plan: []*api.Error{lost, refusal(api.KindInvalid), nil}}
	status, home := serve(t, f), t.TempDir()
	post := api.Request{Verb: api.Post, Author: "alice", Title: "t", Body: "b"}
	for try, want := range []ExitCode{ExitUnknown, ExitUnknown, ExitOK} {
		v, stderr := visitor(t, status, home)
		_, err := v.write(t.Context(), post, "")
		got := describe(err)
		if want == ExitOK {
			if got != nil {
				t.Fatalf("try %d: %v", try+1, err)
			}
		} else if got == nil || got.Code != want || !bytes.Contains([]byte(got.Message), []byte(f.keys[0])) {
			t.Fatalf("try %d: got %+v, want code %d and a message with the key", try+1, got, want)
		}
		if got != nil && (got.Kind == api.KindInvalid || !strings.HasPrefix(got.Message, "unknown: ")) {
			t.Errorf("try %d: kind %q, message %q: of a refusal", try+1, got.Kind, got.Message)
		}
		if again := bytes.Contains(stderr.Bytes(), []byte("going on with key "+f.keys[0])); again != (try > 0) {
			t.Errorf("try %d: said %q", try+1, stderr)
		}
	}
	if f.keys[0] == "" || f.keys[1] != f.keys[0] || f.keys[2] != f.keys[0] {
		t.Errorf("keys %q: want one and the same", f.keys)
	}
	v, _ := visitor(t, status, home)
	if _, err := v.write(t.Context(), post, ""); err != nil || f.keys[3] == f.keys[0] {
		t.Errorf("the same words after an answer: key %q (%v), want a new one", f.keys[3], err)
	}
}

// What ends unknown shows the key in a field of its own, so that a script need
// not read the message; an error without a key has no such field.
func TestErrorShowsItsKey(t *testing.T) {
	f := &fakeReplica{plan: []*api.Error{{Outcome: api.Unknown, Kind: api.KindKeyTooOld, Message: "post: no answer"}}}
	v, _ := visitor(t, serve(t, f), t.TempDir())
	_, err := v.write(t.Context(), api.Request{Verb: api.Reply, Target: seq(1), Author: "alice", Body: "b"}, "mine")
	for _, c := range []struct {
		err  error
		want string
	}{
		{err, `,"key":"mine"}}`},
		{describe(&api.Error{Outcome: api.Unknown, Kind: "deadline", Key: "mine"}), `,"key":"mine"}}`},
		{&supervisor.Error{Kind: supervisor.KindBusy}, `"hint":""}}`},
	} {
		var stdout, stderr bytes.Buffer
		console := &Console{World: World{Stdout: &stdout, Stderr: &stderr}, Output: &Output{JSON: true}}
		console.Fail(describe(c.err))
		if got := strings.TrimSpace(stdout.String()); !strings.HasPrefix(got, `{"error":{"kind":"`) || !strings.HasSuffix(got, c.want) {
			t.Errorf("got %s\nwant an end like %s", got, c.want)
		}
	}
}

// A post that was surely not done leaves nothing behind: no key is kept.
func TestRefusedIsRefused(t *testing.T) {
	f := &fakeReplica{plan: []*api.Error{refusal(api.KindNotFound)}}
	status, home := serve(t, f), t.TempDir()
	v, _ := visitor(t, status, home)
	_, err := v.write(t.Context(), api.Request{Verb: api.Reply, Target: seq(9), Body: "b"}, "")
	if got := describe(err); got == nil || got.Code != ExitRefused || got.Kind != api.KindNotFound {
		t.Fatalf("got %+v, want refused, not_found", got)
	}
	kept, err := v.session.read()
	if err != nil || len(kept.Pending) != 0 {
		t.Errorf("kept %v (%v), want nothing", kept.Pending, err)
	}
}

// What one command has seen goes along with the next.
func TestSessionGoesAlong(t *testing.T) {
	f := &fakeReplica{}
	status, home := serve(t, f), t.TempDir()
	v, _ := visitor(t, status, home)
	answer, err := v.write(t.Context(), api.Request{Verb: api.Post, Title: "t"}, "mine")
	if err != nil || answer.Key != "mine" {
		t.Fatalf("got %+v (%v), want key mine", answer, err)
	}
	v, _ = visitor(t, status, home)
	if _, err := v.ask(t.Context(), api.Request{Verb: api.Read}); err != nil {
		t.Fatal(err)
	}
	if want := tokenOf(1).String(); f.last.Token.String() != want {
		t.Errorf("read came with token %q, want %q", f.last.Token, want)
	}
}

// Nobody is there: refused before anything was sent, within the time given.
func TestNobodyThere(t *testing.T) {
	status := &supervisor.ClusterStatus{Replicas: []supervisor.ReplicaStatus{{Name: "r1", ClientAddr: "127.0.0.1:1"}}}
	v, _ := visitor(t, status, t.TempDir())
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err := v.write(ctx, api.Request{Verb: api.Post, Title: "t"}, "")
	if got := describe(err); got == nil || got.Code != ExitRefused {
		t.Errorf("got %+v, want refused", got)
	}
}

func TestNoSuchReplica(t *testing.T) {
	v := &visit{at: "r9"}
	got := describe(v.dial(&supervisor.ClusterStatus{Replicas: []supervisor.ReplicaStatus{{Name: "r1"}, {Name: "r2"}}}))
	if got == nil || got.Code != ExitUsage || got.Hint != "there are r1, r2" {
		t.Errorf("got %+v, want a usage error that names r1 and r2", got)
	}
}

// Equal posts have equal digests, and whatever differs makes them differ.
func TestDigest(t *testing.T) {
	base := api.Request{Verb: api.Post, Author: "a", Title: "t", Body: "b"}
	seen := map[string]bool{digestOf(base): true}
	for _, edit := range []func(*api.Request){
		func(r *api.Request) { r.Verb = api.Reply },
		func(r *api.Request) { r.Author = "c" },
		func(r *api.Request) { r.Title, r.Body = "tb", "" },
		func(r *api.Request) { r.Title, r.Body = "", "tb" },
		func(r *api.Request) { r.Target = board.ArticleID{Seq: 1} },
	} {
		r := base
		edit(&r)
		if seen[digestOf(r)] {
			t.Errorf("%+v has the digest of another request", r)
		}
		seen[digestOf(r)] = true
	}
	retry := base
	retry.Key, retry.Replica, retry.Token = "k", "r2", tokenOf(4)
	if !seen[digestOf(retry)] {
		t.Error("key, replica and token are not what a post says")
	}
}
