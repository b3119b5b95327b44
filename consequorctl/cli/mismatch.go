package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp/syntax"
	"strings"

	"rsc.io/script"
)

// mismatch is an expectation of a script that was not met.
type mismatch struct {
	want string // for people
	got  string // several lines, perhaps
	why  error  // nil: nothing beyond that
}

func (m *mismatch) Error() string {
	text := "want " + m.want + ", got " + m.got
	if m.why != nil {
		text += ": " + m.why.Error()
	}
	return text
}

func (m *mismatch) Unwrap() error { return m.why }

// documented gives a word of package script the words that tell of it here.
func documented(name string, own script.Cmd, run func(*script.State, ...string) (script.WaitFunc, error)) script.Cmd {
	usage, doc := *own.Usage(), mustDoc(name)
	usage.Args, usage.Summary, usage.Detail = doc.Grammar, doc.Meaning, nil
	return script.Command(usage, run)
}

// matching is stdout, stderr or grep: its failure shows the text.
func matching(name string, own script.Cmd) script.Cmd {
	return documented(name, own, func(s *script.State, args ...string) (script.WaitFunc, error) {
		wait, err := own.Run(s, args...)
		if err == nil || errors.Is(err, errWords) || errors.As(err, new(*fs.PathError)) || errors.As(err, new(*syntax.Error)) {
			return wait, err
		}
		text, pattern, what := s.Stdout(), args[len(args)-1], name
		switch name {
		case "stderr":
			text = s.Stderr()
		case "grep":
			pattern, what = args[len(args)-2], args[len(args)-1]
			text, _ = textOf(s, what) // it was there just now
		}
		want := fmt.Sprintf("%#q in %s", pattern, what)
		if number, counted := strings.CutPrefix(args[0], "-count="); counted {
			want = fmt.Sprintf("%#q %s times in %s", pattern, number, what)
		}
		return nil, &mismatch{want: want, got: orNothing(text)}
	})
}

func orNothing(text string) string {
	if text = strings.TrimSuffix(text, "\n"); text == "" {
		return "nothing"
	}
	return text
}

// textOf is a file, or what the last command printed.
func textOf(s *script.State, name string) (string, error) {
	switch name {
	case "stdout":
		return s.Stdout(), nil
	case "stderr":
		return s.Stderr(), nil
	}
	data, err := os.ReadFile(s.Path(name))
	return string(data), err
}

// comparing is cmp, which can also write what was expected anew.
func (p *player) comparing(own script.Cmd) script.Cmd {
	return documented("cmp", own, func(s *script.State, args ...string) (script.WaitFunc, error) {
		wait, err := own.Run(s, args...)
		if err == nil || errors.Is(err, errWords) || errors.As(err, new(*fs.PathError)) {
			return wait, err
		}
		actual, expected := args[len(args)-2], args[len(args)-1]
		got, err := textOf(s, actual)
		if err != nil {
			return nil, err
		}
		if p.play.update {
			return nil, p.play.expect(s.Path(expected), got)
		}
		want, err := textOf(s, expected)
		if err != nil {
			return nil, err
		}
		return nil, differing(actual, got, expected, want)
	})
}

// differing names the first line that differs; the log has all of them.
func differing(actual, got, expected, want string) *mismatch {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	i := 0
	for i < len(g) && i < len(w) && g[i] == w[i] {
		i++
	}
	return &mismatch{want: lineOf(w, i, expected), got: lineOf(g, i, actual)}
}

func lineOf(lines []string, i int, file string) string {
	if i >= len(lines) || i == len(lines)-1 && lines[i] == "" {
		return fmt.Sprintf("%s to end before line %d", file, i+1)
	}
	return fmt.Sprintf("%s with line %d: %s", file, i+1, lines[i])
}
