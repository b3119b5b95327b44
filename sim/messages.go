package sim

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"consequor/modes/builtin"
)

// describe says what a mode's message means, as far as anybody can tell: the
// built-in modes do so themselves.
func (p *Plan) describe(mode string, message []byte) string {
	if p.Launch == nil || mode != p.Mode {
		if entry, ok := builtin.Lookup(mode); ok {
			return entry.DescribeMessage(message)
		}
	}
	return rawWords(message)
}

const (
	rawTextMin  = 3   // characters that are taken for text
	rawTextMax  = 120 // of a message
	rawBytesMax = 12  // of a message without text
)

// rawWords shows a message that nobody can read: what is text in it, and its
// size; without any, its first bytes.
func rawWords(message []byte) string {
	size := fmt.Sprintf("%d bytes", len(message))
	texts := textsIn(message)
	switch {
	case len(message) == 0:
		return size
	case len(texts) == 0 && len(message) <= rawBytesMax:
		return fmt.Sprintf("%s: % x", size, message)
	case len(texts) == 0:
		return fmt.Sprintf("%s: % x ...", size, message[:rawBytesMax])
	case len(texts[0]) == len(bytes.TrimSuffix(message, []byte("\n"))):
		return texts[0]
	}
	text := strings.Join(texts, " | ")
	if len(text) > rawTextMax {
		text = strings.ToValidUTF8(text[:rawTextMax], "") + "..."
	}
	return fmt.Sprintf("%s (%s)", text, size)
}

// textsIn lists the stretches of a message that can be read.
func textsIn(message []byte) []string {
	var texts []string
	length := 0 // in characters
	from := 0
	end := func(at int) {
		if length >= rawTextMin {
			texts = append(texts, string(message[from:at]))
		}
		length = 0
	}
	for i := 0; i < len(message); {
		r, size := utf8.DecodeRune(message[i:])
		if r == utf8.RuneError && size <= 1 || !unicode.IsPrint(r) {
			end(i)
			i += size
			from = i
			continue
		}
		length++
		i += size
	}
	end(len(message))
	return texts
}
