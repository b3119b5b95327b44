package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"

	"consequor/topologies"
)

// completionCmd prints a few lines for a shell's start-up file.
type completionCmd struct {
	Shell string `arg:"" optional:"" enum:"bash,zsh" default:"bash" help:"bash or zsh."`
}

type completionResult struct {
	Shell  string `json:"shell"`
	Script string `json:"script"`
}

func (c *completionCmd) Run(console *Console, command *kong.Context) error {
	script := completion(c.Shell, command.Model.Node)
	return console.Result(completionResult{c.Shell, script}, func(w io.Writer) { fmt.Fprint(w, script) })
}

// completion offers commands, and those below them; after one its flags to what
// begins with -, else the words that stand there. Where there are none, the shell offers files.
func completion(shell string, grammar *kong.Node) string {
	var b strings.Builder
	if shell == "zsh" {
		b.WriteString("autoload -U +X bashcompinit && bashcompinit\n")
	}
	var names []string
	b.WriteString("_consequorctl() {\n\tlocal words flags command=${COMP_WORDS[1]} current=${COMP_WORDS[COMP_CWORD]}\n\tcase $command in\n")
	for _, command := range grammar.Children {
		names = append(names, command.Name)
		fmt.Fprintf(&b, "\t%s) words=\"%s\" flags='%s' ;;\n", command.Name, strings.Join(wordsAfter(command), " "), strings.Join(flagsOf(command), " "))
	}
	b.WriteString("\tesac\n")
	b.WriteString("\tcase \"$command ${COMP_WORDS[2]}\" in\n")
	for _, command := range grammar.Children {
		for _, child := range command.Children {
			fmt.Fprintf(&b, "\t'%s %s') [ \"$COMP_CWORD\" -gt 2 ] && words=\"%s\" flags='%s' ;;\n",
				command.Name, child.Name, strings.Join(wordsAfter(child), " "), strings.Join(flagsOf(child), " "))
		}
	}
	b.WriteString("\tesac\n")
	fmt.Fprintf(&b, "\t[ \"$COMP_CWORD\" = 1 ] && words='%s' flags='%s'\n", strings.Join(names, " "), strings.Join(flagsOf(grammar), " "))
	b.WriteString("\tcase $current in -*) words=$flags ;; esac\n")
	b.WriteString("\tCOMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n}\n")
	b.WriteString("complete -o default -F _consequorctl consequorctl\n")
	return b.String()
}

// replicaNames has the shell ask for the replicas of the only cluster that runs.
const replicaNames = "$(consequorctl status -q 2>/dev/null | sed '1d; s/ .*//')"

// modeNames has the shell ask for the modes that can be had.
const modeNames = "$(consequorctl mode list -q 2>/dev/null)"

// wordsAfter lists what a command's first argument may be, as the shell puts it
// between double quotes.
func wordsAfter(command *kong.Node) []string {
	if command.Parent.Name == "mode" && len(command.Positional) > 0 {
		return []string{modeNames}
	}
	switch command.Name {
	case "kill", "stop", "pause", "resume", "restart":
		return []string{"coordinator", "backup", replicaNames}
	case "logs":
		return []string{"supervisor", replicaNames}
	case "up", "validate":
		return topologies.Samples()
	case "completion":
		return []string{"bash", "zsh"}
	}
	var words []string
	for _, child := range command.Children {
		words = append(words, child.Name)
	}
	return words
}

func flagsOf(command *kong.Node) []string {
	var words []string
	for _, flags := range command.AllFlags(true) {
		for _, flag := range flags {
			words = append(words, "--"+flag.Name)
		}
	}
	return words
}
