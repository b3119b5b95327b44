package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"rsc.io/script"
)

// The words of scripts as a shell has them: what they print is for a person.

// help is that of scripts, and what only a shell has.
func (sh *shell) help(_ *script.State, args ...string) (script.WaitFunc, error) {
	return func(*script.State) (string, string, error) {
		var told bytes.Buffer
		var err error
		if len(args) == 1 && args[0] == "exit" {
			fmt.Fprint(&told, "exit [CODE]\n    end the shell, with the exit code of the last line or with CODE. Ctrl-D does the same.\n    example: exit\n")
		} else {
			err = tellWords(&told, args)
		}
		if len(args) == 0 {
			fmt.Fprint(&told, "exit ends the shell. Texts with spaces stand in single quotes: post -t 'First' 'hello world'\n")
		}
		_, printing := sh.console.Stdout.Write(told.Bytes())
		return told.String(), "", errors.Join(err, unprinted(printing))
	}, nil
}

// captured prints what was captured, and not what it was found in.
func (sh *shell) captured(word script.Cmd) script.Cmd {
	return script.Command(*word.Usage(), func(s *script.State, args ...string) (script.WaitFunc, error) {
		wait, err := word.Run(s, args...)
		if wait == nil {
			return nil, err
		}
		return func(s *script.State) (string, string, error) {
			stdout, stderr, err := wait(s)
			sh.ids.note(stdout)
			fmt.Fprint(sh.console.Stderr, stderr)
			if err == nil {
				value, _ := s.LookupEnv(args[0]) // it is set
				_, err = fmt.Fprintf(sh.console.Stdout, "%s=%s\n", args[0], inertLines(value))
				err = unprinted(err)
			}
			return stdout, stderr, err
		}, nil
	})
}

// shown prints what a word has printed, when it has ended.
func (sh *shell) shown(word script.Cmd) script.Cmd {
	return script.Command(*word.Usage(), func(s *script.State, args ...string) (script.WaitFunc, error) {
		wait, err := word.Run(s, args...)
		if wait == nil {
			return nil, err
		}
		return func(s *script.State) (string, string, error) {
			stdout, stderr, err := wait(s)
			sh.ids.note(stdout)
			fmt.Fprint(sh.console.Stderr, stderr)
			if _, printing := io.WriteString(sh.console.Stdout, stdout); printing != nil {
				err = errors.Join(err, unprinted(printing))
			}
			return stdout, stderr, err
		}, nil
	})
}

// direct is a command that speaks to the user while it runs.
func (sh *shell) direct(name string) script.Cmd {
	return script.Command(script.CmdUsage{Async: true}, func(s *script.State, args ...string) (script.WaitFunc, error) {
		return func(s *script.State) (string, string, error) {
			stdout, stderr := &kept{to: sh.console.Stdout}, &kept{to: sh.console.Stderr}
			world := sh.console.World
			world.Stdout, world.Stderr, world.Dir, world.Now = stdout, stderr, s.Getwd(), sh.now
			if sh.player.stdin != nil { // the word stdin has said so
				world.Stdin, world.Typed, sh.player.stdin = bytes.NewReader(sh.player.stdin), false, nil
			}
			code := Main(sh.ctx, world, slices.Concat([]string{name}, sh.spokenTo(), args))
			sh.ids.note(stdout.String())
			return stdout.String(), stderr.String(), performed{stdout.String(), stderr.String(), code}.err()
		}, nil
	})
}

// spokenTo are the flags that were given to the shell, for its commands.
func (sh *shell) spokenTo() []string {
	var flags []string
	for flag, given := range map[string]bool{"--json": sh.console.JSON, "--quiet": sh.console.Quiet, "--verbose": sh.console.Verbose} { // their order does not matter
		if given {
			flags = append(flags, flag)
		}
	}
	return flags
}

// keptMax is how much of what a command prints is kept for the words stdout,
// stderr and cmp. A command may print for as long as it runs.
const keptMax = 1 << 20

// kept passes on what is written and keeps the first of it.
type kept struct {
	to io.Writer
	strings.Builder
}

func (k *kept) Write(b []byte) (int, error) {
	if room := keptMax - k.Len(); room > 0 {
		k.Builder.Write(b[:min(room, len(b))])
	}
	return k.to.Write(b)
}
