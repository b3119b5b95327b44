package cli

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"maps"
	"strings"

	"github.com/alecthomas/kong"
	"rsc.io/script"
)

func readerOf(text []byte) *bufio.Reader { return bufio.NewReader(bytes.NewReader(text)) }

// player gives a script its words: those of the command line, carried out in
// this process, and some that only scripts need (words.go). One script uses
// it, one line at a time.
type player struct {
	console *Console
	engine  *script.Engine
	stdin   []byte // of the next command
}

func newEngine(console *Console) *script.Engine {
	engine := &script.Engine{Cmds: script.DefaultCmds(), Conds: conditions(), Quiet: !console.Verbose}
	p := &player{console: console, engine: engine}
	delete(engine.Cmds, "sleep") // wait for what is awaited: eventually
	for name, help := range commandNames() {
		engine.Cmds[name] = p.command(name, help)
	}
	maps.Copy(engine.Cmds, p.words())
	engine.Cmds["help"] = p.help(engine.Cmds["help"])
	return engine
}

// help is the script's own, which would only write to the log: that is shown
// when a script fails. Here what it tells is shown at once.
func (p *player) help(own script.Cmd) script.Cmd {
	return script.Command(*own.Usage(), func(s *script.State, args ...string) (script.WaitFunc, error) {
		wait, err := own.Run(s, args...)
		if err != nil {
			return nil, err
		}
		return func(s *script.State) (string, string, error) {
			stdout, stderr, err := wait(s)
			fmt.Fprint(p.console.Stderr, stdout)
			return stdout, stderr, err
		}, nil
	})
}

// commandNames lists the commands that scripts may use, with their help.
func commandNames() map[string]string {
	var g grammar
	names := make(map[string]string)
	for _, command := range kong.Must(&g, groups).Model.Children {
		if command.Name != "run" { // a stage cannot stand on another one
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
	return fmt.Errorf("exit status %d", r.code)
}

// prepare takes from s what the command needs, for s must not be touched while
// the command runs.
func (p *player) prepare(s *script.State, args []string) func() performed {
	ctx, dir, stdin := s.Context(), s.Getwd(), p.stdin
	p.stdin = nil
	return func() performed { return p.perform(ctx, dir, stdin, args) }
}

func (p *player) perform(ctx context.Context, dir string, stdin []byte, args []string) performed {
	var stdout, stderr strings.Builder
	world := World{Stdin: bytes.NewReader(stdin), Stdout: &stdout, Stderr: &stderr, Dir: dir, Self: p.console.Self}
	code := Main(ctx, world, args)
	return performed{stdout.String(), stderr.String(), code}
}
