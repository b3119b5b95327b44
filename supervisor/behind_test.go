package supervisor

import "testing"

// r2 died with 3 of 5 articles; what it last said of itself was that it lacks
// none. r3 is paused with all of them. r4 serves, and is cut off from the others:
// it has heard of none that it lacks.
func TestBehind(t *testing.T) {
	s := ClusterStatus{Replicas: []ReplicaStatus{
		{Name: "r1", State: StateServing, Articles: 5},
		{Name: "r2", State: StateKilled, Articles: 3},
		{Name: "r3", State: StatePaused, Articles: 5},
		{Name: "r4", State: StateServing, Articles: 1},
	}}
	s.countBehind()
	for i, want := range []uint64{0, 2, 0, 4} {
		if r := s.Replicas[i]; r.Behind != want {
			t.Errorf("%s is behind by %d, want %d", r.Name, r.Behind, want)
		}
	}
}
