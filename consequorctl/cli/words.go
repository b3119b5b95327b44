package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"rsc.io/script"
)

// words are what scripts can say beyond the command line. words_docs.go tells
// what they mean.
func (p *player) words() map[string]script.Cmd {
	words := map[string]script.Cmd{
		"at":           p.ask("at"),
		"as":           p.ask("as"),
		"sessions":     p.sessions(),
		"help":         word("help", p.help),
		"skip":         p.skip(),
		"stdin":        word("stdin", p.setStdin),
		"barrier":      word("barrier", p.barrier),
		"load":         word("load", p.loads),
		"boards-equal": word("boards-equal", p.boardsEqual),
		"equal":        word("equal", equal),
		"fill":         word("fill", fill),
		"sum":          word("sum", sum),
		"expand":       word("expand", expand),
		"flip":         word("flip", flip),
		"gone":         word("gone", gone),
		"alive":        word("alive", alive),
		"signal":       word("signal", signalTo),
		"garbage":      word("garbage", garbage),
		"stranger":     word("stranger", stranger),
		"processes":    word("processes", processes),
		"barren":       word("barren", barren),
	}
	for name, run := range map[string]wordFunc{
		"eventually": p.eventually, "never": p.never, "capture": p.capture, "exits": p.exits,
		"refused": p.mustExit(ExitRefused), "unknown": p.mustExit(ExitUnknown),
	} {
		words[name] = matcher(name, p.regexps(name), run)
	}
	for name, own := range script.DefaultCmds() {
		switch name {
		case "stdout", "stderr", "grep":
			words[name] = matching(name, own)
		case "cmp":
			words[name] = p.comparing(own)
		}
	}
	return words
}

// errWords says that a word was used wrongly.
var errWords = script.ErrUsage

type wordFunc func(s *script.State, args []string) (stdout, stderr string, err error)

func word(name string, run wordFunc) script.Cmd { return matcher(name, nil, run) }

// matcher makes a word some of whose arguments are regular expressions.
func matcher(name string, regexps func(raw ...string) []int, run wordFunc) script.Cmd {
	doc := mustDoc(name)
	usage := script.CmdUsage{Args: doc.Grammar, Summary: doc.Meaning, RegexpArgs: regexps}
	return script.Command(usage, func(s *script.State, args ...string) (script.WaitFunc, error) {
		return func(s *script.State) (string, string, error) { return run(s, args) }, nil
	})
}

func mustDoc(name string) wordDoc {
	for _, d := range ownWords {
		if d.Name == name {
			return d
		}
	}
	panic("cli: no word says what " + name + " means")
}

// help shows at once what it tells: the log is only shown when a script fails.
func (p *player) help(_ *script.State, args []string) (string, string, error) {
	var told strings.Builder
	err := tellWords(&told, args)
	if p.meeting == nil { // sections would talk all at once
		fmt.Fprint(p.console.Stderr, told.String())
	}
	return told.String(), "", err
}

// skip ends a script that cannot be played here, which is no failure; why is
// said outside of its log too.
func (p *player) skip() script.Cmd {
	stop := script.Stop()
	return script.Command(script.CmdUsage{Args: mustDoc("skip").Grammar, Summary: mustDoc("skip").Meaning}, func(s *script.State, args ...string) (script.WaitFunc, error) {
		if len(args) != 1 {
			return nil, errWords
		}
		if p.meeting != nil {
			return nil, errors.New("a section cannot skip its script: skip before sessions")
		}
		p.play.skip(args[0])
		p.console.Note("skipped: %s", inertLine(args[0]))
		return stop.Run(s, args...)
	})
}

// conditions are what a script can ask for in brackets beyond what every script
// can: [exec:node] holds where there is a program of that name.
func conditions() map[string]script.Cond {
	conds := script.DefaultConds()
	conds["exec"] = script.PrefixCondition("there is a program of this name in $PATH", func(s *script.State, name string) (bool, error) {
		path, _ := s.LookupEnv("PATH")
		for _, dir := range filepath.SplitList(path) {
			if info, err := os.Stat(filepath.Join(dir, name)); err == nil && !info.IsDir() && info.Mode()&0o111 != 0 {
				return true, nil
			}
		}
		return false, nil
	})
	return conds
}
