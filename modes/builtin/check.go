package builtin

import (
	"fmt"

	"consequor/modes"
	"consequor/modes/quorum"
	"consequor/modes/readyourwrite"
)

// Check says what speaks against running the built-in mode of this name with
// these options on so many replicas, before anything is started: the error is
// what the mode itself would refuse to run with, the warning what its user may
// not have meant. Errors about single options are modes.OptionErrors, joined.
func Check(name string, options []modes.Option, replicas int) (warning string, err error) {
	switch name {
	case "sequential":
		if replicas > 0 && replicas%2 == 0 {
			warning = fmt.Sprintf("%d replicas survive no more deaths than %d do: an even number has no use in mode sequential", replicas, replicas-1)
		}
	case "quorum":
		if replicas == 2 {
			warning = "2 replicas: one dead stops posts in mode quorum; 3 replicas bear one death"
		}
		err = quorum.Check(options, replicas)
	case "read-your-write":
		err = readyourwrite.Check(options, replicas)
	case ExhibitName:
		err = checkExhibit(options)
	}
	return warning, err
}
