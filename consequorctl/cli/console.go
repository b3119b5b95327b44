package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
)

// World is what a command line meets: the standard streams and the folder it
// runs in. A script gives its commands a world of their own.
type World struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Dir            string          // relative paths start here
	Terminal       bool            // a person looks at Stdout
	Columns        int             // of that terminal; 0: nobody knows
	Watched        bool            // a person looks at Stderr
	Typed          bool            // a person types Stdin
	Self           string          // the file that runs this program again
	Now            <-chan struct{} // closed when an end that takes its time no longer may; nil: never

	// Interrupts, if any, has handle called at each Ctrl-C, in place of the end
	// that it is else, until back is called. It is for a command that goes on.
	Interrupts func(handle func()) (back func())
}

// Path resolves a path that the user wrote.
func (w *World) Path(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(w.Dir, path)
}

// awaitInput returns what read takes from an input, or why ctx ended before
// there was any. An input cannot be told to give up: read is then left waiting
// for it, until the process ends.
func awaitInput[T any](ctx context.Context, read func() (T, error)) (T, error) {
	type taken struct {
		input T
		err   error
	}
	done := make(chan taken, 1)
	go func() {
		input, err := read()
		done <- taken{input, err}
	}()
	select {
	case t := <-done:
		return t.input, t.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}

// Console is how a command speaks. Results go to stdout, everything else to
// stderr; with --json each result is one line of JSON; colour is for
// terminals.
type Console struct {
	World
	*Output
}

// Output is how the user wants to be spoken to.
type Output struct {
	JSON    bool `name:"json" help:"Give the result as JSON, one object on a line."`
	Quiet   bool `short:"q" help:"Print the result alone, in its shortest form."`
	Verbose bool `short:"v" help:"Say more of what is going on."`
}

// Result prints v as JSON, or what human writes. A result that cannot be printed
// is an error, or a full disk would look like a success.
func (c *Console) Result(v any, human func(io.Writer)) error {
	if c.JSON {
		return c.encode(v)
	}
	w := &stickyWriter{to: c.Stdout}
	human(w)
	return unprinted(w.err)
}

// unprinted is the error of a result.
func unprinted(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("print the result: %w", err)
}

// stickyWriter writes nothing after an error, which it keeps.
type stickyWriter struct {
	to  io.Writer
	err error
}

func (w *stickyWriter) Write(b []byte) (n int, err error) {
	if w.err == nil {
		n, w.err = w.to.Write(b)
	}
	return n, w.err
}

func (c *Console) encode(v any) error {
	encoder := json.NewEncoder(c.Stdout)
	encoder.SetEscapeHTML(false)
	return unprinted(encoder.Encode(v))
}

// Note tells the user something beside the result.
func (c *Console) Note(format string, args ...any) {
	if !c.Quiet {
		fmt.Fprintf(c.Stderr, format+"\n", args...)
	}
}

// LastLine ends a result on a terminal with a dim line about where it came
// from. Elsewhere it would only be in the way; there, --json has it.
func (c *Console) LastLine(text string) {
	if c.Terminal && !c.JSON && !c.Quiet {
		fmt.Fprintf(c.Stdout, "\x1b[2m%s\x1b[0m\n", text)
	}
}

// Fail prints how a command ended badly.
func (c *Console) Fail(f *Failure) {
	if f.told {
		return
	}
	if c.JSON {
		_ = c.encode(map[string]*Failure{"error": f}) // the same trouble would meet whatever we said of it
	}
	fmt.Fprintf(c.Stderr, "consequorctl: %s\n", inertLines(f.Message))
	if f.Hint != "" {
		fmt.Fprintf(c.Stderr, "hint: %s\n", inertLines(f.Hint))
	}
}
