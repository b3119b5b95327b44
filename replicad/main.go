// Replicad is one process of a consequor cluster: it hosts one or more
// replicas and owns their disk, peers, clients and time. consequorctl starts
// it, from its own binary; as a binary of its own it is for those who bring
// their own supervisor:
//
//	replicad --config FILE
package main

import (
	"fmt"
	"os"

	"consequor/modes/builtin"
	"consequor/modes/modeplugin"
	"consequor/replicad/replica"
)

func main() {
	args := os.Args[1:]
	if len(args) == 2 && args[0] == "mode-plugin" { // it starts itself as the plugin of a built-in mode
		entry, ok := builtin.Lookup(args[1])
		if !ok {
			fmt.Fprintf(os.Stderr, "replicad: no built-in mode is called %q\n", args[1])
			os.Exit(replica.ExitUsage)
		}
		modeplugin.Serve(entry.Description, entry.New)
		return
	}
	os.Exit(replica.Main([]string{"/proc/self/exe"}, args))
}
