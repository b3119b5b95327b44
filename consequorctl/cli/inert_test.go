package cli

import "testing"

// An article's text is written by strangers: no byte of it may command the
// reader's terminal, and what is harmless must look as it was written.
func TestInert(t *testing.T) {
	for _, c := range []struct{ name, text, line, lines string }{
		{"plain", "hello, world", "hello, world", "hello, world"},
		{"letters of other scripts", "Grüße 世界 👩\u200d👧", "Grüße 世界 👩\u200d👧", "Grüße 世界 👩\u200d👧"},
		{"escape", "\x1b[2Jgone", `\u{1b}[2Jgone`, `\u{1b}[2Jgone`},
		{"eight-bit CSI", "\u009b2J", `\u{9b}2J`, `\u{9b}2J`},
		{"bell, delete, return", "a\a\x7f\rb", `a\u{7}\u{7f}\u{d}b`, `a\u{7}\u{7f}\u{d}b`},
		{"line break and tab", "a\n\tb", `a\u{a}\u{9}b`, "a\n\tb"},
		{"turned reading order", "abc\u202ecba", `abc\u{202e}cba`, `abc\u{202e}cba`},
		{"line separator", "a\u2028b", `a\u{2028}b`, `a\u{2028}b`},
		{"invalid UTF-8", "a\xff\xfeb", `a\x{ff}\x{fe}b`, `a\x{ff}\x{fe}b`},
		{"a written replacement character", "a\ufffdb", "a\ufffdb", "a\ufffdb"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := inertLine(c.text); got != c.line {
				t.Errorf("on a line: got %q, want %q", got, c.line)
			}
			if got := inertLines(c.text); got != c.lines {
				t.Errorf("on lines: got %q, want %q", got, c.lines)
			}
		})
	}
}
