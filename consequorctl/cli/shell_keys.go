package cli

import (
	"slices"
	"strings"
)

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
