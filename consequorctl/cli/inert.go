package cli

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

const zeroWidthJoiner = '\u200d' // holds emoji together

// inertLine makes text that somebody else wrote safe to print on one line of a
// terminal: what is not a visible character or a space is shown as \u{1b}.
func inertLine(text string) string { return inert(text, false) }

// inertLines does the same but keeps line breaks and tabs.
func inertLines(text string) string { return inert(text, true) }

func inert(text string, lines bool) string {
	if strings.IndexFunc(text, func(r rune) bool { return !harmless(r, lines) || r == utf8.RuneError }) < 0 {
		return text
	}
	var b strings.Builder
	for i, r := range text {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(text[i:], string(utf8.RuneError)):
			fmt.Fprintf(&b, `\x{%02x}`, text[i])
		case harmless(r, lines):
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, `\u{%x}`, r)
		}
	}
	return b.String()
}

// harmless: control characters would command the terminal, and format
// characters could turn the order of what is read.
func harmless(r rune, lines bool) bool {
	return unicode.IsGraphic(r) || r == zeroWidthJoiner || lines && (r == '\n' || r == '\t')
}
