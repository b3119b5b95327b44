package cli

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/term"

	"consequor/supervisor"
)

const (
	pastName    = "shell_history" // in the folder of all clusters
	pastMax     = 1000            // lines that can be gone back to
	pastKeptMax = 2 * pastMax     // in the file; beyond, it is cut to pastMax
)

// past is what was typed, in this shell and in those before. Its file is for
// its owner's eyes. A line that begins with a space is not kept.
type past struct {
	path  string // empty: nothing is kept
	lines []string
	lost  func(error) // told once, when lines cannot be kept
}

var _ term.History = (*past)(nil)

func openPast(console *Console) *past {
	p := &past{lost: func(err error) { console.Note("what is typed cannot be kept: %v", err) }}
	root, err := supervisor.Root()
	if err == nil {
		p.path = filepath.Join(root, pastName)
		err = p.load()
	}
	if err != nil {
		p.forsake(err)
	}
	return p
}

// load reads the file, and cuts it if it has become long.
func (p *past) load() error {
	text, err := os.ReadFile(p.path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	p.lines = lines[max(0, len(lines)-pastMax):]
	if len(lines) <= pastKeptMax {
		return nil
	}
	fresh := p.path + ".new"
	if err := writeFileSync(fresh, []byte(strings.Join(p.lines, "\n")+"\n")); err != nil {
		return err
	}
	return os.Rename(fresh, p.path)
}

func (p *past) forsake(err error) {
	p.path = ""
	p.lost(err)
}

// Add implements term.History.
func (p *past) Add(line string) {
	if strings.TrimSpace(line) == "" || line[0] == ' ' || len(p.lines) > 0 && p.lines[len(p.lines)-1] == line {
		return
	}
	p.lines = append(p.lines, line)
	p.lines = p.lines[max(0, len(p.lines)-pastMax):]
	if p.path == "" {
		return
	}
	if err := p.write(line); err != nil {
		p.forsake(err)
	}
}

// write appends: of two shells, each keeps its lines.
func (p *past) write(line string) error {
	if err := os.MkdirAll(filepath.Dir(p.path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(p.path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(line + "\n")
	return errors.Join(err, f.Close())
}

// Len implements term.History.
func (p *past) Len() int { return len(p.lines) }

// At implements term.History; 0 is the newest.
func (p *past) At(i int) string { return p.lines[len(p.lines)-1-i] }
