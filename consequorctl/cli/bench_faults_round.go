package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"consequor/supervisor"
)

// faultKinds are what bench faults draws from.
var faultKinds = []string{"kill", "pause", "plugin", "cut", "one-way", "delay", "loss"}

// linkKinds are those that need another replica.
var linkKinds = []string{"cut", "one-way", "delay", "loss"}

// round is a few faults at once, from a whole cluster to a whole cluster.
func (b *faultsBench) round(ctx context.Context) error {
	victims := slices.Clone(b.names)
	b.random.Shuffle(len(victims), func(i, j int) { victims[i], victims[j] = victims[j], victims[i] })
	victims = victims[:1+b.random.IntN(max(1, (len(b.names)-1)/2))]
	var undo []func(context.Context) error
	var err error
	for _, victim := range victims {
		if len(b.faults) == b.Faults || err != nil {
			break
		}
		var back func(context.Context) error
		if back, err = b.strike(ctx, b.draw(), victim); back != nil {
			undo = append(undo, back)
		}
	}
	if err == nil {
		err = b.last(ctx)
	}
	for _, back := range undo {
		err = errors.Join(err, back(ctx))
	}
	if err == nil {
		err = awaitStatus(ctx, b.cluster, "all replicas serve again", whole)
	}
	if err != nil {
		return fmt.Errorf("fault %d of %d: %w", len(b.faults), b.Faults, err)
	}
	return nil
}

// draw takes a kind from a bag that holds each once, and is filled again when it
// is empty: so all come about as often.
func (b *faultsBench) draw() string {
	if len(b.bag) == 0 {
		b.bag = b.kinds()
		b.random.Shuffle(len(b.bag), func(i, j int) { b.bag[i], b.bag[j] = b.bag[j], b.bag[i] })
	}
	kind := b.bag[0]
	b.bag = b.bag[1:]
	return kind
}

func (b *faultsBench) kinds() []string {
	kinds := slices.Clone(b.Kinds)
	if len(kinds) == 0 {
		kinds = slices.Clone(faultKinds)
	}
	if len(b.names) == 1 {
		kinds = slices.DeleteFunc(kinds, func(kind string) bool { return slices.Contains(linkKinds, kind) })
	}
	if len(kinds) == 0 {
		return []string{"kill"} // there is no link
	}
	return kinds
}

// last lets faults last for so many requests, or so long.
func (b *faultsBench) last(ctx context.Context) error {
	enough := time.NewTimer(faultLastsMax)
	defer enough.Stop()
	select {
	case <-b.load.ended.after(faultLastsMin):
	case <-enough.C:
	case <-ctx.Done():
	}
	return ctx.Err()
}

// strike does one fault to a replica, and returns how to undo it; nil: it passes
// by itself.
func (b *faultsBench) strike(ctx context.Context, kind, victim string) (func(context.Context) error, error) {
	text := kind + " " + victim
	if slices.Contains(linkKinds, kind) {
		text += " from the rest"
	}
	b.faults = append(b.faults, text)
	b.console.Note("fault %d of %d: %s", len(b.faults), b.Faults, text)
	act := func(verb supervisor.Verb, target string) error {
		_, err := b.cluster.Act(ctx, verb, target, supervisor.ActOptions{})
		return err
	}
	switch kind {
	case "kill":
		return b.undo(supervisor.Restart, victim), act(supervisor.Kill, victim)
	case "pause":
		return b.undo(supervisor.Resume, victim), act(supervisor.Pause, victim)
	case "plugin":
		return nil, act(supervisor.Kill, "plugin:"+victim)
	}
	r := supervisor.FaultRequest{Verb: supervisor.CutLinks, A: []string{victim}, B: []string{supervisor.Rest}, Wait: roundLimit}
	switch kind {
	case "one-way":
		r.OneWay = true
	case "delay":
		r.Verb, r.Delay = supervisor.DelayLinks, time.Duration(10+b.random.IntN(90))*time.Millisecond
		r.Jitter = r.Delay / 2
	case "loss":
		r.Verb, r.Loss = supervisor.LoseLinks, 0.05+0.4*b.random.Float64()
	}
	_, err := b.cluster.ChangeLinks(ctx, r)
	return b.healLinks, err
}

func (b *faultsBench) undo(verb supervisor.Verb, victim string) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := b.cluster.Act(ctx, verb, victim, supervisor.ActOptions{Wait: roundLimit})
		return err
	}
}

// healLinks heals all links. It returns once they are connected again, where
// both ends run.
func (b *faultsBench) healLinks(ctx context.Context) error {
	_, err := b.cluster.ChangeLinks(ctx, supervisor.FaultRequest{Verb: supervisor.HealLinks, Wait: roundLimit})
	return err
}
