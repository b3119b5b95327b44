package cli

import (
	"fmt"
	"io"
	"maps"
	"slices"
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

// Help is what --help tells beyond the flags.
func (c *completionCmd) Help() string {
	return `For example, in ~/.bashrc:  source <(consequorctl completion bash)
             or in ~/.zshrc:   source <(consequorctl completion zsh)

It completes commands, flags, and what stands behind them: replicas, modes, topologies, files.`
}

func (c *completionCmd) Run(console *Console, command *kong.Context) error {
	script := completion(c.Shell, command.Model.Node)
	return console.Result(completionResult{c.Shell, script}, func(w io.Writer) { fmt.Fprint(w, script) })
}

// completion offers commands, and those below them; after one its flags to what
// begins with -, else the words that stand in that place. Where there are none,
// the shell offers files. The function finds first which command the line is
// for ($path), and how many arguments of it stand before the one to complete.
func completion(shell string, grammar *kong.Node) string {
	var b strings.Builder
	if shell == "zsh" {
		b.WriteString("autoload -U +X bashcompinit && bashcompinit\n")
	}
	all := commandsBelow(grammar, "")
	fmt.Fprintf(&b, completionFinds, strings.Join(valueFlags(all), "|"), patterns(all))
	fmt.Fprintf(&b, "\tcase \"$path $count\" in\n\t' 0') words='%s' ;;\n", strings.Join(namesBelow(grammar), " "))
	for _, c := range all {
		writePlaces(&b, c)
	}
	fmt.Fprintf(&b, "\tesac\n\tcase $path in\n\t'') flags='%s' ;;\n", strings.Join(flagsOf(grammar), " "))
	for _, c := range all {
		fmt.Fprintf(&b, "\t'%s') flags='%s' ;;\n", c.path, strings.Join(flagsOf(c.node), " "))
	}
	b.WriteString("\tesac\n\tcase $previous in\n")
	for _, flag := range slices.Sorted(maps.Keys(flagValues)) {
		fmt.Fprintf(&b, "\t%s) words=\"%s\" ;;\n", flag, flagValues[flag].inShell())
	}
	b.WriteString(completionOffers)
	return b.String()
}

const completionFinds = `_consequorctl() {
	local words flags path= count=0 i word previous= current=${COMP_WORDS[COMP_CWORD]}
	for ((i = 1; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		case $previous in %s) previous= && continue ;; esac
		previous=$word
		case $word in -*) continue ;; esac
		case "$path $word" in
		%s) [ $count = 0 ] && path=${path:+$path }$word ;;
		*) count=$((count + 1)) ;;
		esac
	done
`

const completionOffers = `	esac
	case $current in -*) words=$flags ;; esac
	COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _consequorctl consequorctl
`

// pathed is a command with the words that name it.
type pathed struct {
	path string
	node *kong.Node
}

// commandsBelow lists all commands, those below others behind these.
func commandsBelow(node *kong.Node, path string) []pathed {
	var all []pathed
	for _, child := range node.Children {
		if child.Hidden {
			continue
		}
		below := strings.TrimSpace(path + " " + child.Name)
		all = append(all, pathed{below, child})
		all = append(all, commandsBelow(child, below)...)
	}
	return all
}

// patterns are what "$path $word" is when the word names a command.
func patterns(all []pathed) string {
	var b strings.Builder
	for i, c := range all {
		above, name := "", c.path
		if at := strings.LastIndexByte(c.path, ' '); at >= 0 {
			above, name = c.path[:at], c.path[at+1:]
		}
		if i > 0 {
			b.WriteByte('|')
		}
		fmt.Fprintf(&b, "'%s %s'", above, name)
	}
	return b.String()
}

// writePlaces writes the words that may stand behind a command.
func writePlaces(b *strings.Builder, c pathed) {
	const placesMax = 3
	for n := range placesMax {
		words := strings.Join(fixedAt(c.node, n), " ")
		if words == "" {
			words = argumentAt(c.node, n).inShell()
		}
		if words != "" {
			fmt.Fprintf(b, "\t'%s %d') words=\"%s\" ;;\n", c.path, n, words)
		}
	}
}

// inShell lists the words of a kind as a shell puts them between double quotes.
// It never asks a board: to look may bring one up to date.
func (k argumentKind) inShell() string {
	words := k.words()
	switch {
	case k.replicas():
		words = append(words, "$(consequorctl status -q 2>/dev/null | sed '1d; s/ .*//')") // of the only cluster that runs
	case k == someMode:
		words = append(words, "$(consequorctl mode list -q 2>/dev/null)")
	}
	return strings.Join(words, " ")
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

// valueFlags lists the flags that have a word of their own behind them, sorted.
func valueFlags(all []pathed) []string {
	found := make(map[string]bool)
	for _, c := range all {
		for _, flag := range c.node.Flags {
			if flag.IsBool() || flag.IsCounter() {
				continue
			}
			found["--"+flag.Name] = true
			if flag.Short != 0 {
				found["-"+string(flag.Short)] = true
			}
		}
	}
	found["--cluster"] = true // of all commands
	return slices.Sorted(maps.Keys(found))
}
