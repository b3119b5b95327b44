package modetest

import (
	"consequor/board"
	"consequor/modes"
	"consequor/modes/modeplugin"
)

// Machine is one replica's state machine, wherever it runs.
type Machine interface {
	Step(batch modes.Batch) (*modes.Effects, error)
	Close() error
}

// Launcher starts a fresh state machine for a replica.
type Launcher func(replica board.ReplicaID) (Machine, error)

// Direct runs modes in this goroutine.
func Direct(newMode func() modes.Mode) Launcher {
	return func(board.ReplicaID) (Machine, error) { return direct{newMode()}, nil }
}

type direct struct{ mode modes.Mode }

func (d direct) Step(batch modes.Batch) (*modes.Effects, error) {
	var out modes.Effects
	d.mode.Step(batch, &out)
	return &out, nil
}

func (d direct) Close() error { return nil }

// Socket runs modes in this process, behind sockets and the plugins' codec.
func Socket(newMode func() modes.Mode) Launcher {
	return func(replica board.ReplicaID) (Machine, error) { return modeplugin.InProcess(replica, newMode()) }
}

// Plugin runs modes in a plugin's process.
func Plugin(process *modeplugin.Process) Launcher {
	return func(replica board.ReplicaID) (Machine, error) { return process.Open(replica) }
}
