package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"sync"
	"syscall"

	"golang.org/x/term"
)

// keyboard is the terminal on which lines are typed.
type keyboard interface {
	io.ReadWriter
	raw() (restore func() error, err error) // every key is read at once, and none means anything to the system
	size() (columns, rows int, err error)
	until(ctx context.Context) (done func()) // reads end with ctx
}

// interact carries out lines as they are typed.
func interact(ctx context.Context, console *Console, keys keyboard) error {
	console.Stdin = keys // a command reads what the terminal has for it, and no more
	sh, err := newShell(ctx, console)
	if err != nil {
		return err
	}
	past := openPast(console)
	console.Note("the words of scripts and all commands; help lists them, exit ends the shell")
	e := newEditor(keys, past, sh.complete)
	for !sh.ended && err == nil {
		var line string
		switch line, err = e.line(ctx, sh); {
		case err == nil:
			sh.attend(ctx, keys, line)
		case errors.Is(err, errDropped):
			err = nil
		case errors.Is(err, io.EOF):
			fmt.Fprintln(keys, "exit")
			return errors.Join(sh.close(ctx), sh.exit())
		}
	}
	return errors.Join(sh.close(ctx), err, sh.exit())
}

// attend carries out a line that Ctrl-C ends in order and a second one at once.
func (sh *shell) attend(ctx context.Context, keys keyboard, line string) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	now := make(chan struct{})
	var once sync.Once
	if sh.console.Interrupts != nil {
		defer sh.console.Interrupts(func() {
			fmt.Fprintln(sh.console.Stderr)
			if ctx.Err() != nil {
				once.Do(func() { close(now) })
			}
			cancel()
		})()
	}
	defer keys.until(ctx)()
	sh.take(ctx, now, line)
}

// errDropped: Ctrl-C has dropped the line that was being typed.
var errDropped = errors.New("the line was dropped")

// lineLenMax is how much the editor takes for one line, in characters. It stays
// deaf beyond, so a longer line is not what was meant.
const lineLenMax = 4096

// editor lets a person type lines.
type editor struct {
	keys     *watchedKeys
	past     *past
	complete func(line string, at int) []string
	terminal *term.Terminal

	offered string // the line whose completions were listed last
	search  search
}

// watchedKeys notices Ctrl-C, which the terminal does not tell from the end, and
// says otherwise what the terminal would not understand.
type watchedKeys struct {
	keyboard
	interrupted bool
}

const ctrlC, ctrlR = 3, 18

// otherKeys are what some terminals send for a key, and what others do; no
// second one is longer than the first.
var otherKeys = [][2][]byte{
	{[]byte("\x1b[1~"), []byte("\x1b[H")}, // Home
	{[]byte("\x1b[7~"), []byte("\x1b[H")},
	{[]byte("\x1bOH"), []byte("\x1b[H")},
	{[]byte("\x1b[4~"), []byte("\x1b[F")}, // End
	{[]byte("\x1b[8~"), []byte("\x1b[F")},
	{[]byte("\x1bOF"), []byte("\x1b[F")},
	{[]byte("\x1b[1;5C"), []byte("\x1b[1;3C")}, // a word on: Ctrl-Right, Alt-Right
	{[]byte("\x1b[1;5D"), []byte("\x1b[1;3D")},
}

func (k *watchedKeys) Read(b []byte) (int, error) {
	n, err := k.keyboard.Read(b)
	if slices.Contains(b[:n], ctrlC) {
		k.interrupted = true
	}
	for _, other := range otherKeys {
		if bytes.Contains(b[:n], other[0]) {
			n = copy(b, bytes.ReplaceAll(b[:n], other[0], other[1]))
		}
	}
	return n, err
}

func newEditor(keys keyboard, past *past, complete func(string, int) []string) *editor {
	e := &editor{keys: &watchedKeys{keyboard: keys}, past: past, complete: complete}
	e.fresh()
	return e
}

// fresh begins with an empty line.
func (e *editor) fresh() {
	e.terminal = term.NewTerminal(e.keys, "")
	e.terminal.History = e.past
	e.terminal.AutoCompleteCallback = e.onKey
}

// line returns the next line. The prompt is current while it is typed.
func (e *editor) line(ctx context.Context, sh *shell) (string, error) {
	restore, err := e.keys.raw()
	if err != nil {
		return "", fmt.Errorf("read single keys: %w", err)
	}
	e.resize()
	e.terminal.SetPrompt(promptNow(ctx))
	e.terminal.SetBracketedPasteMode(true)
	watching, stop := context.WithCancel(ctx)
	defer e.keys.until(watching)()
	var all sync.WaitGroup
	all.Go(func() { followPrompt(watching, e.show) })
	all.Go(func() { e.follow(watching) })
	e.keys.interrupted = false
	line, err := e.terminal.ReadLine()
	stop()
	all.Wait()
	e.terminal.SetBracketedPasteMode(false)
	restoring := restore()
	switch {
	case restoring != nil:
		return "", fmt.Errorf("give the terminal back: %w", restoring)
	case ctx.Err() != nil:
		return "", ctx.Err()
	case errors.Is(err, io.EOF) && e.keys.interrupted:
		e.fresh()
		fmt.Fprintln(e.keys, "^C")
		return "", errDropped
	case errors.Is(err, term.ErrPasteIndicator):
		err = nil // pasted or typed, a line is a line
	}
	if err == nil && len([]rune(line)) >= lineLenMax {
		fmt.Fprintf(e.keys, "the line may have been longer than the %d characters that can be typed: nothing was done; give the text by a file, with stdin FILE\n", lineLenMax)
		return "", errDropped
	}
	return line, err
}

// show puts another prompt before the line that is being typed.
func (e *editor) show(prompt string) {
	e.terminal.SetPrompt(prompt)
	_, _ = e.terminal.Write(nil) // draws it; if the terminal is gone, reading says so
}

// follow fits the line to the window whenever that has another size.
func (e *editor) follow(ctx context.Context) {
	resized := make(chan os.Signal, 1)
	signal.Notify(resized, syscall.SIGWINCH)
	defer signal.Stop(resized)
	for {
		select {
		case <-ctx.Done():
			return
		case <-resized:
			e.resize()
		}
	}
}

func (e *editor) resize() {
	if columns, rows, err := e.keys.size(); err == nil && columns > 0 {
		_ = e.terminal.SetSize(columns, rows) // its error is one of writing: see show
	}
}
