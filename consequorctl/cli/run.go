package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/tools/txtar"
	"rsc.io/script"

	"consequor/supervisor"
)

// runCmd runs scripted sessions. Each script has a folder and a home for
// clusters of its own; both are gone afterwards, and so is everything that the
// script started.
type runCmd struct {
	Scripts []string      `arg:"" name:"script" help:"Script files; what the words mean is told by the script command help."`
	Limit   time.Duration `help:"How long one script may take." default:"2m"`
}

type runResult struct {
	Script  string  `json:"script"`
	Passed  bool    `json:"passed"`
	Seconds float64 `json:"seconds"`
	Message string  `json:"message,omitempty"` // FILE:LINE: what broke
}

func (c *runCmd) Run(ctx context.Context, console *Console) error {
	for _, path := range c.Scripts {
		if _, err := os.Stat(console.Path(path)); err != nil {
			return usagef("script %s: %v; nothing was run", path, err)
		}
	}
	failed := 0
	for _, path := range c.Scripts {
		started := time.Now()
		err := c.one(ctx, console, path)
		result := runResult{Script: path, Passed: err == nil, Seconds: time.Since(started).Seconds()}
		if err != nil {
			failed++
			result.Message = err.Error()
		}
		if err := console.Result(result, result.print); err != nil {
			return err
		}
	}
	if failed > 0 {
		return failedf("%d of %d scripts failed", failed, len(c.Scripts))
	}
	return nil
}

func (r runResult) print(w io.Writer) {
	if r.Passed {
		fmt.Fprintf(w, "ok    %s  %.1fs\n", r.Script, r.Seconds)
	} else {
		fmt.Fprintf(w, "FAIL  %s  %.1fs\n      %s\n", r.Script, r.Seconds, inertLines(r.Message))
	}
}

func (c *runCmd) one(ctx context.Context, console *Console, path string) error {
	archive, err := txtar.ParseFile(console.Path(path))
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	ctx, cancel := context.WithTimeout(ctx, c.Limit)
	defer cancel()
	stage, err := newStage()
	if err != nil {
		return err
	}
	var log strings.Builder
	err = stage.play(ctx, console, path, archive, &log)
	if err != nil || console.Verbose {
		fmt.Fprintln(console.Stderr, inertLines(log.String()))
	}
	return errors.Join(err, stage.strike())
}

// stage is where one script plays: a folder to work in, a home for its
// clusters, a folder for temporary files. Paths are short, for sockets live
// below them.
type stage struct {
	dir string
	was map[string]*string // the environment as we found it; nil: not set
}

// takeDownLimit bounds what tidying up after a script may take.
const takeDownLimit = 20 * time.Second

func newStage() (*stage, error) {
	dir, err := os.MkdirTemp("", "cq")
	if err != nil {
		return nil, fmt.Errorf("make a folder for the script: %w", err)
	}
	s := &stage{dir: dir, was: make(map[string]*string)}
	program, err := os.Executable()
	for _, folder := range []string{s.home(), s.work(), s.temp()} {
		err = errors.Join(err, os.Mkdir(folder, 0o700))
	}
	err = errors.Join(err, s.setenv("CONSEQUOR_HOME", s.home()), s.setenv("TMPDIR", s.temp()),
		s.setenv("CONSEQUOR_CLUSTER", ""), s.setenv("CONSEQUORCTL", program))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("set up the script: %w", err), s.strike())
	}
	return s, nil
}

func (s *stage) home() string { return filepath.Join(s.dir, "h") }
func (s *stage) work() string { return filepath.Join(s.dir, "w") }
func (s *stage) temp() string { return filepath.Join(s.dir, "t") }

// setenv changes this process's environment until strike: what a script's
// commands do in this process must see the same as what it executes.
func (s *stage) setenv(name, value string) error {
	if was, set := os.LookupEnv(name); set {
		s.was[name] = &was
	} else {
		s.was[name] = nil
	}
	return os.Setenv(name, value)
}

func (s *stage) restoreEnv() error {
	var errs []error
	for name, was := range s.was {
		if was == nil {
			errs = append(errs, os.Unsetenv(name))
		} else {
			errs = append(errs, os.Setenv(name, *was))
		}
	}
	return errors.Join(errs...)
}

func (s *stage) play(ctx context.Context, console *Console, path string, archive *txtar.Archive, log io.Writer) error {
	state, err := script.NewState(ctx, s.work(), os.Environ())
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := state.ExtractFiles(archive); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	err = newEngine(console).Execute(state, path, readerOf(archive.Comment), log)
	return errors.Join(err, state.CloseAndWait(log))
}

// strike takes down what the script left running, and removes both folders.
func (s *stage) strike() error {
	ctx, cancel := context.WithTimeout(context.Background(), takeDownLimit)
	defer cancel()
	homes, err := supervisor.Homes()
	errs := []error{err}
	for _, h := range homes {
		if !h.Running {
			continue
		}
		cluster, err := supervisor.Dial(h.Path)
		if err == nil {
			err = cluster.Down(ctx, true, nil)
		}
		errs = append(errs, err)
	}
	errs = append(errs, s.restoreEnv(), os.RemoveAll(s.dir))
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("tidy up after the script: %w", err)
	}
	return nil
}
