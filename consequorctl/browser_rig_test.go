//go:build browser

package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// Where the pictures of the README are made, as a test that is asked for:
// go test -tags browser ./consequorctl -run TestBrowserScreens -screens
var screens = flag.Bool("screens", false, "make the pictures in docs/screens")

const (
	browserWait  = 30 * time.Second // for one condition; two busy cores are slow
	browserLook  = 50 * time.Millisecond
	commandLimit = time.Minute // for one run of consequorctl
)

// chromium is the browser that is here, or the end of the test.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("there is no browser here: install chromium to run the browser tests")
	return ""
}

// rig is a running cluster with its web client.
type rig struct {
	t    *testing.T
	home string
	status
}

type status struct {
	Web      string `json:"web"`
	Control  string `json:"web_control"`
	Mode     string `json:"mode"`
	Epoch    int    `json:"epoch"`
	Replicas []struct {
		Name, State, Role string
		Articles          int
	}
}

// up starts three replicas; they and all they have end with the test.
func up(t *testing.T) *rig {
	t.Helper()
	home, err := os.MkdirTemp("", "cqb") // short: sockets are in it
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, home: home}
	t.Cleanup(func() {
		if out, err := r.run("down", "--wipe", "--yes"); err != nil {
			t.Errorf("down: %v\n%s", err, out)
		}
		if err := os.RemoveAll(home); err != nil {
			t.Error(err)
		}
	})
	r.must("up", "-d", "../topologies/three.yaml")
	r.look()
	return r
}

// run runs consequorctl.
func (r *rig) run(args ...string) (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(context.Background(), commandLimit) // cleanups run after the test's own
	defer cancel()
	command := exec.CommandContext(ctx, self, args...)
	command.Env = append(os.Environ(), "CONSEQUOR_HOME="+r.home)
	var errs strings.Builder
	command.Stderr = &errs
	out, err := command.Output()
	if err != nil {
		err = fmt.Errorf("%w: %s", err, errs.String())
	}
	return string(out), err
}

func (r *rig) must(args ...string) string {
	r.t.Helper()
	out, err := r.run(args...)
	if err != nil {
		r.t.Fatalf("%q: %v", args, err)
	}
	return out
}

// look asks for the cluster's status.
func (r *rig) look() {
	r.t.Helper()
	r.status = status{}
	if err := json.Unmarshal([]byte(r.must("status", "--json")), &r.status); err != nil {
		r.t.Fatal(err)
	}
}

// inRole is a replica in this role.
func (r *rig) inRole(role string) string {
	r.t.Helper()
	r.look()
	for _, replica := range r.Replicas {
		if replica.Role == role {
			return replica.Name
		}
	}
	r.t.Fatalf("nobody is %s: %+v", role, r.Replicas)
	return ""
}

// eventually fails the test unless a condition comes true.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	if !wait(condition) {
		t.Fatalf("not within %v: %s", browserWait, what)
	}
}

func wait(condition func() bool) bool {
	late := time.After(browserWait)
	look := time.NewTicker(browserLook)
	defer look.Stop()
	for !condition() {
		select {
		case <-late:
			return false
		case <-look.C:
		}
	}
	return true
}
