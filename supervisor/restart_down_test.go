//go:build linux

package supervisor

import (
	"testing"
)

// Down comes while a restart waits for the end of a process that is slow to
// stop: it is not started again, and whoever asked for that is told so.
func TestDownEndsARestart(t *testing.T) {
	c := newCluster(t, 2)
	c.wish("r2", "stubborn")
	c.up()
	told := make(chan error, 1)
	go func() {
		_, err := c.client.Act(c.ctx, Restart, "r2", ActOptions{})
		told <- err
	}()
	c.awaitEvent(EventStopping, "r2")
	if err := c.client.Down(c.ctx, true, nil); err != nil {
		t.Errorf("down now: %v", err)
	}
	c.wantKind(<-told, KindStopping)
}
