//go:build linux

package supervisor

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"
)

// page is a web client that only listens, and says when it began and ended.
type page struct{ began, ended chan string }

func newPage() *page { return &page{make(chan string, 1), make(chan string, 1)} }

func (p *page) serve(ctx context.Context, l net.Listener, c *Client) error {
	p.began <- l.Addr().String()
	<-ctx.Done()
	p.ended <- c.Name()
	return l.Close()
}

// The web client's port is chosen once and kept; should another program have it,
// another is chosen. Its address is in the status, and an event.
func TestWebPortIsKept(t *testing.T) {
	c := newCluster(t, 1)
	at := make(map[string]bool)
	var blocked net.Listener
	for life := range 3 {
		p := newPage()
		c.config.Web = p.serve
		c.up()
		addr := <-p.began
		if s := c.status(); s.Web == nil || *s.Web != "http://"+addr {
			t.Errorf("life %d: status says %v, it listens on %s", life, s.Web, addr)
		}
		if e := c.awaitEvent(EventWeb, ""); e.Text != "web client at http://"+addr {
			t.Errorf("life %d: event %q", life, e.Text)
		}
		if at[addr] != (life == 1) {
			t.Errorf("life %d listens on %s; before: %v", life, addr, at)
		}
		at[addr] = true
		if err := c.end(); err != nil {
			t.Fatal(err)
		}
		<-p.ended
		if life == 1 {
			var err error
			if blocked, err = net.Listen("tcp", addr); err != nil {
				t.Fatal(err)
			}
			defer blocked.Close()
		}
	}
}

// A port that was asked for and is taken fails up, before anything is started.
func TestWebPortInUse(t *testing.T) {
	other, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	c := newCluster(t, 1)
	c.config.Web, c.config.WebAddr = newPage().serve, other.Addr().String()
	e := c.wantKind(Run(c.ctx, c.config), KindPortInUse)
	if !strings.Contains(e.Message, "web client: port ") || !strings.Contains(e.Hint, "--no-web") {
		t.Errorf("%s (hint: %s)", e.Message, e.Hint)
	}
	if left := c.processes("r1"); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// The web client ends when the end begins, not when the last replica is gone.
func TestWebEndsFirst(t *testing.T) {
	c := newCluster(t, 1)
	p := newPage()
	c.config.Web = p.serve
	c.up()
	<-p.began
	done := make(chan error, 1)
	go func() { done <- c.end() }()
	select {
	case name := <-p.ended:
		if name != "fake" {
			t.Errorf("it was given a client of %q", name)
		}
	case <-time.After(20 * time.Second):
		t.Error("the web client goes on")
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}
