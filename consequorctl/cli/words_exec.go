package cli

import (
	"os"
	"os/exec"
	"time"

	"rsc.io/script"
)

// execGrace is how long a program of a script may take to end when the script
// has, and how long its output may take to come when it has ended by itself: on
// a busy machine more than the tenth of a second that scripts give by default.
const execGrace = 5 * time.Second

// execute runs any program of the machine.
func execute() script.Cmd {
	return script.Exec(func(program *exec.Cmd) error { return program.Process.Signal(os.Interrupt) }, execGrace)
}
