package sim

import (
	"strings"
	"testing"

	"consequor/board"
	"consequor/sim/cluster"
)

// What nobody can read is shown as it is.
func TestRawWords(t *testing.T) {
	for message, want := range map[string]string{
		"":               "0 bytes",
		"HAVE board=7\n": "HAVE board=7",
		"NOMINATE r2":    "NOMINATE r2",
		"\x01\x02":       "2 bytes: 01 02",
		"ab\x01cd":       "5 bytes: 61 62 01 63 64",
		"\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c": "13 bytes: 00 01 02 03 04 05 06 07 08 09 0a 0b ...",
		"GET_ID\x00\x07\xffgrüße\x00ab":                        "GET_ID | grüße (19 bytes)",
		"\x00" + strings.Repeat("ü", 70):                       strings.Repeat("ü", 60) + "... (141 bytes)",
	} {
		if got := rawWords([]byte(message)); got != want {
			t.Errorf("%q: got %q, want %q", message, got, want)
		}
	}
}

// A mode that comes with consequor says itself what its messages mean, also
// where another's is tried.
func TestDescribe(t *testing.T) {
	var p Plan
	p.Mode = "sequential"
	p.Launch = func(board.ReplicaID) (cluster.Machine, error) { return nil, nil }
	if got := p.describe("sequential", []byte{0xff}); got != "1 bytes: ff" {
		t.Errorf("another's: %q", got)
	}
	if got := p.describe("quorum", []byte{0xff}); got != "malformed" {
		t.Errorf("a built-in one: %q", got)
	}
}
