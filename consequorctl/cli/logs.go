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

	"consequor/supervisor"
)

const (
	logLookInterval = 100 * time.Millisecond // how often -f looks for more
	logLineMax      = 1 << 20                // a longer line is shown in pieces
)

// logsCmd shows the log files of a cluster's folder, running or not.
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
	for _, log := range logs {
		lines, err := log.more()
		if err != nil {
			return err
		}
		if c.Lines > 0 {
			lines = lines[max(0, len(lines)-c.Lines):]
		}
		if err := printLog(console, log.name, len(logs) > 1, lines); err != nil {
			return err
		}
	}
	if !c.Follow {
		return nil
	}
	return followLogs(ctx, console, logs)
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
			lines, err := log.more()
			if err != nil {
				return err
			}
			if err := printLog(console, log.name, len(logs) > 1, lines); err != nil {
				return err
			}
		}
	}
}

type logLine struct {
	Replica string `json:"replica"`
	Line    string `json:"line"`
}

func printLog(console *Console, name string, several bool, lines []string) error {
	for _, line := range lines {
		err := console.Result(logLine{name, line}, func(w io.Writer) {
			if several {
				fmt.Fprintf(w, "%-10s | ", name)
			}
			fmt.Fprintln(w, inertLines(line))
		})
		if err != nil {
			return err
		}
	}
	return nil
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

// logFile reads whole lines from a file that grows, and starts over when
// another file takes its place.
type logFile struct {
	name, path string
	info       fs.FileInfo // of the file that was read
	offset     int64
}

func (l *logFile) more() ([]string, error) {
	f, err := os.Open(l.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // between two files
	}
	if err != nil {
		return nil, fmt.Errorf("read log: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("read log: %w", err)
	}
	if l.info == nil || !os.SameFile(l.info, info) || info.Size() < l.offset {
		l.offset = 0
	}
	l.info = info
	if _, err := f.Seek(l.offset, io.SeekStart); err != nil {
		return nil, fmt.Errorf("read log: %w", err)
	}
	return l.lines(f)
}

// lines leaves a last line that is not whole yet for the next time.
func (l *logFile) lines(r io.Reader) ([]string, error) {
	var lines []string
	reader := bufio.NewReaderSize(r, logLineMax)
	for {
		line, err := reader.ReadSlice('\n')
		whole := err == nil || errors.Is(err, bufio.ErrBufferFull)
		if !whole {
			if errors.Is(err, io.EOF) {
				return lines, nil
			}
			return lines, fmt.Errorf("read log: %w", err)
		}
		l.offset += int64(len(line))
		lines = append(lines, string(bytes.TrimSuffix(line, []byte("\n"))))
	}
}
