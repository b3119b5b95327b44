package cli

import (
	"fmt"
	"io"

	"consequor/modes/builtin"
	"consequor/modes/modeplugin"
	"consequor/replicad/replica"
)

// roles are what this one program is when it runs itself again: the supervisor
// starts replicas so, and a replica starts its mode. They have no grammar, for
// no person types them.
var roles = map[string]func(args []string, stderr io.Writer) int{
	"replicad":    beReplicad,
	"mode-plugin": serveMode,
}

// Role plays the role that args name; ok is false when they name none and are
// a command line for Main.
func Role(args []string, stderr io.Writer) (code int, ok bool) {
	if len(args) == 0 || roles[args[0]] == nil {
		return 0, false
	}
	return roles[args[0]](args[1:], stderr), true
}

func beReplicad(args []string, stderr io.Writer) int {
	self, err := Self()
	if err != nil {
		fmt.Fprintln(stderr, "replicad:", err)
		return int(ExitFailed)
	}
	return replica.Main([]string{self}, append([]string{"--supervised"}, args...))
}

func serveMode(args []string, stderr io.Writer) int {
	if len(args) != 1 {
		fmt.Fprintln(stderr, "usage: consequorctl mode-plugin NAME")
		return int(ExitUsage)
	}
	mode, ok := builtin.Lookup(args[0])
	if !ok {
		fmt.Fprintf(stderr, "mode-plugin: no mode %q is built in\n", args[0])
		return int(ExitUsage)
	}
	modeplugin.Serve(mode.Description, mode.New)
	return int(ExitOK)
}
