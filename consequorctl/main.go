// Command consequorctl starts a cluster of consequor in one command, speaks
// to it, breaks it and measures it. See the package cli, or --help.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/term"

	"consequor/consequorctl/cli"
)

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	if code, ok := cli.Role(args, os.Stderr); ok {
		return code
	}
	ctx, now, stop := interrupts()
	defer stop()
	self, err := cli.Self()
	if err != nil {
		fmt.Fprintln(os.Stderr, "consequorctl:", err)
		return int(cli.ExitFailed)
	}
	world := cli.World{
		Stdin: os.Stdin, Stdout: pipe{os.Stdout, stop}, Stderr: pipe{os.Stderr, stop}, Dir: ".",
		Terminal: term.IsTerminal(int(os.Stdout.Fd())),
		Watched:  term.IsTerminal(int(os.Stderr.Fd())),
		Typed:    term.IsTerminal(int(os.Stdin.Fd())),
		Self:     self,
		Now:      now,
	}
	if columns, _, err := term.GetSize(int(os.Stdout.Fd())); err == nil {
		world.Columns = columns
	}
	return int(cli.Main(ctx, world, args))
}

// pipe is a stream whose reader may go away, as head does: to the command that
// is what Ctrl-C is, an end in order. SIGPIPE would leave behind what it has
// made.
type pipe struct {
	file *os.File
	gone func()
}

func (p pipe) Write(b []byte) (int, error) {
	n, err := p.file.Write(b)
	if errors.Is(err, syscall.EPIPE) {
		p.gone()
	}
	return n, err
}

// interrupts ends ctx at the first Ctrl-C, SIGTERM or end of the terminal, for an end in order,
// and closes now at the second, for an end at once. A third one is deadly.
func interrupts() (ctx context.Context, now <-chan struct{}, stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	atOnce := make(chan struct{})
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) // to nobody: the write fails, see pipe; children are not told
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	go func() {
		<-signals
		cancel()
		<-signals
		close(atOnce)
		signal.Stop(signals)
	}()
	return ctx, atOnce, cancel
}
