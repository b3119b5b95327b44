//go:build linux

package supervisor

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"consequor/topologies"
)

// All replicas answer in pieces, with reports in between; the pieces are put
// together, and what both ends of a link say stands in one line.
func TestLinksAreAskedFor(t *testing.T) {
	c := startCluster(t, 3)
	r, err := c.client.Links(c.ctx)
	if err != nil || len(r.Missing) > 0 || len(r.Links) != 6 {
		t.Fatalf("links: %+v, %v", r, err)
	}
	l := r.Links[1]
	if l.From != "r1" || l.To != "r3" || !l.Up || *l.Sent != 13 || *l.Received != 13 {
		t.Errorf("%+v", l)
	}
}

// A paused replica, one that is down and one that never answers are named, each
// with why; what the others say is there. Of a link with one deaf end, the
// other end's word is.
func TestWhoGivesNoAnswer(t *testing.T) {
	c := newCluster(t, 4)
	c.wish("r3", "mute")
	c.up()
	c.act(Pause, "r1")
	c.act(Kill, "r2")
	r, err := c.client.Links(c.ctx)
	if err != nil {
		t.Fatal(err)
	}
	want := "[{r1 paused} {r2 killed} {r3 none within 1s}]"
	if got := fmt.Sprint(r.Missing); got != want {
		t.Errorf("missing: %s, want %s", got, want)
	}
	for _, l := range r.Links {
		switch {
		case l.From == "r4" && (l.Sent == nil || l.Received != nil), l.To == "r4" && (l.Sent != nil || l.Received == nil):
			t.Errorf("%+v", l)
		case l.From != "r4" && l.To != "r4" && (l.Up || l.Lost != nil):
			t.Errorf("nobody has spoken of %+v", l)
		}
	}
}

// A process that dies while it is asked is told of at once, not after the limit.
func TestWhoDiesWhileAsked(t *testing.T) {
	c := newCluster(t, 2)
	c.wish("r2", "mute")
	c.up()
	asked := make(chan *LinksResult, 1)
	go func() {
		r, _ := c.client.Links(c.ctx)
		asked <- r
	}()
	c.act(Kill, "r2")
	r := <-asked
	if r == nil || len(r.Missing) != 1 || r.Missing[0].Replica != "r2" || r.Missing[0].Why == "" {
		t.Errorf("%+v", r)
	}
}

// A trace is begun and told by all who can; who cannot says why.
func TestTraceIsToldByAll(t *testing.T) {
	c := newCluster(t, 3)
	c.wish("r2", "traceless")
	c.up()
	begun, err := c.client.TraceBegin(c.ctx, 7, time.Second)
	if err != nil || fmt.Sprint(begun.Missing) != "[{r2 no room}]" {
		t.Errorf("begin: %+v, %v", begun, err)
	}
	told, err := c.client.TraceEnd(c.ctx, 7)
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, e := range told.Events {
		texts = append(texts, e.Replica.String()+" "+e.Text)
	}
	if got := strings.Join(texts, ", "); got != "r1 one, r1 two, r2 one, r2 two, r3 one, r3 two" {
		t.Errorf("told: %s", got)
	}
}

// An answer of too many pieces is none; late pieces, and those of questions that
// nobody asks any more, are dropped.
func TestAnswersAreBounded(t *testing.T) {
	q := newInquiries()
	i := q.begin()
	for range answerPiecesMax + 5 {
		q.answered(topologies.Answer{ID: i.id, More: true})
	}
	if pieces, whole, excess := q.taken(i); len(pieces) > 0 || whole || !excess {
		t.Errorf("%d pieces, whole %v, excess %v", len(pieces), whole, excess)
	}
	q.end(i)
	q.answered(topologies.Answer{ID: i.id})
	if len(q.open) != 0 {
		t.Error("an answer has made a question")
	}
	for range inquiriesMax {
		q.begin()
	}
	if q.begin() != nil {
		t.Error("one question too many was begun")
	}
}
