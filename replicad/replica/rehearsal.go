package replica

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"consequor/board"
	"consequor/modes"
	"consequor/modes/modeplugin"
	"consequor/topologies"
)

const (
	// rehearsalStepMax is how long a mode may take for one batch of its
	// rehearsal.
	rehearsalStepMax = 2 * time.Second

	// keysPerPiece keeps a piece of the past within modes.PieceSizeMax.
	keysPerPiece = modes.PieceSizeMax / (board.KeyLenMax + 32)
)

// rehearse steps the mode of an order through the beginning of its life, on
// every replica that is hosted here, with the board as it is now. Nobody hears
// what it says: its effects are looked at and forgotten, its state machines
// ended.
func (p *process) rehearse(ctx context.Context, running *modeplugin.Process, o *topologies.Order) error {
	for _, l := range p.loops {
		if err := l.rehearse(ctx, running, o); err != nil {
			return fmt.Errorf("mode %s: its rehearsal on %s: %w", o.Mode.Name, l.self.Name, err)
		}
	}
	return nil
}

func (l *loop) rehearse(ctx context.Context, running *modeplugin.Process, o *topologies.Order) error {
	keys, from, err := l.disk.Keys(2 * board.KeyCountMax)
	if err != nil {
		return fmt.Errorf("read the keys: %w", err)
	}
	start, err := l.startNow(ctx, o)
	if err != nil {
		return err
	}
	start.KeysFrom = from
	machine, err := running.Open(l.self.ID)
	if err != nil {
		return err
	}
	defer machine.Close()
	defer context.AfterFunc(ctx, func() { machine.Close() })()

	r := rehearsal{running: running, machine: machine, replicas: start.Replicas}
	for piece := range slices.Chunk(keys, keysPerPiece) {
		if err := r.step("keys of the past", modes.Keys{Keys: piece}); err != nil {
			return err
		}
	}
	if err := r.step("its start", *start); err != nil {
		return err
	}
	if err := r.step("its peers", r.peersUp(l.self.ID)...); err != nil {
		return err
	}
	article := board.Article{Author: "rehearsal", Title: "rehearsal", Time: time.Now().UnixNano()}
	if err := r.step("a post", modes.Request{ID: 1, Verb: modes.VerbPost, Article: article, Deadline: time.Minute}); err != nil {
		return err
	}
	if err := r.step("a read", modes.Request{ID: 2, Verb: modes.VerbRead, Deadline: time.Minute}); err != nil {
		return err
	}
	return r.reported()
}

// startNow is the Start that the mode would be given if its epoch began now. It
// is asked for after the keys: no key lies beyond its board.
func (l *loop) startNow(ctx context.Context, o *topologies.Order) (*modes.Start, error) {
	start := make(chan *modes.Start, 1)
	l.in.put(func() {
		start <- &modes.Start{
			Epoch: o.Epoch, Incarnation: l.host.Incarnation() + 1, Seed: l.process.config.Seed, Options: o.Mode.Options,
			Self: l.self.ID, Replicas: l.process.ids, Voters: l.process.voters(), Board: l.host.Vector(), Served: true,
		}
	})
	select {
	case s := <-start:
		return s, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// rehearsal is one replica's.
type rehearsal struct {
	running  *modeplugin.Process
	machine  *modeplugin.Machine
	replicas []board.ReplicaID
	batch    modes.Batch // the last one
	reports  bool        // it has told its status
}

func (r *rehearsal) peersUp(self board.ReplicaID) []modes.Event {
	var events []modes.Event
	for _, id := range r.replicas {
		if id != self {
			events = append(events, modes.PeerUp{Peer: id})
		}
	}
	return events
}

// step has the mode handle one batch, and looks at what it wants done.
func (r *rehearsal) step(what string, events ...modes.Event) error {
	if len(events) == 0 {
		return nil
	}
	r.batch = modes.Batch{Number: r.batch.Number + 1, Now: r.batch.Now + time.Millisecond, Events: events}
	late := time.AfterFunc(rehearsalStepMax, func() { r.machine.Close() })
	effects, err := r.machine.Step(r.batch)
	if !late.Stop() {
		return fmt.Errorf("no answer to %s within %v", what, rehearsalStepMax)
	}
	if err == nil {
		err = wellFormed(effects, r.replicas)
	}
	if err != nil {
		return fmt.Errorf("at %s: %w", what, causeOf(r.running, err))
	}
	for _, effect := range effects.List {
		switch e := effect.(type) {
		case modes.Halt:
			return fmt.Errorf("at %s it halts: %s", what, e.Why)
		case modes.Report:
			r.reports = true
		}
	}
	return nil
}

// reported refuses a mode that has not told how it is. One that never does never
// serves, and once it runs everywhere nothing is left that could be swapped back.
func (r *rehearsal) reported() error {
	if r.reports {
		return nil
	}
	return errors.New("it has reported no status by the end: one that never reports never serves")
}
