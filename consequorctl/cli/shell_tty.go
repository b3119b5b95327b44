package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/term"
)

// tty is the terminal of this process. A read of it can be told to give up:
// what is typed next is then for who reads next.
type tty struct {
	file *os.File

	reading sync.Mutex // one at a time
	mu      sync.Mutex
	ctx     context.Context // ends reads
}

func openTTY() (*tty, error) {
	file, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("open the terminal: %w", err)
	}
	return &tty{file: file, ctx: context.Background()}, nil
}

func (t *tty) close() { t.file.Close() } // nothing is written any more

// until has reads end with ctx, until done is called.
func (t *tty) until(ctx context.Context) (done func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	before := t.ctx
	t.ctx = ctx
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.ctx = before
	}
}

func (t *tty) Read(b []byte) (int, error) {
	t.mu.Lock()
	ctx := t.ctx
	t.mu.Unlock()
	t.reading.Lock()
	defer t.reading.Unlock()
	for {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		n, err := t.readOnce(ctx, b)
		if !errors.Is(err, os.ErrDeadlineExceeded) { // one of an earlier read may come late
			return n, err
		}
	}
}

func (t *tty) readOnce(ctx context.Context, b []byte) (int, error) {
	if err := t.file.SetReadDeadline(time.Time{}); err != nil {
		return 0, err
	}
	stop := context.AfterFunc(ctx, func() { _ = t.file.SetReadDeadline(time.Now()) }) // as the one above
	defer stop()
	return t.file.Read(b)
}

func (t *tty) Write(b []byte) (int, error) { return t.file.Write(b) }

func (t *tty) raw() (restore func() error, err error) {
	var state *term.State
	if err := t.control(func(fd int) (err error) { state, err = term.MakeRaw(fd); return err }); err != nil {
		return nil, err
	}
	return func() error { return t.control(func(fd int) error { return term.Restore(fd, state) }) }, nil
}

func (t *tty) size() (columns, rows int, err error) {
	err = t.control(func(fd int) (err error) { columns, rows, err = term.GetSize(fd); return err })
	return columns, rows, err
}

// control does something with the descriptor. Fd would make reads of it deaf to
// deadlines.
func (t *tty) control(do func(fd int) error) error {
	conn, err := t.file.SyscallConn()
	if err != nil {
		return err
	}
	var doing error
	err = conn.Control(func(fd uintptr) { doing = do(int(fd)) })
	return errors.Join(err, doing)
}
