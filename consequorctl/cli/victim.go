package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"consequor/supervisor"
)

// victimLook is how long to wait between two looks for a process that is about
// to appear, or for a supervisor that is about to be gone.
const victimLook = 2 * time.Millisecond

// strike kills the victim of a cell, delay after its step has begun. A step
// that needs all replicas may be over within a millisecond: so one of the
// others is stopped until the victim is dead, and the step waits for it.
func (k *swapKill) strike(ctx context.Context, victim string, before *supervisor.ClusterStatus, delay time.Duration) error {
	timer := time.NewTimer(delay)
	defer timer.Stop()
	<-timer.C
	kind, name := kindOfVictim(victim)
	if holder := holderOf(before, name); holder != 0 {
		if err := send(holder, syscall.SIGSTOP); err != nil {
			return err
		}
		defer func() { _ = send(holder, syscall.SIGCONT) }() // it may have died with its supervisor
	}
	return k.kill(ctx, kind, name, before)
}

// kindOfVictim splits "plugin:r1".
func kindOfVictim(victim string) (kind, replica string) {
	kind, replica, named := strings.Cut(victim, ":")
	if !named {
		return "", victim
	}
	return kind + ":", replica
}

// holderOf is the process of the replica after the victim's in the ring; 0:
// there is none.
func holderOf(before *supervisor.ClusterStatus, name string) int {
	n := len(before.Replicas)
	at := slices.IndexFunc(before.Replicas, func(r supervisor.ReplicaStatus) bool { return r.Name == name })
	if holder := before.Replicas[(at+1)%n]; holder.Name != name {
		return holder.PID
	}
	return 0
}

// kill asks nobody but the kernel, so that nothing is prepared for it, except
// for down: that is what the supervisor is asked for.
func (k *swapKill) kill(ctx context.Context, kind, name string, before *supervisor.ClusterStatus) error {
	if name == victimSupervisor {
		return send(before.SupervisorPID, syscall.SIGKILL)
	}
	r := before.Replica(name)
	switch kind {
	case "down:":
		_, err := k.cluster.Act(ctx, supervisor.Kill, name, supervisor.ActOptions{})
		return err
	case "plugin:":
		return send(r.PluginPID, syscall.SIGKILL)
	case "new-plugin:":
		pid, err := awaitChild(ctx, r.PID, r.PluginPID)
		if err != nil {
			return fmt.Errorf("find the new plugin of %s: %w", name, err)
		}
		return send(pid, syscall.SIGKILL)
	}
	return send(r.PID, syscall.SIGKILL)
}

// send sends a signal. A process that has just ended by itself (the old plugin,
// late in a change) does not mind.
func send(pid int, signal syscall.Signal) error {
	if pid <= 1 {
		return fmt.Errorf("send %v to process %d: there is none", signal, pid)
	}
	if err := syscall.Kill(pid, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("send %v to process %d: %w", signal, pid, err)
	}
	return nil
}

// awaitChild waits until the process has another child than the one known, and
// gives its pid.
func awaitChild(ctx context.Context, pid, known int) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, roundLimit)
	defer cancel()
	look := time.NewTicker(victimLook)
	defer look.Stop()
	for {
		children, err := childrenOf(pid)
		if err != nil {
			return 0, err
		}
		for _, child := range children {
			if child != known {
				return child, nil
			}
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return 0, fmt.Errorf("process %d has no other child than %d: %w", pid, known, ctx.Err())
		}
	}
}

// childrenOf lists the living children of a process (proc(5), .../stat).
func childrenOf(pid int) ([]int, error) {
	paths, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	var children []int
	for _, path := range paths {
		stat, err := os.ReadFile(path)
		if err != nil {
			continue // it has just ended
		}
		fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:]) // its name may hold anything
		if len(fields) < 2 || string(fields[0]) == "Z" || string(fields[1]) != strconv.Itoa(pid) {
			continue
		}
		child, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err == nil {
			children = append(children, child)
		}
	}
	return children, nil
}

// recover brings back what a kill has taken, and waits until all replicas
// serve.
func (k *swapKill) recover(ctx context.Context, victim string, before *supervisor.ClusterStatus) error {
	if victim == victimSupervisor {
		if err := k.upAgain(ctx, before); err != nil {
			return fmt.Errorf("bring %s up again: %w", before.Cluster, err)
		}
	}
	if name, down := strings.CutPrefix(victim, "down:"); down {
		if _, err := k.cluster.Act(ctx, supervisor.Restart, name, supervisor.ActOptions{}); err != nil {
			return err
		}
	}
	return awaitStatus(ctx, k.cluster, "all replicas serve again", whole)
}

// upAgain does what a user would: up -d with the same topology, as soon as the
// dead supervisor's place is free.
func (k *swapKill) upAgain(ctx context.Context, before *supervisor.ClusterStatus) error {
	world := k.console.World
	world.Stdout, world.Stderr = io.Discard, io.Discard
	mute := &Console{World: world, Output: &Output{Quiet: true}}
	replicas := len(before.Replicas)
	look := time.NewTicker(victimLook)
	defer look.Stop()
	for limit := time.Now().Add(upLimit); ; {
		up := &upCmd{Topology: before.Topology, Replicas: &replicas, Detach: true, Wait: upLimit}
		err := up.Run(ctx, mute, clusterFlag(before.Cluster))
		var refused *supervisor.Error
		if !errors.As(err, &refused) || refused.Kind != supervisor.KindRunning || time.Now().After(limit) {
			return err
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
