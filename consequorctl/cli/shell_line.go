package cli

import (
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
