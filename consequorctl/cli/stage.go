package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"rsc.io/script"

	"consequor/supervisor"
)

// stage is where one script plays: a folder to work in, a home for its
// clusters, a folder for temporary files. Paths are short, for sockets live
// below them. A script that plays on a cluster that runs already has no home.
type stage struct {
	dir     string
	cluster string             // the running one; empty: the script starts its own
	was     map[string]*string // the environment as we found it; nil: not set
	owner   *os.File           // says that we live
}

// takeDownLimit bounds what tidying up after a script may take.
const takeDownLimit = 20 * time.Second

func newStage(cluster string) (*stage, error) {
	dir, err := os.MkdirTemp("", "cq")
	if err != nil {
		return nil, fmt.Errorf("make a folder for the script: %w", err)
	}
	s := &stage{dir: dir, cluster: cluster, was: make(map[string]*string)}
	program, err := os.Executable()
	errs := []error{err}
	for _, folder := range []string{s.home(), s.work(), s.temp()} {
		errs = append(errs, os.Mkdir(folder, 0o700))
	}
	if cluster == "" {
		s.owner, err = ownStage(dir)
		errs = append(errs, err, s.setenv("CONSEQUOR_HOME", s.home()), s.setenv(stageVariable, dir))
	}
	errs = append(errs, s.setenv("TMPDIR", s.temp()), s.setenv("CONSEQUOR_CLUSTER", cluster), s.setenv("CONSEQUORCTL", program))
	if err := errors.Join(errs...); err != nil {
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

// perform plays the script from its first line to its last.
func (s *stage) perform(ctx context.Context, console *Console, piece *play, log io.Writer) error {
	piece.work, piece.cluster = s.work(), s.cluster
	state, err := script.NewState(ctx, s.work(), os.Environ())
	if err != nil {
		return fmt.Errorf("%s: %w", piece.path, err)
	}
	if err := state.ExtractFiles(piece.archive); err != nil {
		return fmt.Errorf("%s: %w", piece.path, err)
	}
	if s.cluster != "" {
		if err := piece.beginRecords(ctx); err != nil {
			return fmt.Errorf("%s: %w", piece.path, err)
		}
	}
	err = newPlayer(console, piece).engine.Execute(state, piece.path, readerOf(piece.archive.Comment), log)
	err = errors.Join(err, piece.end(ctx, err == nil))
	return errors.Join(err, state.CloseAndWait(log))
}

// clusters are those of the script that run.
func (s *stage) clusters() ([]*supervisor.Client, error) {
	if s.cluster != "" {
		cluster, err := supervisor.Find(s.cluster)
		if err != nil {
			return nil, err
		}
		return []*supervisor.Client{cluster}, nil
	}
	homes, err := supervisor.Homes()
	errs := []error{err}
	var clusters []*supervisor.Client
	for _, h := range homes {
		if !h.Running {
			continue
		}
		cluster, err := supervisor.Dial(h.Path)
		if errs = append(errs, err); err == nil {
			clusters = append(clusters, cluster)
		}
	}
	return clusters, errors.Join(errs...)
}

// strike takes down what the script left running, and removes its folders.
func (s *stage) strike() error {
	ctx, cancel := context.WithTimeout(context.Background(), takeDownLimit)
	defer cancel()
	var errs []error
	if s.cluster == "" {
		clusters, err := s.clusters()
		errs = append(errs, err)
		for _, cluster := range clusters {
			errs = append(errs, cluster.Down(ctx, true, nil))
		}
	}
	errs = append(errs, s.restoreEnv(), os.RemoveAll(s.dir))
	if s.owner != nil { // after that: whoever gets the lock finds nothing to do
		errs = append(errs, s.owner.Close())
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("tidy up after the script: %w", err)
	}
	return nil
}
