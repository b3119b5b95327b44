package replica

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"consequor/board"
	"consequor/modes"
	"consequor/replicad/api"
	"consequor/replicad/host"
	"consequor/topologies"
)

func noted(t *tap, text string) {
	t.on().add(topologies.Traced{What: topologies.TracedNote, Text: text})
}

// A tap is on between begin and told, and writes nothing before and after.
func TestTapWritesBetween(t *testing.T) {
	var tap tap
	tap.on().sent(&host.Frame{}) // nothing happens
	if err := tap.begin(1, time.Minute); err != nil {
		t.Fatal(err)
	}
	if err := tap.begin(2, time.Minute); !errors.Is(err, errTapped) {
		t.Errorf("a second trace: %v, want it to be turned away", err)
	}
	if told := tap.told(2); told != nil {
		t.Errorf("the second trace was told %+v", told)
	}
	before, _ := topologies.MachineTime()
	noted(&tap, "one")
	noted(&tap, "two")
	after, _ := topologies.MachineTime()
	told := tap.told(1)
	if len(told) != 2 || told[0].Text != "one" || told[1].Text != "two" {
		t.Fatalf("told %+v", told)
	}
	if told[0].At < before || told[1].At > after || told[1].At < told[0].At {
		t.Errorf("at %v and %v, want them between %v and %v", told[0].At, told[1].At, before, after)
	}
	if tap.on() != nil || tap.told(1) != nil {
		t.Error("it is still on")
	}
	if err := tap.begin(1, 0); err == nil {
		t.Error("a trace for no time")
	}
	if err := tap.begin(1, topologies.TraceForMax+1); err == nil {
		t.Error("a trace for too long a time")
	}
}

// If nobody asks, a tap is off again by itself; the next one is not ended by
// what was set for the first.
func TestTapEndsByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tap tap
		if err := tap.begin(1, 3*time.Second); err != nil {
			t.Fatal(err)
		}
		noted(&tap, "nobody asks for it")
		time.Sleep(3 * time.Second) // no time passes: it is virtual
		synctest.Wait()
		if tap.on() != nil {
			t.Fatal("it is still on")
		}
		if told := tap.told(1); told != nil {
			t.Errorf("told %+v", told)
		}
		tap.begin(1, 3*time.Second)
		time.Sleep(2 * time.Second)
		tap.told(1)
		tap.begin(1, 3*time.Second)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if tap.on() == nil {
			t.Error("the second trace ended with the time of the first")
		}
		tap.told(1)
	})
}

// What there is no room for is counted; a request's question and answer have
// room of their own.
func TestTapIsBounded(t *testing.T) {
	var tap tap
	tap.begin(1, time.Minute)
	for range tapCountMax + 10 {
		noted(&tap, "x")
	}
	for range tapRequestMax + 5 {
		tap.on().add(topologies.Traced{What: topologies.TracedAsked})
	}
	told := tap.told(1)
	last := told[len(told)-1]
	if len(told) != tapCountMax+tapRequestMax+1 || last.What != topologies.TracedMissed || last.Count != 15 {
		t.Errorf("%d events, the last %+v", len(told), last)
	}
	tap.begin(1, time.Minute)
	frame := host.Frame{Kind: 1, Body: make([]byte, tapBodyMax)}
	for range 2 * tapSizeMax / tapBodyMax {
		tap.on().sent(&frame)
	}
	told = tap.told(1)
	if most := tapSizeMax/tapBodyMax + 1; len(told) != most {
		t.Errorf("%d messages of %d bytes were kept, want %d and a word on the rest", len(told), tapBodyMax, most)
	}
	tap.begin(1, time.Minute)
	frame.Body = make([]byte, tapBodyMax+1)
	tap.on().sent(&frame)
	if told = tap.told(1); told[0].Body != nil || told[0].Size != tapBodyMax+1 {
		t.Errorf("a long message is kept: %d of %d bytes", len(told[0].Body), told[0].Size)
	}
}

// Many goroutines write while traces begin and end; what each told is in order.
func TestTapRace(t *testing.T) {
	var tap tap
	stop := make(chan struct{})
	var writers sync.WaitGroup
	for range 4 {
		writers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					noted(&tap, "x")
				}
			}
		})
	}
	for range 200 {
		tap.begin(1, time.Minute)
		noted(&tap, "mine")
		told := tap.told(1)
		if !slices.IsSortedFunc(told, func(a, b topologies.Traced) int { return int(a.At - b.At) }) {
			t.Error("not in order")
		}
	}
	close(stop)
	writers.Wait()
}

// The words for batches, as a person reads them.
func TestTapWords(t *testing.T) {
	events := []modes.Event{
		modes.Request{ID: 1, Verb: modes.VerbPost}, modes.Receive{From: 2}, modes.Receive{From: 2},
		modes.Receive{From: 3, Span: &modes.Span{}}, modes.Timer{Name: "tick"}, modes.PeerUp{Peer: 3}, modes.Seal{},
	}
	if got, want := eventsInWords(events, board.ReplicaID.String), "post, 2 messages from r2, articles from r3, timer, r3 up, seal"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	effects := []modes.Effect{
		modes.Save{}, modes.Save{}, modes.Send{To: 1}, modes.SendNow{To: 3}, modes.SetTimer{Name: "tick"},
		modes.Store{Articles: []board.Article{{ID: board.ArticleID{Seq: 17}}}}, modes.Reply{Request: 1},
	}
	if got, want := effectsInWords(effects, board.ReplicaID.String), "2 saves, once on disk, message to r1, message to r3, store 17, answer"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := effectsInWords([]modes.Effect{modes.SetTimer{}}, board.ReplicaID.String); got != topologies.TracedNothing {
		t.Errorf("a timer alone: %s", got)
	}
}

// A post at r2 of three: the replicas' own words have its way from the question
// to the answer. A trace asked for twice is refused, and told once.
func TestTraceOfPost(t *testing.T) {
	s := newSite(t, 3, topologies.Mode{Name: "quorum"})
	client := s.client()
	s.do(client, api.Request{Verb: api.Post, Replica: "r2", Title: "first", Key: "k1"})
	id := uint64(0)
	inquire := func(kind topologies.InquiryKind) []topologies.Answer {
		id++
		answers := make([]topologies.Answer, len(s.orders))
		for i := range s.orders {
			s.orders[i] <- topologies.Order{Kind: topologies.OrderInquire, Inquiry: &topologies.Inquiry{ID: id, Kind: kind, Trace: 7, For: time.Minute}}
			answers[i] = s.seen[i].awaitAnswer(id)
		}
		return answers
	}
	for _, a := range inquire(topologies.InquireTrace) {
		if a.Error != "" {
			t.Error(a.Error)
		}
	}
	for _, a := range inquire(topologies.InquireTrace) {
		if a.Error != errTapped.Error() {
			t.Errorf("a second trace: %q", a.Error)
		}
	}
	s.do(client, api.Request{Verb: api.Post, Replica: "r2", Title: "second", Key: "k2"})
	told := inquire(topologies.InquireTold)
	var whats []topologies.TracedKind
	var request uint64
	for _, e := range told[1].Trace {
		whats = append(whats, e.What)
		switch {
		case e.What == topologies.TracedAsked:
			request = e.Request
			if e.Key != "k2" || !strings.Contains(e.Text, "second") {
				t.Errorf("asked %+v", e)
			}
		case e.What == topologies.TracedAnswered && e.Request != request:
			t.Errorf("the answer to %d, want to %d", e.Request, request)
		}
	}
	for _, want := range []topologies.TracedKind{topologies.TracedAsked, topologies.TracedGiven, topologies.TracedStepped, topologies.TracedSent,
		topologies.TracedArrived, topologies.TracedSaved, topologies.TracedSynced, topologies.TracedStored, topologies.TracedAnswered} {
		if !slices.Contains(whats, want) {
			t.Errorf("r2 did not tell of anything %s: %v", want, whats)
		}
	}
	for _, a := range inquire(topologies.InquireTold) {
		if len(a.Trace) > 0 {
			t.Errorf("told again: %d events", len(a.Trace))
		}
	}
}

// BenchmarkTap is what a thing that happens costs while the tap is off, and on.
func BenchmarkTap(b *testing.B) {
	frame := host.Frame{Kind: 1, From: 1, To: 2, Body: make([]byte, 400)}
	b.Run("off", func(b *testing.B) {
		var tap tap
		for b.Loop() {
			tap.on().sent(&frame)
		}
	})
	b.Run("on", func(b *testing.B) {
		var tap tap
		for n := 0; b.Loop(); n++ {
			if n%1000 == 0 { // or it would be full
				tap.told(1)
				tap.begin(1, time.Minute)
			}
			tap.on().sent(&frame)
		}
		tap.told(1)
	})
}
