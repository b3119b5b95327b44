package replica

import (
	"context"
	"path/filepath"
	"strings"
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

// A plugin whose file is not there will not be there at the next try either: the
// first one says so.
func TestPluginIsNotThere(t *testing.T) {
	c := newCluster(t, 1, "mine")
	o := c.options(0)
	o.Config.Mode.Plugin = filepath.Join(t.TempDir(), "nowhere")
	o.Config.Mode.SHA256 = strings.Repeat("0", 64)
	err := Run(context.Background(), o)
	if want := "mode mine: its plugin " + o.Config.Mode.Plugin + " is not there"; ExitCode(err) != ExitFault || err.Error() != want {
		t.Errorf("ended with %v, want %s", err, want)
	}
}
