package cli

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/alecthomas/kong"
	"rsc.io/script"
)

func readerOf(text []byte) *bufio.Reader { return bufio.NewReader(bytes.NewReader(text)) }

// player gives a script its words: those of the command line, carried out in
// this process, and those that only scripts have (words.go; words_docs.go tells
// what they mean). One script uses it, or one section of a script, or a shell:
// one line at a time.
type player struct {
	console *Console
	engine  *script.Engine
	play    *play
	name    string   // author and session of who does not say otherwise; empty: the login name
	meeting *meeting // where a section meets the others; nil: it plays alone
	stdin   []byte   // of the next command
}

func newEngine(console *Console) *script.Engine { return newPlayer(console, new(play)).engine }

func newPlayer(console *Console, piece *play) *player {
	engine := &script.Engine{Cmds: script.DefaultCmds(), Conds: conditions(), Quiet: !console.Verbose}
	p := &player{console: console, engine: engine, play: piece}
	delete(engine.Cmds, "sleep") // wait for what is awaited: eventually
	engine.Cmds["exec"] = execute()
	for name, help := range commandNames() {
		engine.Cmds[name] = p.command(name, help)
	}
	maps.Copy(engine.Cmds, p.words())
	return p
}

// commandLine is the model of the command line.
var commandLine = sync.OnceValue(func() *kong.Node {
	return kong.Must(new(grammar), groups).Model.Node
})

// isWord reports whether scripts may give this command.
func isWord(command *kong.Node) bool {
	return command.Name != "run" && command.Name != "shell" // a stage cannot stand on another one
}

// commandNames lists the commands that scripts may use, with their help.
func commandNames() map[string]string {
	names := make(map[string]string)
	for _, command := range commandLine().Children {
		if isWord(command) {
			names[command.Name] = command.Help
		}
	}
	return names
}

// command is a command of the command line as a word of a script. With & it
// runs in the background until the script's end.
func (p *player) command(name, help string) script.Cmd {
	usage := script.CmdUsage{Summary: help, Args: "...", Detail: []string{"As on the command line: try " + name + " --help."}, Async: true}
	return script.Command(usage, func(s *script.State, args ...string) (script.WaitFunc, error) {
		done := make(chan performed, 1)
		run := p.prepare(s, append([]string{name}, args...))
		go func() { done <- run() }()
		return func(*script.State) (string, string, error) {
			r := <-done
			return r.stdout, r.stderr, r.err()
		}, nil
	})
}

// performed is how a command went.
type performed struct {
	stdout, stderr string
	code           ExitCode
}

func (r performed) err() error {
	if r.code == ExitOK {
		return nil
	}
	return &badExit{code: r.code, stderr: r.stderr}
}

// badExit is the end of a command that did not go well.
type badExit struct {
	code   ExitCode
	stderr string
}

func (e *badExit) Error() string { return fmt.Sprintf("exit status %d", e.code) }

// prepare takes from s what the command needs, for s must not be touched while
// the command runs.
func (p *player) prepare(s *script.State, args []string) func() performed {
	ctx, dir, stdin := s.Context(), s.Getwd(), p.stdin
	p.stdin = nil
	if message := p.play.forbids(args[0]); message != "" {
		return func() performed { return performed{stderr: message, code: ExitRefused} }
	}
	if p.name != "" && hasFlag(args, "as") && !slices.ContainsFunc(args, func(a string) bool { return a == "--as" || strings.HasPrefix(a, "--as=") }) {
		args = give(args, "--as", p.name)
	}
	return func() performed {
		return p.recorded(ctx, args, func() performed { return p.perform(ctx, dir, stdin, args) })
	}
}

func (p *player) perform(ctx context.Context, dir string, stdin []byte, args []string) performed {
	var stdout, stderr strings.Builder
	world := World{Stdin: bytes.NewReader(stdin), Stdout: &stdout, Stderr: &stderr, Dir: dir, Self: p.console.Self}
	code := Main(ctx, world, args)
	return performed{stdout.String(), stderr.String(), code}
}
