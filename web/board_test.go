package web

import (
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"consequor/replicad/api"
)

// The five requests by a browser without JavaScript.
func TestFiveRequests(t *testing.T) {
	url, _ := newVillage(t, 2).serve(t, nil)
	b := newBrowser(t, url)
	b.get("/").wants(200, "Nobody has posted yet", "Names are self-declared")
	b.signIn("alice").wants(200, "as alice")
	b.get("/post").submit("/post", "title", "First", "body", "hello\r\nworld")
	b.wants(200, "First", "hello world", "Article 1 is posted.", "r1 · sequential · epoch 1", "on 2 disks")
	b.submit("/a/1/reply", "body", "an answer").wants(200, "an answer", "Answers 1 First by alice")
	if b.path != "/a/2" {
		t.Errorf("a reply leads to %s, want /a/2", b.path)
	}
	b.get("/").wants(200, "First", "1 reply", "behind by 0")
	b.get("/a/1").wants(200, "1 reply", "an answer", "2001-09-09")
	b.submit("/sync").wants(200, "is up to date: 3 articles came, reached r2.")
	b.submit("/name", "name", "").wants(200, "Sign in")
}

// The visitor's replica answers, and no other; when it is gone, the page says so
// and does not ask another.
func TestChosenReplica(t *testing.T) {
	vl := newVillage(t, 3)
	url, _ := vl.serve(t, nil)
	b := newBrowser(t, url).get("/")
	b.wants(200, "any that answers", "r1 · coordinator", "r3 · follower")
	b.submit("/replica", "at", "r2").wants(200, "r2 · sequential")
	b.get("/").wants(200, "r2 · sequential")
	b.submit("/replica", "at", "r9").wants(404, "No such replica")
	vl.stops[1]()
	b.get("/").wants(503, "No answer", "choose another replica")
	waitFor(t, "the chooser tells", func() bool { return strings.Contains(b.get("/").text, "r2 · no answer") })
	b.submit("/replica", "at", "").wants(200, "any that answers")
}

// Pages of a long board, newest first and oldest first, show every root once, in
// order; and each costs few requests.
func TestPaging(t *testing.T) {
	vl := newVillage(t, 1)
	var roots []string
	for i := range 2000 { // roots become rarer: windows must widen
		parent := uint64(1)
		if root := i < 100 || i%100 == 0; root {
			parent = 0
			roots = append(roots, strconv.Itoa(i+1))
		}
		vl.put(parent, "a", fmt.Sprint("t", i), "b")
	}
	url, _ := vl.serve(t, nil)
	b := newBrowser(t, url)
	b.get("/")
	for _, order := range []string{"", "oldest"} {
		var shown []string
		vl.requests()
		pages := 0
		for path := "/?order=" + order; path != ""; path = b.next() {
			shown = append(shown, b.get(path).wants(200).rows()...)
			pages++
		}
		want := slices.Clone(roots)
		if order == "" {
			slices.Reverse(want)
		}
		if !slices.Equal(shown, want) {
			t.Errorf("order %q: shown %v", order, shown)
		}
		if asked := len(vl.requests()); asked > 5*pages {
			t.Errorf("order %q: %d requests for %d pages", order, asked, pages)
		}
	}
	if b.get("/?from=nonsense").code != 400 || b.get("/?from=7.x").code != 400 {
		t.Errorf("a page from nonsense: %d", b.code)
	}
}

// The newest page of 10,000 articles costs one request once the board is known,
// also after many have been posted elsewhere.
func TestNewestIsCheap(t *testing.T) {
	vl := newVillage(t, 1)
	for i := range 10_000 {
		vl.put(0, "a", fmt.Sprint("t", i), "b")
	}
	url, _ := vl.serve(t, nil)
	b := newBrowser(t, url).get("/")
	if n := len(vl.requests()); n > 3 || b.rows()[0] != "10000" {
		t.Errorf("first page: %d requests, newest %v", n, b.rows()[:1])
	}
	vl.put(0, "a", "more", "b")
	if b.get("/"); b.rows()[0] != "10001" || len(b.rows()) != listCount {
		t.Errorf("the page begins with %v", b.rows()[:1])
	}
	if n := len(vl.requests()); n != 1 {
		t.Errorf("second page: %d requests", n)
	}
	for i := range 3000 {
		vl.put(0, "a", fmt.Sprint("u", i), "b")
	}
	if b.get("/"); b.rows()[0] != "13001" || len(b.rows()) != listCount {
		t.Errorf("after 3,000 more the page begins with %v", b.rows()[:1])
	}
}

// A search finds words in titles and bodies, of replies as well, and says how
// far it came.
func TestSearch(t *testing.T) {
	vl := newVillage(t, 1)
	vl.put(0, "a", "The Quorum", "of three")
	vl.put(1, "b", "", "quorums meet")
	for i := range 60 {
		vl.put(0, "a", fmt.Sprint("filler ", i), "nothing")
	}
	url, _ := vl.serve(t, nil)
	b := newBrowser(t, url)
	b.get("/?q=QUORUM").wants(200, "Search: QUORUM", "Searched 62 articles, all there are.")
	if got := b.rows(); !slices.Equal(got, []string{"2", "1"}) {
		t.Errorf("found %v", got)
	}
	b.get("/?q=quorum+three").wants(200)
	if got := b.rows(); !slices.Equal(got, []string{"1"}) {
		t.Errorf("both words: %v", got)
	}
	b.get("/?q=absent").wants(200, "No article has these words.")
	if b.get("/?q=filler").wants(200, "from the newest down to 38"); b.next() == "" {
		t.Error("a full page of results has no next one")
	}
	b.get(b.next()).wants(200, "filler 34")
	b.get("/?q="+strings.Repeat("x", queryLenMax+1)).wants(400, "Too long to search for")
}

// A search ends after so many articles, says so, and goes on from there.
func TestSearchIsBounded(t *testing.T) {
	vl := newVillage(t, 1)
	vl.put(0, "a", "needle", "")
	for range searchCountMax * 3 / 2 {
		vl.put(0, "", "hay", "")
	}
	url, _ := vl.serve(t, nil)
	b := newBrowser(t, url).get("/?q=needle")
	b.wants(200, "No article has these words.", "from the newest down to")
	if b.next() == "" {
		t.Fatal("the search cannot be gone on with")
	}
	b.get(b.next()).wants(200, "all there are below.")
	if got := b.rows(); !slices.Equal(got, []string{"1"}) {
		t.Errorf("found %v", got)
	}
}

// A thread is a tree with an end: deep and broad ones have links.
func TestThread(t *testing.T) {
	vl := newVillage(t, 2)
	vl.put(0, "a", "root", "")
	for i := range uint64(depthMax + 3) { // 2 answers 1, 3 answers 2, ...
		vl.put(i+1, "b", "", fmt.Sprint("level ", i+1))
	}
	for i := range repliesCount + 5 {
		vl.put(1, "c", "", fmt.Sprint("broad ", i))
	}
	url, _ := vl.serve(t, nil)
	b := newBrowser(t, url).get("/a/1").wants(200, fmt.Sprint("level ", depthMax), fmt.Sprintf("%d replies", repliesCount+6))
	if strings.Contains(b.text, fmt.Sprint("level ", depthMax+1)) {
		t.Error("deeper than its limit")
	}
	texts, targets := b.links("list")
	if i := slices.Index(texts, "1 more reply"); i < 0 || targets[i] != fmt.Sprintf("/a/%d#replies", depthMax+1) {
		t.Errorf("no link to what is deeper: %q %q", texts, targets)
	}
	if n := len(vl.requests()); n > 1+depthMax {
		t.Errorf("%d requests for one thread", n)
	}
	b.get(strings.TrimSuffix(b.next(), "#replies")).wants(200, fmt.Sprint("broad ", repliesCount+4), "The first replies")
	if n := len(b.rows()); n != 6 {
		t.Errorf("%d replies on the second page", n)
	}
	b.get("/a/99").wants(404, "No such article")
	b.get("/a/x").wants(404, "An id looks like 17")
}

// Each refused read is told in words, with the next thing to do.
func TestRefusedRead(t *testing.T) {
	vl := newVillage(t, 1)
	url, _ := vl.serve(t, nil)
	vl.when(func(r *api.Request) *api.Error {
		return &api.Error{Outcome: api.Refused, Kind: api.KindNotFound, Message: "no article"}
	}, nil)
	newBrowser(t, url).get("/a/1").wants(404, "No such article", "sync brings this one up to date")
	url, _ = serve(t, Config{Source: nowhere{}})
	newBrowser(t, url).get("/").wants(503, "The cluster does not answer", "consequorctl status")
}

// A session lives on when the server is started again: its token comes back
// with the browser. Another cluster at the same place begins a new one.
func TestSessionOutlivesServer(t *testing.T) {
	vl := newVillage(t, 1)
	key := []byte("the key that is kept")
	url, stop := vl.serve(t, key)
	b := newBrowser(t, url).signIn("alice")
	b.get("/post").submit("/post", "title", "mine")
	s, err := New(Config{Source: vl.source, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	defer s.cluster.close()
	stop()
	for _, c := range b.client.Jar.Cookies(mustURL(t, url)) {
		v := s.visitors.find(c.Value)
		if name, _ := v.choices(); name != "alice" || v.seen().Seen.SeqMax() != 1 {
			t.Errorf("after a restart: %q has seen %v", name, v.seen())
		}
		other, _ := New(Config{Source: vl.source})
		if v := other.visitors.find(c.Value); v.seen().Cluster != "" {
			t.Error("a cookie with another key's signature is believed")
		}
		if !strings.HasPrefix(c.Name, "consequor-") {
			t.Errorf("cookie %s", c.Name)
		}
	}
}

// Another cluster at the same place is told, and begins a new session: what the
// old one had seen would be waited for in vain.
func TestClusterMadeAnew(t *testing.T) {
	vl := newVillage(t, 1)
	key := []byte("the key that is kept")
	url, _ := vl.serve(t, key)
	b := newBrowser(t, url).signIn("alice")
	vl.mu.Lock()
	vl.id = "another"
	vl.mu.Unlock()
	b.get("/").wants(200, "not the cluster that your browser knew", "as alice")
	if b.get("/").wants(200); strings.Contains(b.text, "not the cluster") {
		t.Error("it is told twice")
	}
}

// Run leaves nothing that still runs.
func TestRunLeavesNothing(t *testing.T) {
	vl := newVillage(t, 2)
	url, stop := vl.serve(t, nil)
	newBrowser(t, url).get("/").get("/a/1")
	m, _ := listen(t, url, "")
	stop()
	for range m {
	}
	var stacks [1 << 20]byte
	text := string(stacks[:runtime.Stack(stacks[:], true)])
	for _, left := range []string{"web.(*Server)", "web.(*feed)", "web.(*cluster)", "web.(*visit)"} {
		if strings.Contains(text, left) {
			t.Errorf("%s is left:\n%s", left, text)
		}
	}
}

// waitFor asks again and again until ok says yes, or patience ends.
func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	end := time.After(patience)
	for !ok() {
		select {
		case <-again.C:
		case <-end:
			t.Fatalf("waited %v: %s", patience, what)
		}
	}
}
