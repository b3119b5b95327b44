package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/alecthomas/kong"
	"rsc.io/script"
)

// shell carries out lines. Commands speak to the user directly, while they run;
// what other words print is shown when they have ended. One goroutine uses it.
type shell struct {
	console *Console
	player  *player         // its engine keeps what commands print for the word before them
	engine  *script.Engine  // of what stands first on a line
	base    context.Context // of the shell
	state   *script.State
	cancel  context.CancelFunc // of the state
	ids     articleIDs

	// Of the line under way.
	ctx context.Context
	now <-chan struct{}

	code  ExitCode // of the last line
	ended bool     // exit was said
}

func newShell(ctx context.Context, console *Console) (*shell, error) {
	sh := &shell{console: console, base: ctx, player: newPlayer(console, &play{path: "shell"})}
	sh.engine = &script.Engine{Cmds: make(map[string]script.Cmd), Conds: sh.player.engine.Conds, Quiet: true}
	for name, command := range sh.player.engine.Cmds {
		sh.engine.Cmds[name] = sh.shown(command)
	}
	for _, command := range commandLine().Children {
		if command.Name != "shell" {
			sh.engine.Cmds[command.Name] = sh.direct(command.Name)
		}
	}
	delete(sh.engine.Cmds, "skip") // there is nothing to skip
	sh.engine.Cmds["capture"] = sh.captured(sh.player.engine.Cmds["capture"])
	sh.engine.Cmds["help"] = script.Command(script.CmdUsage{}, sh.help)
	return sh, sh.begin(console.Dir, os.Environ())
}

// begin makes the state of the lines to come.
func (sh *shell) begin(dir string, env []string) error {
	var ctx context.Context
	ctx, sh.cancel = context.WithCancel(sh.base)
	state, err := script.NewState(ctx, dir, env)
	if err != nil {
		sh.cancel()
		return fmt.Errorf("start the shell in %s: %w", dir, err)
	}
	sh.state = state
	return nil
}

// close ends what still runs in the background; a load is judged.
func (sh *shell) close(ctx context.Context) error {
	err := sh.player.play.end(ctx, true)
	_ = sh.state.CloseAndWait(io.Discard) // what was in the background is ended: that it was is no news
	sh.cancel()
	return err
}

// take carries out one line. When ctx ends, so does the line; now is closed
// when that may not take its time any more.
func (sh *shell) take(ctx context.Context, now <-chan struct{}, line string) {
	line = strings.TrimSpace(line)
	if line == "" || strings.HasPrefix(line, "#") {
		return
	}
	if sh.exits(line) {
		return
	}
	sh.ctx, sh.now = ctx, now
	engine := sh.engine
	if strings.HasSuffix(line, "&") {
		engine = sh.player.engine // it must not speak while the user types
	}
	stop := context.AfterFunc(ctx, func() {
		if !sh.isDirect(line) {
			sh.cancel()
		}
	})
	err := engine.Execute(sh.state, "shell", readerOf([]byte(line)), io.Discard)
	if !stop() && sh.state.Context().Err() != nil {
		err = errors.Join(context.Canceled, sh.renew())
	}
	sh.tell(err)
	if sh.code == ExitUsage && strings.Contains(line, `"`) {
		sh.console.Note("hint: texts with spaces stand in single quotes here: post -t 'First' 'hello world'")
	}
}

// renew follows a line that was interrupted: a state that has ended carries out
// nothing more. Variables and folder stay.
func (sh *shell) renew() error {
	env, dir := sh.state.Environ(), sh.state.Getwd()
	_ = sh.state.CloseAndWait(io.Discard)
	return sh.begin(dir, env)
}

// isDirect reports whether a line is a command's, which ends with its own
// context.
func (sh *shell) isDirect(line string) bool {
	word, _, _ := strings.Cut(line, " ")
	return isCommand(word)
}

func isCommand(word string) bool {
	return slices.ContainsFunc(commandLine().Children, func(n *kong.Node) bool { return n.Name == word })
}

// exits takes the words that end the shell.
func (sh *shell) exits(line string) bool {
	words := strings.Fields(line)
	if words[0] != "exit" && words[0] != "quit" {
		return false
	}
	if len(words) > 1 {
		code, err := strconv.Atoi(words[1])
		if err != nil || code < 0 || code > 255 || len(words) > 2 {
			sh.tell(usagef("exit: want one number from 0 to 255, or none"))
			return true
		}
		sh.code = ExitCode(code)
	}
	sh.ended = true
	return true
}

// tell says how a line ended, unless the command has done so itself.
func (sh *shell) tell(err error) {
	sh.code = ExitOK
	if err == nil {
		return
	}
	var (
		exit    *badExit
		failure *Failure
		word    *script.CommandError
	)
	sh.code = ExitFailed
	switch {
	case errors.As(err, &exit):
		sh.code = exit.code // it was told when the command ended
		return
	case errors.As(err, &failure):
	case errors.Is(err, context.Canceled):
		failure = describe(err)
	case errors.As(err, &word):
		failure = sh.describe(word)
	default: // the line could not be read: the place is known
		failure = usagef("%s", strings.TrimPrefix(err.Error(), "shell:1: "))
	}
	sh.code = failure.Code
	sh.console.Fail(failure)
}

// describe tells what went wrong with a word.
func (sh *shell) describe(e *script.CommandError) *Failure {
	doc, known := docOf(e.Op)
	switch {
	case sh.engine.Cmds[e.Op] == nil:
		f := usagef("there is no word %q", e.Op)
		f.Hint = "help lists the words"
		return f
	case errors.Is(e.Err, errWords) && known:
		f := usagef("%s: want %s %s", e.Op, doc.Name, doc.Grammar)
		f.Hint = "for example: " + doc.Example
		return f
	}
	return failedf("%s: %v", e.Op, e.Err)
}

// words lists what may stand first on a line, sorted.
func (sh *shell) words() []string {
	words := append(slices.Collect(maps.Keys(sh.engine.Cmds)), "exit")
	slices.Sort(words)
	return words
}

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
