package cli

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/alecthomas/kong"
	"rsc.io/script"
)

// Words that stand before a command, and before each other: eventually 3s 'x'
// at r2 as ann read.

// operands is how many arguments stand between such a word and the command.
// ok is false for a word that has no command behind it.
func (p *player) operands(word string, args []string) (count int, ok bool) {
	switch word {
	case "refused", "unknown":
		return 0, true
	case "at", "as", "exits":
		return 1, true
	case "eventually", "never":
		return 2, true
	case "capture":
		if p.hasPath(args) {
			return 2, true
		}
		return 1, true
	}
	return 0, false
}

// commandAt finds the command behind all words that stand before it;
// len(args): there is none.
func (p *player) commandAt(args []string) int {
	at := 0
	for at < len(args) {
		skip, before := p.operands(args[at], args[at+1:])
		if !before {
			return at
		}
		at += 1 + skip
	}
	return len(args)
}

// regexps tells the engine which arguments of a line are regular expressions:
// there the values of variables stand for themselves.
func (p *player) regexps(word string) func(raw ...string) []int {
	return func(raw ...string) []int {
		var found []int
		name, at := word, 0
		for {
			skip, before := p.operands(name, raw[at:])
			if !before {
				break
			}
			if name == "eventually" || name == "never" {
				found = append(found, at+1)
			}
			if at += skip; at >= len(raw) {
				return found
			}
			name, at = raw[at], at+1
		}
		command := p.engine.Cmds[name]
		if name == word || command == nil || command.Usage().RegexpArgs == nil {
			return found
		}
		for _, i := range command.Usage().RegexpArgs(raw[at:]...) {
			found = append(found, at+i)
		}
		return found
	}
}

// ask makes the word that gives the command behind it a flag: at, as.
func (p *player) ask(flag string) script.Cmd {
	doc := mustDoc(flag)
	usage := script.CmdUsage{Args: doc.Grammar, Summary: doc.Meaning, Async: true, RegexpArgs: p.regexps(flag)}
	return script.Command(usage, func(s *script.State, args ...string) (script.WaitFunc, error) {
		if len(args) < 2 {
			return nil, errWords
		}
		line := slices.Clone(args[1:])
		at := p.commandAt(line)
		if at >= len(line) {
			return nil, errWords
		}
		if !hasFlag(line[at:], flag) {
			return nil, fmt.Errorf("%s asks no replica: it cannot stand behind %s", line[at], flag)
		}
		line = append(line[:at:at], give(line[at:], "--"+flag, args[0])...)
		command, err := p.find(line[0])
		if err != nil {
			return nil, err
		}
		wait, err := command.Run(s, line[1:]...)
		if wait == nil || command.Usage().Async {
			return wait, err
		}
		stdout, stderr, err := wait(s) // it cannot go on in the background
		return func(*script.State) (string, string, error) { return stdout, stderr, err }, nil
	})
}

// leafOf finds the command that a line is for, below others as in mode swap,
// and how many words name it; nil: none of the command line.
func leafOf(args []string) (leaf *kong.Node, named int) {
	leaf = commandLine()
	for named < len(args) {
		i := slices.IndexFunc(leaf.Children, func(n *kong.Node) bool { return n.Name == args[named] })
		if i < 0 {
			break
		}
		leaf, named = leaf.Children[i], named+1
	}
	if named == 0 {
		return nil, 0
	}
	if leaf.DefaultCmd != nil {
		leaf = leaf.DefaultCmd
	}
	return leaf, named
}

// hasFlag reports whether a command knows a flag.
func hasFlag(args []string, flag string) bool {
	if len(args) > 1 && args[0] == "load" {
		return args[1] == "start" && slices.Contains(loadFlagNames, flag)
	}
	leaf, _ := leafOf(args)
	for node := leaf; node != nil; node = node.Parent { // kong's AllFlags writes to the model, which sections share
		if slices.ContainsFunc(node.Flags, func(f *kong.Flag) bool { return f.Name == flag }) {
			return true
		}
	}
	return false
}

// give puts more arguments right behind a command's name, where nothing ends
// the flags.
func give(args []string, more ...string) []string {
	_, named := leafOf(args)
	if args[0] == "load" {
		named = 2
	}
	named = min(max(1, named), len(args))
	return slices.Concat(args[:named], more, args[named:])
}

func (p *player) find(name string) (script.Cmd, error) {
	if command := p.engine.Cmds[name]; command != nil {
		return command, nil
	}
	return nil, fmt.Errorf("there is no word %q: help lists them", name)
}

// carryOut gives any command that scripts know.
func (p *player) carryOut(s *script.State, args []string) (stdout, stderr string, err error) {
	command, err := p.find(args[0])
	if err != nil {
		return "", "", err
	}
	wait, err := command.Run(s, args[1:]...)
	if wait == nil {
		return "", "", err
	}
	return wait(s)
}

func (p *player) exits(s *script.State, args []string) (string, string, error) {
	if len(args) < 2 {
		return "", "", errWords
	}
	code, err := strconv.Atoi(args[0])
	if err != nil {
		return "", "", fmt.Errorf("exit code %q: want a number", args[0])
	}
	return p.mustExit(ExitCode(code))(s, args[1:])
}

func (p *player) mustExit(want ExitCode) wordFunc {
	return func(s *script.State, args []string) (string, string, error) {
		if len(args) == 0 {
			return "", "", errWords
		}
		stdout, stderr, err := p.carryOut(s, args)
		code, ended := exitOf(err)
		switch {
		case !ended:
			return stdout, stderr, err
		case code == want:
			return stdout, stderr, nil
		}
		return stdout, stderr, &mismatch{want: fmt.Sprintf("exit status %d", want), got: try{stdout, stderr, err, false}.got()}
	}
}

// exitOf is the exit code of a command that ran; false: it did not run, or did
// not end by itself.
func exitOf(err error) (ExitCode, bool) {
	var (
		own   *badExit
		other interface { // of a program
			error
			ExitCode() int
		}
	)
	switch {
	case err == nil:
		return ExitOK, true
	case errors.As(err, &own):
		return own.code, true
	case errors.As(err, &other) && other.ExitCode() >= 0:
		return ExitCode(other.ExitCode()), true
	}
	return 0, false
}
