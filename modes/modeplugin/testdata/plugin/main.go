// Command plugin is a mode plugin as a third party would write it.
package main

import (
	"consequor/modes"
	"consequor/modes/modeplugin"
)

func main() { modeplugin.Serve(modes.Description{Name: "parrot"}, newParrot) }

// parrot sends every message back.
type parrot struct{}

func newParrot() modes.Mode { return parrot{} }

func (parrot) Step(batch modes.Batch, out *modes.Effects) {
	for _, event := range batch.Events {
		if r, ok := event.(modes.Receive); ok {
			out.Send(r.From, r.Message)
		}
	}
}
