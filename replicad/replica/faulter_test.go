package replica

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"consequor/board"
	"consequor/replicad/api"
	"consequor/replicad/wire"
	"consequor/topologies"
)

// What changes with a link is told in one line for each direction, or in one for
// both if they are alike; what stays, or is others' business, is not told.
func TestChangesOfLinks(t *testing.T) {
	cut := func(from, to board.ReplicaID) topologies.LinkFault {
		return topologies.LinkFault{From: from, To: to, Cut: true}
	}
	slow := topologies.LinkFault{From: 1, To: 3, Delay: 50 * time.Millisecond, Jitter: 10 * time.Millisecond}
	lossy := topologies.LinkFault{From: 3, To: 1, Loss: 0.1}
	for _, test := range []struct {
		name          string
		before, after []topologies.LinkFault
		want          string
	}{
		{"nothing", []topologies.LinkFault{cut(1, 3)}, []topologies.LinkFault{cut(1, 3)}, ""},
		{"both ways", nil, []topologies.LinkFault{cut(1, 3), cut(3, 1)}, "link with r3: cut"},
		{"one way", nil, []topologies.LinkFault{cut(3, 1)}, "link from r3: cut"},
		{"two kinds", nil, []topologies.LinkFault{slow, lossy}, "link to r3: delay 50ms ± 10ms\nlink from r3: loss 10%"},
		{"healed", []topologies.LinkFault{slow, lossy}, nil, "link with r3: whole"},
		{"half healed", []topologies.LinkFault{slow, lossy}, []topologies.LinkFault{lossy}, "link to r3: whole"},
		{"others", nil, []topologies.LinkFault{cut(1, 2), cut(2, 3)}, ""},
	} {
		var before, after topologies.Faults
		for _, l := range test.before {
			before.Put(l)
		}
		for _, l := range test.after {
			after.Put(l)
		}
		if got := strings.Join(changesOf(&before, &after, 1, 3, "r3"), "\n"); got != test.want {
			t.Errorf("%s: want %q, got %q", test.name, test.want, got)
		}
	}
}

// The links are told all that the supervisor says, the seed included.
func TestFaultsForTheLinks(t *testing.T) {
	table := topologies.Faults{Number: 3, Seed: 7, Links: []topologies.LinkFault{
		{From: 1, To: 2, Cut: true, Delay: 2, Jitter: 1, Loss: 0.5}, {From: 3, To: 1, Loss: 1}}}
	want := wire.Faults{Seed: 7, Links: map[wire.Direction]wire.Fault{
		{From: 1, To: 2}: {Cut: true, Delay: 2, Jitter: 1, Loss: 0.5}, {From: 3, To: 1}: {Loss: 1}}}
	if diff := cmp.Diff(want, wireFaults(&table)); diff != "" {
		t.Error(diff)
	}
}

// A table that is ordered is in force once it is reported: both ends have lost a
// link that is cut both ways, and have it again when it is healed. A table that
// is older than the one in force changes nothing.
func TestFaultsAreOrdered(t *testing.T) {
	s := newSite(t, 3, topologies.Mode{Name: "read-your-write"})
	s.awaitAll("its peers", func(r api.Status) bool { return r.Peers == 2 })
	cut := topologies.Faults{Number: 5, Links: []topologies.LinkFault{{From: 1, To: 2, Cut: true}, {From: 2, To: 1, Cut: true}}}
	s.order(topologies.Order{Kind: topologies.OrderFaults, Faults: &cut})
	s.awaitAll("the cut", func(r api.Status) bool { return r.Faults == 5 })
	for i, want := range []int{1, 1, 2} {
		if got := s.seen[i].await("its status", func(api.Status) bool { return true }); got.Peers != want {
			t.Errorf("%s is connected to %d, want %d", got.Name, got.Peers, want)
		}
	}
	for i := range 3 {
		s.orders[i] <- topologies.Order{Kind: topologies.OrderInquire, Inquiry: &topologies.Inquiry{ID: 1, Kind: topologies.InquireLinks}}
		for _, l := range s.seen[i].awaitAnswer(1).Links {
			if apart := l.Self+l.Peer == 1+2; l.Up == apart {
				t.Errorf("%+v", l)
			}
		}
	}
	s.order(topologies.Order{Kind: topologies.OrderFaults, Faults: &topologies.Faults{Number: 4}})
	s.order(topologies.Order{Kind: topologies.OrderFaults, Faults: &topologies.Faults{Number: 6}})
	s.awaitAll("its peers", func(r api.Status) bool { return r.Peers == 2 && r.Faults == 6 })
}
