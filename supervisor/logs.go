package supervisor

import (
	"strings"
	"unicode"

	"consequor/replicad/logfile"
)

// What of a log is repeated in a message.
const (
	lastLines    = 5
	lastBytesMax = 4 << 10
)

// lastWords returns the last lines of a log that were written from a place on,
// for people; empty when there are none.
func lastWords(path string, from logfile.Place) string {
	data, err := logfile.Tail(path, from, lastBytesMax)
	if err != nil {
		return ""
	}
	lines := strings.Split(strings.TrimSpace(inert(string(data))), "\n")
	return strings.Join(lines[max(0, len(lines)-lastLines):], "\n")
}

// inert leaves of a text what a terminal shows and does not obey.
func inert(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || unicode.IsPrint(r):
			return r
		}
		return -1
	}, strings.ToValidUTF8(text, "?"))
}
