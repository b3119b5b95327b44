package cli

import (
	"slices"
	"strings"
)

// traceVerbs are what trace carries out.
var traceVerbs = []string{"post", "reply", "read", "choose", "sync"}

// flagsAlone are the flags that take no value, as far as they may stand before
// a verb.
var flagsAlone = []string{"--json", "--quiet", "-q", "--verbose", "-v", "--no-session", "--routine", "--all", "--fresh", "--help", "-h"}

// verbFirst puts the flags that stand between trace and its verb behind the
// verb, whose flags they are: trace --at r2 read.
func verbFirst(args []string) []string {
	command := nextWord(args, 0)
	if command >= len(args) || args[command] != "trace" {
		return args
	}
	verb := nextWord(args, command+1)
	if verb >= len(args) || verb == command+1 || !slices.Contains(traceVerbs, args[verb]) {
		return args
	}
	return slices.Concat(args[:command+1], args[verb:verb+1], args[command+1:verb], args[verb+1:])
}

// nextWord is where the next argument stands that is neither a flag nor a
// flag's value.
func nextWord(args []string, from int) int {
	for from < len(args) && strings.HasPrefix(args[from], "-") && args[from] != "--" {
		valued := !strings.Contains(args[from], "=") && !slices.Contains(flagsAlone, args[from])
		if from++; valued {
			from++
		}
	}
	return from
}
