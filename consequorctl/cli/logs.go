package cli

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"consequor/replicad/logfile"
	"consequor/supervisor"
)

const (
	logLookInterval = 100 * time.Millisecond // how often -f looks for more
	logLineMax      = 1 << 20                // a longer line is shown in pieces
)

// logsCmd shows the log files of a cluster's folder, running or not, and those
// that were set aside before them.
type logsCmd struct {
	Replicas []string `arg:"" optional:"" name:"replica" help:"Whose logs (default: all; supervisor is the one of up -d)."`
	Follow   bool     `short:"f" help:"Go on with what is written from now on, until interrupted."`
	Lines    int      `short:"n" help:"At most so many of the last lines of each (0: all)." default:"0"`
}

func (c *logsCmd) Run(ctx context.Context, console *Console, name clusterFlag) error {
	home, err := name.home()
	if err != nil {
		return err
	}
	logs, err := openLogs(home, c.Replicas)
	if err != nil {
		return err
	}
	defer closeLogs(logs)
	for _, log := range logs {
		show := func(line string) error { return printLog(console, log.name, len(logs) > 1, line) }
		if err := c.begin(log, show); err != nil {
			return err
		}
	}
	if !c.Follow {
		return nil
	}
	return followLogs(ctx, console, logs)
}

// begin shows what a log has by now, or the last lines of it.
func (c *logsCmd) begin(log *logFile, show func(string) error) error {
	if c.Lines == 0 {
		return log.more(show)
	}
	var last []string
	err := log.more(func(line string) error {
		if last = append(last, line); len(last) > 2*c.Lines {
			last = append(last[:0], last[len(last)-c.Lines:]...)
		}
		return nil
	})
	for _, line := range last[max(0, len(last)-c.Lines):] {
		err = errors.Join(err, show(line))
	}
	return err
}

func closeLogs(logs []*logFile) {
	for _, log := range logs {
		log.close()
	}
}

func followLogs(ctx context.Context, console *Console, logs []*logFile) error {
	look := time.NewTicker(logLookInterval)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil // interrupted: that is how following ends
		case <-look.C:
		}
		for _, log := range logs {
			err := log.more(func(line string) error { return printLog(console, log.name, len(logs) > 1, line) })
			if err != nil {
				return err
			}
		}
	}
}

type logLine struct {
	Replica string `json:"replica"`
	Line    string `json:"line"`
}

func printLog(console *Console, name string, several bool, line string) error {
	return console.Result(logLine{name, line}, func(w io.Writer) {
		if several {
			fmt.Fprintf(w, "%-10s | ", name)
		}
		fmt.Fprintln(w, inertLines(line))
	})
}

// openLogs finds the logs of the replicas named, or of all.
func openLogs(home string, replicas []string) ([]*logFile, error) {
	paths, err := filepath.Glob(supervisor.LogPath(home, "*"))
	if err != nil {
		return nil, fmt.Errorf("find logs in %s: %w", home, err)
	}
	var logs []*logFile
	var names []string
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".log")
		names = append(names, name)
		if len(replicas) == 0 || slices.Contains(replicas, name) {
			logs = append(logs, &logFile{name: name, path: path})
		}
	}
	for _, name := range replicas {
		if !slices.Contains(names, name) {
			f := usagef("there is no log of %s", name)
			f.Hint = "there are logs of: " + strings.Join(names, ", ")
			return nil, f
		}
	}
	return logs, nil
}

// logFile reads whole lines from a log that grows and is set aside when it has
// its size. The file that it reads stays open: so no other one can be taken for
// it, and it can be read to its end after it was set aside.
type logFile struct {
	name, path string
	file       *os.File // nil: none yet
	reader     *bufio.Reader
	half       []byte // of a line that is not whole yet
}

// more shows what was written since the last time.
func (l *logFile) more(show func(line string) error) error {
	if err := l.drain(show); err != nil {
		return err
	}
	var last fs.FileInfo
	if l.file != nil {
		info, err := l.file.Stat()
		if err != nil {
			return fmt.Errorf("read log: %w", err)
		}
		last = info
	}
	files, whole, err := logfile.Chain(l.path, last)
	if err != nil {
		return fmt.Errorf("read log: %w", err)
	}
	if len(files) == 0 {
		return nil // it is the newest, or its successor is not there yet
	}
	if !whole {
		err = show("(lines are missing here: the log was set aside faster than it was read)")
	}
	// What was written last was perhaps written after it was read to its end,
	// and before it was set aside.
	err = errors.Join(err, l.drain(show))
	for _, file := range files {
		err = errors.Join(err, l.finish(show))
		l.file, l.reader = file, bufio.NewReader(file)
		err = errors.Join(err, l.drain(show))
	}
	return err
}

// drain shows the lines that are whole, and what is longer than a line may be
// in pieces.
func (l *logFile) drain(show func(line string) error) error {
	if l.file == nil {
		return nil
	}
	for {
		part, err := l.reader.ReadSlice('\n')
		l.half = append(l.half, part...)
		if whole := err == nil; whole || len(l.half) >= logLineMax {
			if err := l.cut(show); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil && !errors.Is(err, bufio.ErrBufferFull):
			return fmt.Errorf("read log: %w", err)
		}
	}
}

// cut shows what has come of a line.
func (l *logFile) cut(show func(line string) error) error {
	line := string(bytes.TrimSuffix(l.half, []byte("\n")))
	l.half = l.half[:0]
	return show(line)
}

// finish takes leave of a file: half a line at its end is all that came of it.
func (l *logFile) finish(show func(line string) error) error {
	if l.file == nil {
		return nil
	}
	var err error
	if len(l.half) > 0 {
		err = l.cut(show)
	}
	l.close()
	return err
}

func (l *logFile) close() {
	if l.file != nil {
		l.file.Close() // it was only read
		l.file = nil
	}
}
