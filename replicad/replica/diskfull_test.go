package replica

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"consequor/board"
	"consequor/replicad/api"
)

// smallDisk is a file system of its own, which can really be full.
type smallDisk struct {
	t   *testing.T
	dir string
}

const smallDiskSize = 4 << 20 // some segments' zeros, and a board

func newSmallDisk(t *testing.T) *smallDisk {
	d := &smallDisk{t, t.TempDir()}
	if err := syscall.Mount("none", d.dir, "tmpfs", 0, "size=4m"); err != nil {
		t.Skipf("a small file system can't be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(d.dir, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmount %s: %v", d.dir, err)
		}
	})
	return d
}

func (d *smallDisk) ballast() string { return filepath.Join(d.dir, "ballast") }

// fill takes all the room that there is.
func (d *smallDisk) fill() {
	d.t.Helper()
	f, err := os.OpenFile(d.ballast(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		d.t.Fatal(err)
	}
	defer f.Close()
	page := make([]byte, 4<<10)
	for range smallDiskSize/len(page) + 1 {
		if _, err := f.Write(page); errors.Is(err, syscall.ENOSPC) {
			return
		} else if err != nil {
			d.t.Fatal(err)
		}
	}
	d.t.Fatal("the file system does not become full")
}

func (d *smallDisk) makeRoom() {
	d.t.Helper()
	if err := os.Remove(d.ballast()); err != nil {
		d.t.Fatal(err)
	}
}

// postsUntilFull posts at r1 until it says that its disk is full. What met the
// full disk first, and so made it known, has waited until its deadline.
func postsUntilFull(t *testing.T, client *api.Client) (acknowledged []board.ArticleID, refused *api.Error) {
	t.Helper()
	for range 1000 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		a, err := client.Do(ctx, api.Request{Verb: api.Post, Replica: "r1", Title: "large", Body: strings.Repeat("x", board.BodyLenMax)})
		cancel()
		var e *api.Error
		switch {
		case err == nil:
			acknowledged = append(acknowledged, a.ID)
		case !errors.As(err, &e):
			t.Fatal(err)
		case e.Outcome == api.Refused:
			return acknowledged, e
		case e.Kind != api.KindDeadline:
			t.Fatalf("a post ends %+v", e)
		}
	}
	t.Fatal("no post is ever refused")
	return nil, nil
}

func statusOf1(t *testing.T, client *api.Client) api.Status {
	t.Helper()
	all, err := client.Status(t.Context(), "r1")
	if err != nil || len(all) != 1 {
		t.Fatalf("status of r1: %v, %v", all, err)
	}
	return all[0]
}

// r1's disk becomes full. It refuses posts, says why and where to make room,
// and is read as before; a client that may go elsewhere does. With room again
// everything goes on by itself, and nothing acknowledged is lost.
func TestFullDisk(t *testing.T) {
	for _, mode := range []string{"sequential", "quorum", "read-your-write"} {
		t.Run(mode, func(t *testing.T) { fullDisk(t, mode) })
	}
}

func fullDisk(t *testing.T, mode string) {
	disk := newSmallDisk(t)
	c := newCluster(t, 3, mode)
	c.dirs[0] = filepath.Join(disk.dir, "data")
	for i := range c.config {
		c.start(i)
	}
	client := c.client()
	before := c.do(client, api.Request{Verb: api.Post, Replica: "r1", Title: "before", Key: "before"})

	disk.fill()
	acknowledged, refused := postsUntilFull(t, client)
	if refused.Kind != api.KindDiskFull || !strings.Contains(refused.Hint, c.dirs[0]) {
		t.Errorf("a post at a full disk ends %+v", refused)
	}
	if s := statusOf1(t, client); !s.DiskFull || !strings.Contains(s.WaitsFor(), "full disk") {
		t.Errorf("the status says: waiting for %q", s.WaitsFor())
	}
	read := c.do(client, api.Request{Verb: api.Read, Replica: "r1", Token: before.Token})
	if len(read.Articles) == 0 {
		t.Error("a full disk's board reads as empty")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	elsewhere, err := client.DoAny(ctx, api.Request{Verb: api.Post, Title: "anywhere"})
	if err != nil || elsewhere.Replica == "r1" {
		t.Errorf("a post anywhere: %+v, %v", elsewhere, err)
	}

	disk.makeRoom()
	after := c.do(client, api.Request{Verb: api.Post, Replica: "r1", Title: "after", Key: "after"})
	if s := statusOf1(t, client); s.DiskFull {
		t.Errorf("with room, the status says: waiting for %q", s.WaitsFor())
	}
	for _, id := range append(acknowledged, before.ID, after.ID, elsewhere.ID) {
		c.do(client, api.Request{Verb: api.Choose, Replica: "r1", Target: id, Token: elsewhere.Token})
	}
}
