package cli

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
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

// search goes back through the past, to lines that hold a text.
type search struct {
	text  string // what was on the line when it began
	shown string // the line that was found last
	at    int    // where to go on
}

// next finds the next older line; what stands on the line begins a new search,
// unless it is what was found last.
func (s *search) next(p *past, line string) (string, bool) {
	if s.shown == "" || line != s.shown {
		*s = search{text: strings.TrimSpace(line)}
	}
	for ; s.at < p.Len(); s.at++ {
		if found := p.At(s.at); found != line && strings.Contains(found, s.text) {
			s.shown = found
			s.at++
			return found, true
		}
	}
	return "", false
}

// onKey takes the keys that the terminal does not: it is called for each, and
// returns the line as it is afterwards if it has taken the key.
func (e *editor) onKey(line string, at int, key rune) (string, int, bool) {
	switch key {
	case ctrlR:
		if found, ok := e.search.next(e.past, line); ok {
			return found, len(found), true
		}
		return line, at, true
	case '\t':
		return e.onTab(line, at)
	}
	return "", 0, false
}

// onTab completes as far as that is certain; if nothing is, it lists what there
// could be, once.
func (e *editor) onTab(line string, at int) (string, int, bool) {
	begin := wordBegin(line[:at])
	typed := line[begin:at]
	words := e.complete(line, at)
	if len(words) == 0 {
		return line, at, true
	}
	whole := commonPrefix(words)
	if len(words) == 1 && !strings.HasSuffix(whole, "/") {
		whole += " "
	}
	if whole != typed {
		return line[:begin] + whole + strings.TrimPrefix(line[at:], " "), begin + len(whole), true
	}
	if e.offered != line {
		e.offered = line
		_, _ = e.terminal.Write([]byte(inColumns(words, e.columns()))) // see show
	}
	return line, at, true
}

func (e *editor) columns() int {
	columns, _, err := e.keys.size()
	if err != nil || columns <= 0 {
		return 80
	}
	return columns
}

func commonPrefix(words []string) string {
	prefix := words[0]
	for _, word := range words[1:] {
		for !strings.HasPrefix(word, prefix) {
			prefix = prefix[:len(prefix)-1]
		}
	}
	return strings.ToValidUTF8(prefix, "") // the last character may have been cut in two
}

// offeredMax bounds a list of completions.
const offeredMax = 100

// inColumns lays words out for a terminal.
func inColumns(words []string, width int) string {
	words = slices.Clone(words[:min(len(words), offeredMax)])
	column := 0
	for _, word := range words {
		column = max(column, len(word)+2)
	}
	var b strings.Builder
	perRow := max(1, (width-1)/column)
	for i, word := range words {
		b.WriteString(word)
		if (i+1)%perRow == 0 || i == len(words)-1 {
			b.WriteString("\n")
			continue
		}
		b.WriteString(strings.Repeat(" ", column-len(word)))
	}
	return b.String()
}
