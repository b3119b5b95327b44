package web

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"consequor/supervisor"
)

type htmlNode = html.Node

func mustUnescape(t *testing.T, text string) string {
	t.Helper()
	s, err := url.QueryUnescape(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The page is current when it is loaded, without any script: replicas, faults,
// what happened.
func TestClusterPage(t *testing.T) {
	m, url := newMayor(t, 3)
	b := newBrowser(t, url).get("/cluster").wants(200, "r1 serving coordinator 2", "101", "mode sequential", "r1 is spawned", "coordinator0 articles")
	m.happen(func() {
		m.status.Replicas[0].State, m.status.Replicas[0].Why, m.status.Replicas[0].Role = supervisor.StateKilled, "was killed <script>alert(1)</script>", ""
		m.status.Faults = []supervisor.LinkFault{{From: "r2", To: "r3", Cut: true}}
		m.events = append(m.events, supervisor.Event{Seq: 2, Time: time.Unix(1, 5e6), Kind: supervisor.EventCoordinator, Text: "no coordinator is known"},
			supervisor.Event{Seq: 3, Time: time.Unix(3, 5e6), Kind: supervisor.EventKilled, Text: `<img src=x onerror=alert(1)> "quoted`})
	})
	b.get("/cluster").wants(200, "r1 killed", "was killed <script>alert(1)</script>", "r2r3cut", "✕", "+5 ms vacant no coordinator is known", `+2.0 s killed <img src=x onerror=alert(1)> "quoted`)
	if strings.Contains(b.text, "<script>alert") || strings.Contains(b.text, "<img") {
		t.Error("the page has a text that is not inert")
	}
	m.happen(func() { m.gone = true })
	b.get("/cluster").wants(200, "No newer state is known: the supervisor is gone", "r1 killed")
}

// The stream draws the cluster anew whenever something is new, with buttons for
// those alone who may control.
func TestClusterStream(t *testing.T) {
	m, url := newMayor(t, 3)
	quiet, _ := listen(t, url+"/cluster", "")
	next := func(want string) string {
		t.Helper()
		late := time.After(patience)
		for {
			select {
			case message, ok := <-quiet:
				if !ok {
					t.Fatalf("the stream ended before %q", want)
				}
				var drawn struct{ HTML string }
				if err := json.Unmarshal([]byte(strings.TrimPrefix(message, "cluster ")), &drawn); err != nil {
					t.Fatalf("%s: %v", message, err)
				}
				if strings.Contains(drawn.HTML, want) {
					return drawn.HTML
				}
			case <-late:
				t.Fatalf("never heard %q", want)
			}
		}
	}
	if drawn := next("r1 is spawned"); strings.Contains(drawn, "/cluster/confirm") || strings.Contains(drawn, controlToken) {
		t.Errorf("buttons or token for one who may not control:\n%s", drawn)
	}
	m.happen(func() { m.status.Replicas[1].State = supervisor.StatePaused })
	next(`<span class="state paused">`)
	m.happen(func() {
		m.events = append(m.events, supervisor.Event{Seq: 2, Time: time.Unix(2, 0), Kind: supervisor.EventNote, Text: "<b>bold</b>"})
	})
	if drawn := next("bold"); strings.Contains(drawn, "<b>") {
		t.Error("the stream has a text that is not inert")
	}
	next("/s</text>") // a rate: links are asked for again by themselves
	m.happen(func() { m.gone = true })
	next("the supervisor is gone")
}

// Links are asked for once in a second, whoever looks.
func TestLinksAreAskedForSeldom(t *testing.T) {
	m, url := newMayor(t, 3)
	b := newBrowser(t, url)
	began := time.Now()
	for range 20 {
		b.get("/cluster").wants(200)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if most := 1 + int(time.Since(began)/(linksPause*9/10)); m.asked > most {
		t.Errorf("asked %d times in %v", m.asked, time.Since(began))
	}
}

// Where no supervisor is known, the page says so and shows what the replicas
// tell.
func TestClusterWithoutSupervisor(t *testing.T) {
	vl := newVillage(t, 2)
	base, _ := serve(t, Config{Source: vl.source, ControlToken: controlToken})
	b := newBrowser(t, base).get("/cluster").wants(200, "No supervisor is known here", "r1 serving coordinator", "r2 serving follower")
	if strings.Contains(b.text, "/cluster/confirm") || strings.Contains(b.text, "Timeline") {
		t.Error("buttons or a timeline that nobody can fill")
	}
	b.get("/?control="+controlToken).wants(403, "Nobody can control the cluster from here")
	b.get("/cluster/confirm?verb=kill&target=r1").wants(403, "Nobody can control")
	m, stop := listen(t, base+"/cluster", "")
	defer stop()
	select {
	case message := <-m:
		if !strings.Contains(message, "No supervisor is known") {
			t.Errorf("heard %s", message)
		}
	case <-time.After(patience):
		t.Error("the stream says nothing")
	}
}

// A drawing of any number of replicas stays within its frame; too many are not
// drawn.
func TestRing(t *testing.T) {
	for n := 1; n <= linkReplicasMax+1; n++ {
		s := &supervisor.ClusterStatus{Replicas: make([]supervisor.ReplicaStatus, n)}
		for i := range s.Replicas {
			s.Replicas[i].Name = string(rune('a' + i))
		}
		r := drawRing(&facts{status: s})
		if n > linkReplicasMax {
			if r != nil {
				t.Errorf("%d replicas are drawn", n)
			}
			continue
		}
		if len(r.Nodes) != n || len(r.Lines) != n*(n-1) {
			t.Errorf("%d replicas: %d nodes, %d lines", n, len(r.Nodes), len(r.Lines))
		}
		for _, d := range r.Nodes {
			if d.Left < 0 || d.Top < 0 || d.Left+d.Wide > r.Width || d.Top+d.High > r.Height {
				t.Errorf("%d replicas: %s is outside", n, d.Name)
			}
		}
	}
}

// There are so many streams, and one more is refused; the watch ends with the
// last of them, and the next one begins another.
func TestWatchesAreBounded(t *testing.T) {
	ws := newWatches(newCluster(nowhere{}), func(*facts, bool) []byte { return []byte("x") })
	ws.ctx = t.Context()
	var leaves []func()
	for range watchersMax {
		s, leave := ws.open(false)
		if s == nil {
			t.Fatal("refused too early")
		}
		leaves = append(leaves, leave)
	}
	if s, _ := ws.open(false); s != nil {
		t.Error("one too many is let in")
	}
	for _, leave := range leaves {
		leave()
	}
	ws.running.Wait()
	s, leave := ws.open(true)
	if s == nil {
		t.Fatal("nobody is let in after all have left")
	}
	select {
	case <-s.messages: // nobody is there: that is told as well
	case <-time.After(patience):
		t.Error("the stream says nothing")
	}
	leave()
	ws.running.Wait()
}

// A reader who takes nothing is dropped; the others hear on.
func TestSlowWatcherIsDropped(t *testing.T) {
	ws := newWatches(newCluster(nowhere{}), nil)
	w := &watch{ws: ws, streams: make(map[*stream]bool), last: make(map[bool][]byte)}
	slow, quick := &stream{messages: make(chan []byte, watchQueue)}, &stream{messages: make(chan []byte, watchQueue)}
	w.streams[slow], w.streams[quick] = true, true
	for i := range watchQueue + 1 {
		w.send(true, []byte{byte(i)})
		w.send(true, []byte{byte(i)}) // what is as it was is not told again
		<-quick.messages
	}
	n := 0
	for range slow.messages {
		n++
	}
	if n != watchQueue || len(w.streams) != 1 {
		t.Errorf("the slow one had %d messages, want %d and the end", n, watchQueue)
	}
}

// A rate is what came through since the question before; a process that has
// begun anew counts from nothing, and has none.
func TestRates(t *testing.T) {
	link := func(from string, n uint64) supervisor.Link {
		return supervisor.Link{LinkFault: supervisor.LinkFault{From: from, To: "x"}, Received: &n}
	}
	before := &links{list: []supervisor.Link{link("a", 100), link("b", 100), {LinkFault: supervisor.LinkFault{From: "c", To: "x"}}}}
	now := &links{rates: make(map[direction]float64), list: []supervisor.Link{link("a", 150), link("b", 20), link("c", 9), {LinkFault: supervisor.LinkFault{From: "d", To: "x"}}}}
	now.rate(before, 2*time.Second)
	if len(now.rates) != 1 || now.rates[direction{"a", "x"}] != 25 {
		t.Errorf("rates %v", now.rates)
	}
}
