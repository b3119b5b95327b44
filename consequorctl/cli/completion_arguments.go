package cli

import (
	"strings"

	"github.com/alecthomas/kong"

	"consequor/topologies"
)

// argumentKind says what may stand somewhere on a command line, for completion:
// in a shell's functions (completion.go), and in our own shell
// (shell_complete.go).
type argumentKind int

const (
	nothing     argumentKind = iota
	someFile                 // of the folder
	someReplica              // r1
	someSide                 // r1, coordinator, backup, rest: an end of a link
	someTarget               // r1, coordinator, backup, and their plugins
	someLog                  // r1, supervisor
	someMode
	someSample // a topology that comes with the program, or a file
	someArticle
	someCluster
)

// argumentsOf is what may stand in each place behind a command, by its place;
// the last one stands for all that follow if there may be several.
func argumentsOf(command *kong.Node) []argumentKind {
	path := strings.TrimPrefix(command.Path(), "consequorctl ")
	switch strings.Fields(path)[0] {
	case "kill", "stop", "pause", "resume", "restart":
		return []argumentKind{someTarget}
	case "cut", "delay", "loss", "heal":
		return []argumentKind{someSide, someSide}
	case "diff":
		return []argumentKind{someReplica, someReplica}
	case "logs":
		return []argumentKind{someLog}
	case "up", "validate":
		return []argumentKind{someSample}
	case "reply", "choose":
		return []argumentKind{someArticle}
	case "run", "check":
		return []argumentKind{someFile}
	}
	switch path {
	case "mode show", "mode swap":
		return []argumentKind{someMode}
	case "trace reply", "trace choose":
		return []argumentKind{someArticle}
	case "record start", "record stop":
		return []argumentKind{someFile}
	}
	return nil
}

// argumentAt is what may stand behind a command and n arguments.
func argumentAt(command *kong.Node, n int) argumentKind {
	kinds := argumentsOf(command)
	switch {
	case n < len(kinds):
		return kinds[n]
	case len(kinds) > 0 && len(command.Positional) > 0 && command.Positional[len(command.Positional)-1].IsCumulative():
		return kinds[len(kinds)-1]
	}
	return nothing
}

// fixedAt lists the words that may stand behind a command and n arguments if
// only certain ones may.
func fixedAt(command *kong.Node, n int) []string {
	if n == 0 && len(command.Children) > 0 {
		return namesBelow(command)
	}
	if n < len(command.Positional) && command.Positional[n].Enum != "" {
		return strings.Split(command.Positional[n].Enum, ",")
	}
	return nil
}

func namesBelow(command *kong.Node) []string {
	var names []string
	for _, child := range command.Children {
		if !child.Hidden {
			names = append(names, child.Name)
		}
	}
	return names
}

// flagValues is what may stand behind a flag.
var flagValues = map[string]argumentKind{
	"--at": someReplica, "--cluster": someCluster, "--mode": someMode, "--report": someFile, "--record": someFile,
	"--history": someFile, "--junit": someFile, "--porcupine": someFile,
}

// words lists what of a kind is the same everywhere.
func (k argumentKind) words() []string {
	switch k {
	case someTarget:
		return []string{"coordinator", "backup"}
	case someSide:
		return []string{"coordinator", "backup", "rest"}
	case someLog:
		return []string{"supervisor"}
	case someSample:
		return topologies.Samples()
	}
	return nil
}

// replicas reports whether replicas' names are of the kind.
func (k argumentKind) replicas() bool {
	return k == someReplica || k == someSide || k == someTarget || k == someLog
}
