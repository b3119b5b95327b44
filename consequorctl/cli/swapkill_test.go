package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"consequor/supervisor"
)

func threeReplicas() *supervisor.ClusterStatus {
	return &supervisor.ClusterStatus{SupervisorPID: 10, Replicas: []supervisor.ReplicaStatus{
		{Name: "r1", PID: 11}, {Name: "r2", PID: 12}, {Name: "r3", PID: 13}}}
}

// Which cells there are, and how a user names them.
func TestSwapKillCells(t *testing.T) {
	all, err := (&benchSwapKill{}).choose(threeReplicas())
	if err != nil || len(all) != 4*(1+4*3) {
		t.Errorf("%d cells, %v", len(all), err)
	}
	ephemeral := threeReplicas()
	ephemeral.Ephemeral = true
	if cells, err := (&benchSwapKill{}).choose(ephemeral); err != nil || len(cells) != 4*4*3 {
		t.Errorf("of an ephemeral cluster: %d cells, %v", len(cells), err)
	}
	cells, err := (&benchSwapKill{Cells: []string{"merge:supervisor", "seal:new-plugin:r2"}}).choose(threeReplicas())
	if err != nil || !slices.Equal(cells, []cell{{"merge", "supervisor"}, {"seal", "new-plugin:r2"}}) {
		t.Errorf("%v, %v", cells, err)
	}
	for _, text := range []string{"merge", "merge:", "merge:r4", "merg:r1", "seal:plug:r1", "seal:plugin:supervisor"} {
		if _, err := (&benchSwapKill{Cells: []string{text}}).choose(threeReplicas()); err == nil {
			t.Errorf("%q names a cell", text)
		}
	}
}

// Whoever holds the step up is alive and is not the victim.
func TestHolderOf(t *testing.T) {
	alone := &supervisor.ClusterStatus{Replicas: []supervisor.ReplicaStatus{{Name: "r1", PID: 11}}}
	for _, c := range []struct {
		status *supervisor.ClusterStatus
		name   string
		want   int
	}{{threeReplicas(), "r1", 12}, {threeReplicas(), "r3", 11}, {threeReplicas(), "supervisor", 11}, {alone, "r1", 0}} {
		if got := holderOf(c.status, c.name); got != c.want {
			t.Errorf("for %s: %d, want %d", c.name, got, c.want)
		}
	}
}

// The children of a process are found whatever it is called, and are living.
func TestChildrenOf(t *testing.T) {
	odd := filepath.Join(t.TempDir(), "a) S 1 (b")
	if err := os.Symlink("/bin/cat", odd); err != nil {
		t.Fatal(err)
	}
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	waits, never, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer never.Close()
	child, err := os.StartProcess(odd, []string{"cat"}, &os.ProcAttr{Files: []*os.File{waits, null, null}})
	if err != nil {
		t.Skipf("no child to look at: %v", err)
	}
	waits.Close()
	if pid, err := awaitChild(t.Context(), os.Getpid(), 0); err != nil || pid != child.Pid {
		t.Errorf("found %d, %v, want %d", pid, err, child.Pid)
	}
	never.Close()
	if _, err := child.Wait(); err != nil {
		t.Fatal(err)
	}
	if children, err := childrenOf(os.Getpid()); err != nil || fmt.Sprint(children) != "[]" {
		t.Errorf("after its end: %v, %v", children, err)
	}
}
