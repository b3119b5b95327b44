package cli

import (
	"bufio"
	"context"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

// pacer gives a person time to read, on a terminal: some seconds after each
// step, or until Enter.
type pacer struct {
	typed chan struct{} // a line was; nil: there is nobody to wait for
}

const readingTime = 6 * time.Second // after each of a tour's six steps

func newPacer(console *Console, fast bool) *pacer {
	if fast || !console.Terminal || !console.Typed || console.JSON || console.Quiet {
		return new(pacer)
	}
	p := &pacer{typed: make(chan struct{})}
	go func() { // it cannot be told to give up waiting for input: it ends with the process
		lines := bufio.NewScanner(console.Stdin)
		for lines.Scan() {
			p.typed <- struct{}{}
		}
	}()
	return p
}

// wait returns when it is time for the next step.
func (p *pacer) wait(ctx context.Context, s *story) error {
	if p.typed == nil {
		return ctx.Err()
	}
	s.gap()
	s.console.Note("\x1b[2m(Enter goes on)\x1b[0m")
	timer := time.NewTimer(readingTime)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-p.typed:
	case <-timer.C:
	}
	return nil
}

// openPage shows a page in the user's browser, if there is a person, a screen
// and a program for that. It is a kindness: nothing depends on it.
func openPage(console *Console, path string) {
	if !console.Terminal || console.JSON {
		return
	}
	opener := "xdg-open"
	if runtime.GOOS == "darwin" {
		opener = "open"
	} else if os.Getenv("DISPLAY") == "" && os.Getenv("WAYLAND_DISPLAY") == "" {
		return
	}
	for _, folder := range filepath.SplitList(os.Getenv("PATH")) {
		program := filepath.Join(folder, opener)
		if info, err := os.Stat(program); err != nil || info.IsDir() || info.Mode()&0o111 == 0 {
			continue
		}
		process, err := os.StartProcess(program, []string{opener, path}, &os.ProcAttr{Env: os.Environ()})
		if err != nil {
			console.Note("%s could not be opened: %v", path, err)
			return
		}
		_ = process.Release() // it lives as long as the browser likes
		return
	}
}
