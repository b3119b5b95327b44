package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"
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

// completion offers commands, and after a command its flags; files always.
func completion(shell string, grammar *kong.Node) string {
	var b strings.Builder
	if shell == "zsh" {
		b.WriteString("autoload -U +X bashcompinit && bashcompinit\n")
	}
	var names []string
	b.WriteString("_consequorctl() {\n\tlocal words command=${COMP_WORDS[1]} current=${COMP_WORDS[COMP_CWORD]}\n\tcase $command in\n")
	for _, command := range grammar.Children {
		names = append(names, command.Name)
		fmt.Fprintf(&b, "\t%s) words='%s' ;;\n", command.Name, strings.Join(offers(command), " "))
	}
	b.WriteString("\tesac\n")
	fmt.Fprintf(&b, "\t[ \"$COMP_CWORD\" = 1 ] && words='%s'\n", strings.Join(names, " "))
	b.WriteString("\tCOMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n}\n")
	b.WriteString("complete -o default -F _consequorctl consequorctl\n")
	return b.String()
}

func offers(command *kong.Node) []string {
	var words []string
	for _, child := range command.Children {
		words = append(words, child.Name)
	}
	for _, flags := range command.AllFlags(true) {
		for _, flag := range flags {
			words = append(words, "--"+flag.Name)
		}
	}
	return words
}
