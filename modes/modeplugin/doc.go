// Package modeplugin runs modes in processes of their own.
//
// An author's main is one line, and replicad's side is three:
//
//	func main() { modeplugin.Serve(mymode.Describe(), mymode.New) }
//
//	process, err := modeplugin.Launch(ctx, modeplugin.LaunchConfig{...})
//	machine, err := process.Open(1)
//	effects, err := machine.Step(batch)
//
// Two channels join host and plugin:
//
//	replicad                                            mode plugin
//	┌──────────────┐   gRPC: describe, health, control   ┌──────────────┐
//	│   Process    │ ──────── unix socket, mTLS ───────> │    Serve     │
//	│              │                                     │              │
//	│   Machine r1 │ <── unix socket: Batch, Effects ──> │  Mode of r1  │
//	│   Machine r2 │ <── unix socket: Batch, Effects ──> │  Mode of r2  │
//	└──────────────┘                                     └──────────────┘
//
// gRPC (HashiCorp's go-plugin) starts the process, proves both sides to each
// other and watches it. Batches take the short way: frames on one socket per
// replica, a third of the time of a gRPC stream. mode.proto describes both, for
// modes in any language.
//
// # Who ends when
//
// A plugin lives as long as its host wants it, and no longer: it ends when the
// control stream ends, when its lifeline (a pipe that only the host holds)
// closes, and, on Linux, by SIGKILL when the host dies. A mode that panics
// takes its process along; its stack comes to the host by stderr. A replica's
// socket closing ends that state machine only.
//
// Nothing outlives its use: the sockets, and the copy of a third party's
// binary, are removed as soon as both sides are connected, so that even a host
// that is SIGKILLed leaves none behind.
package modeplugin
