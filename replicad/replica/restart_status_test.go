package replica

import (
	"testing"

	"consequor/replicad/api"
	"consequor/topologies"
)

// A replica that starts again says at once how much it has on its disk, though
// nothing new comes: in a mode without a coordinator nothing need ever come.
func TestStatusAfterRestart(t *testing.T) {
	s := newSite(t, 1, topologies.Mode{Name: "quorum"})
	s.do(s.client(), api.Request{Verb: api.Post, Replica: "r1", Title: "t", Key: "k"})
	s.stop(0)
	s.launch(0, nil)
	status := s.seen[0].await("its serving", serves)
	if status.Articles != 1 || status.Vector != "1.1" {
		t.Errorf("it serves %d articles, %s; want 1, 1.1", status.Articles, status.Vector)
	}
}
