// Command consequorctl starts a cluster of consequor in one command, speaks
// to it, breaks it and measures it. See the package cli, or --help.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"golang.org/x/term"

	"consequor/consequorctl/cli"
)

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	if code, ok := cli.Role(args, os.Stderr); ok {
		return code
	}
	ends := new(interrupts)
	ctx, now, stop := ends.begin()
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

		Interrupts: ends.handle,
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

// interrupts are the ways in which a person ends this program: Ctrl-C, SIGTERM
// or the end of the terminal.
type interrupts struct {
	mu      sync.Mutex
	handler func() // takes Ctrl-C; nil: nobody
}

// begin ends ctx at the first interrupt, for an end in order, and closes now at
// the second, for an end at once. A third one is deadly.
func (in *interrupts) begin() (ctx context.Context, now <-chan struct{}, stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	atOnce := make(chan struct{})
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) // to nobody: the write fails, see pipe; children are not told
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	go func() {
		in.await(signals)
		cancel()
		in.await(signals)
		close(atOnce)
		signal.Stop(signals)
	}()
	return ctx, atOnce, cancel
}

// await returns at the next interrupt that nobody else takes.
func (in *interrupts) await(signals <-chan os.Signal) {
	for s := range signals {
		if s != os.Interrupt || !in.taken() {
			return
		}
	}
}

// taken lets the handler have a Ctrl-C, if there is one.
func (in *interrupts) taken() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.handler == nil {
		return false
	}
	in.handler()
	return true
}

// handle has handler called at Ctrl-C, which then ends nothing else, until back
// is called.
func (in *interrupts) handle(handler func()) (back func()) {
	in.mu.Lock()
	defer in.mu.Unlock()
	before := in.handler
	in.handler = handler
	return func() {
		in.mu.Lock()
		defer in.mu.Unlock()
		in.handler = before
	}
}
