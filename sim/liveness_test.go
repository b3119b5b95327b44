package sim

import (
	"fmt"
	"testing"

	"consequor/board"
)

// A small cluster's replicas are all held to liveness; of a large one some are,
// and not the same with each seed.
func TestLivenessPlaces(t *testing.T) {
	for _, test := range []struct{ replicas, want int }{{4, 4}, {20, livenessReplicas}} {
		drawn := make(map[string]bool)
		for seed := range uint64(4) {
			p, err := Draw(Config{Mode: "read-your-write", Replicas: test.replicas, Faults: Loss, Length: 3}, seed+1)
			if err != nil {
				t.Fatal(err)
			}
			r := Run(p, nil)
			if r.Failed() {
				t.Fatalf("seed %d: %v, %v", p.Seed, r.Err, r.Verdicts.First())
			}
			asked := make(map[board.ReplicaID]bool)
			for _, op := range r.History.Ops {
				if op.Session > p.sessions {
					asked[op.Tries[0].Replica] = true
				}
			}
			if len(asked) != test.want {
				t.Errorf("seed %d: of %d replicas %d were asked, want %d", p.Seed, test.replicas, len(asked), test.want)
			}
			drawn[fmt.Sprint(asked)] = true
		}
		if large := test.want < test.replicas; (len(drawn) > 1) != large {
			t.Errorf("of %d replicas there were %d choices in 4 seeds", test.replicas, len(drawn))
		}
	}
}
