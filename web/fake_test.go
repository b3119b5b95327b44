package web

import (
	"context"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"consequor/board"
	"consequor/replicad/api"
	"consequor/supervisor"
)

// patience bounds every wait of a test for what must happen.
const patience = 20 * time.Second

// village is a cluster of one board that several replicas offer, behind the real
// client API.
type village struct {
	source *Addresses
	stops  []func()

	mu    sync.Mutex
	id    string
	board board.Board
	keys  map[string]board.ArticleID
	asked []api.Request
	fail  func(r *api.Request) *api.Error // before it is done
	lose  func(r *api.Request) bool       // after it was done: its answer is
}

func newVillage(t testing.TB, replicas int) *village {
	t.Helper()
	vl := &village{id: "0123456789abcdef", keys: make(map[string]board.ArticleID)}
	var addrs []string
	for i := range replicas {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		addrs = append(addrs, l.Addr().String())
		ctx, cancel := context.WithCancel(context.Background())
		server := api.NewServer(&house{vl, fmt.Sprintf("r%d", i+1)}, api.ServerOptions{})
		ended := make(chan error, 1)
		go func() { ended <- server.Run(ctx, l) }()
		vl.stops = append(vl.stops, sync.OnceFunc(func() { cancel(); <-ended }))
		t.Cleanup(vl.stops[i])
	}
	source, err := DialAddresses(addrs)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(source.Close)
	vl.source = source
	return vl
}

// put adds an article and returns its id.
func (vl *village) put(parent uint64, author, title, body string) board.ArticleID {
	vl.mu.Lock()
	defer vl.mu.Unlock()
	a := board.Article{ID: board.ArticleID{Seq: uint64(vl.board.Len() + 1)}, Parent: board.ArticleID{Seq: parent}, Author: author, Title: title, Body: body, Time: 1e18}
	if err := vl.board.Put(a); err != nil {
		panic(err)
	}
	return a.ID
}

// count is how many articles there are.
func (vl *village) count() int {
	vl.mu.Lock()
	defer vl.mu.Unlock()
	return vl.board.Len()
}

// requests are those that came since the last time.
func (vl *village) requests() []api.Request {
	vl.mu.Lock()
	defer vl.mu.Unlock()
	asked := vl.asked
	vl.asked = nil
	return asked
}

// when has requests fail, or lose their answers, from now on.
func (vl *village) when(fail func(*api.Request) *api.Error, lose func(*api.Request) bool) {
	vl.mu.Lock()
	defer vl.mu.Unlock()
	vl.fail, vl.lose = fail, lose
}

// house is one replica.
type house struct {
	vl   *village
	name string
}

func (h *house) Status(context.Context) ([]api.Status, error) {
	role := "follower"
	if h.name == "r1" {
		role = "coordinator"
	}
	return []api.Status{{Name: h.name, Step: api.CaughtUp, Mode: "sequential", Epoch: 1, Role: role, Term: 2, Coordinator: "r1"}}, nil
}

func (h *house) Do(_ context.Context, r api.Request) (*api.Answer, error) {
	vl := h.vl
	vl.mu.Lock()
	defer vl.mu.Unlock()
	if !r.Raw {
		vl.asked = append(vl.asked, r)
	}
	if vl.fail != nil {
		if e := vl.fail(&r); e != nil {
			return nil, e
		}
	}
	if r.Token.Cluster != "" && r.Token.Cluster != vl.id {
		return nil, &api.Error{Outcome: api.Refused, Kind: api.KindOtherCluster, Message: "the token is of another cluster"}
	}
	a, err := vl.do(&r)
	if err != nil {
		return nil, err
	}
	if vl.lose != nil && vl.lose(&r) {
		return nil, &api.Error{Outcome: api.Unknown, Kind: api.KindDeadline, Message: "no answer in time"}
	}
	a.Replica, a.Mode, a.Epoch, a.Guarantee = h.name, "sequential", 1, "sequential"
	a.Applied, a.Known = uint64(vl.board.Len()), uint64(vl.board.Len())
	return a, nil
}

func (vl *village) do(r *api.Request) (*api.Answer, error) {
	a := &api.Answer{Token: board.Token{Cluster: vl.id, Epoch: 1, Seen: vl.board.Vector()}}
	switch r.Verb {
	case api.Read:
		return a, vl.read(r, a)
	case api.Choose:
		return a, vl.choose(r, a)
	case api.Sync:
		a.Count, a.Reached = 3, []string{"r2"}
		return a, nil
	}
	id, ok := vl.keys[r.Key]
	if !ok {
		id = board.ArticleID{Seq: uint64(vl.board.Len() + 1)}
		err := vl.board.Put(board.Article{ID: id, Parent: r.Target, Author: r.Author, Title: r.Title, Body: r.Body, Time: 1e18, Key: r.Key})
		if err != nil {
			return nil, &api.Error{Outcome: api.Refused, Kind: api.KindNotFound, Message: err.Error()}
		}
		vl.keys[r.Key] = id
	}
	a.ID, a.Key, a.Copies, a.Token.Seen = id, r.Key, 2, board.Vector{id}
	return a, nil
}

func (vl *village) read(r *api.Request, a *api.Answer) error {
	cursor, err := api.ParseCursor(r.After)
	if err != nil {
		return err
	}
	since, err := board.ParseToken(r.Since)
	if err != nil {
		return err
	}
	q := board.Query{All: r.All || r.Since != "", Since: since.Seen, After: cursor.After, UpTo: a.Token.Seen, Count: r.Count}
	if cursor.UpTo != nil {
		q.UpTo = q.UpTo.Meet(cursor.UpTo)
	}
	vl.page(q, a)
	return nil
}

func (vl *village) choose(r *api.Request, a *api.Answer) error {
	article, ok := vl.board.Get(r.Target)
	if !ok {
		return &api.Error{Outcome: api.Refused, Kind: api.KindNotFound, Message: "no article " + r.Target.String()}
	}
	entry := func(x board.Article) board.Entry {
		return board.Entry{Article: x, Replies: len(vl.board.Page(board.Query{Under: x.ID, UpTo: a.Token.Seen, Count: 1000}).Entries)}
	}
	a.Article = entry(article)
	if parent, ok := vl.board.Get(article.Parent); ok {
		p := entry(parent)
		a.Parent = &p
	}
	cursor, err := api.ParseCursor(r.After)
	if err != nil {
		return err
	}
	vl.page(board.Query{Under: r.Target, After: cursor.After, UpTo: a.Token.Seen, Count: r.Count}, a)
	return nil
}

func (vl *village) page(q board.Query, a *api.Answer) {
	page := vl.board.Page(q)
	if a.Articles = page.Entries; page.More {
		a.Next = api.Cursor{After: page.Entries[len(page.Entries)-1].ID, UpTo: q.UpTo}.String()
	}
}

// serve runs a web client over the village until the test ends, and returns
// where it is and what ends it sooner.
func (vl *village) serve(t testing.TB, key []byte) (url string, stop func()) {
	t.Helper()
	return serve(t, Config{Source: vl.source, Key: key})
}

func serve(t testing.TB, c Config) (url string, stop func()) {
	t.Helper()
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx, l) }()
	stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("web client: %v", err)
			}
		case <-time.After(patience):
			t.Error("the web client does not end")
		}
	})
	t.Cleanup(stop)
	return "http://" + l.Addr().String(), stop
}

// nowhere is a Source that cannot be reached.
type nowhere struct{}

func (nowhere) Status(context.Context) (*supervisor.ClusterStatus, error) {
	return nil, fmt.Errorf("nobody is there")
}
func (nowhere) Control() Control { return nil }
