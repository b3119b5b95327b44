package history

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// stories are those of one file, by title.
func stories(t testing.TB, file string) map[string]string {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, part := range strings.Split(string(text), "\n== ")[1:] {
		name, rest, _ := strings.Cut(part, "\n")
		all[name], _, _ = strings.Cut(rest, "\n-> ")
	}
	return all
}

// A history reads back as it was written, and is judged alike.
func TestCodec(t *testing.T) {
	for _, file := range []string{"testdata/good.txt", "testdata/bad_c0.txt", "testdata/bad_orders.txt", "testdata/bad_sessions.txt"} {
		for name, story := range stories(t, file) {
			h := readStory(t, story)
			h.Source = "a story"
			h.Events = []Event{{At: 3, Kind: "killed", Replica: 2, Text: "r2 was killed"}, {At: 5, Kind: "cut", Replica: 1, Peer: 3, Text: "cut"}}
			if len(h.Ops) > 0 {
				h.Ops[0].Tries = []Try{{2, 1, 2, Unknown, "no_majority"}, {1, 3, 4, OK, "17"}}
				h.Ops[0].Why = "why"
			}
			var first, second bytes.Buffer
			n, err := h.WriteTo(&first)
			if err != nil || n != int64(first.Len()) {
				t.Fatalf("%s: %d bytes of %d, %v", name, n, first.Len(), err)
			}
			again, err := Load(bytes.NewReader(first.Bytes()))
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if diff := cmp.Diff(h, again, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%s: read back with differences:\n%s", name, diff)
			}
			if again.WriteTo(&second); !bytes.Equal(first.Bytes(), second.Bytes()) {
				t.Errorf("%s: written again it is not the same", name)
			}
			if a, b := verdict(Check(h, StepsDefault)), verdict(Check(again, StepsDefault)); a != b {
				t.Errorf("%s: judged\n  %s\nand read back\n  %s", name, a, b)
			}
		}
	}
}

// What is malformed is refused with the number of its line.
func TestLoadMalformed(t *testing.T) {
	const header = `{"history":{"version":1,"source":"","replicas":3,"epochs":[],"healed":0,"terms":0}}` + "\n"
	for text, want := range map[string]string{
		"":                                       "line 1: the history is empty",
		"{}\n":                                   "line 1: the first line, and no other, is",
		header + header:                          "line 2: the first line, and no other, is",
		header + "\n":                            "line 2: EOF",
		header + `{"op":`:                        "line 2: unexpected EOF",
		header + `{"op":{"numbr":1}}`:            `line 2: json: unknown field "numbr"`,
		header + `{"op":{"verb":"peek"}}`:        `line 2: the verb "peek": want post, reply`,
		header + `{"op":{"ids":["0"]}}`:          `line 2: article id "0": want a number from 1`,
		header + `{"board":{"same":true}}`:       "line 2: the first board cannot be the same",
		header + `{"article":{"id":"1"}}`:        "line 2: an article before any board",
		header + `{}`:                            `line 2: want {"op":...}`,
		header + `{"board":{"replica":1}} {}`:    "line 2: more than one thing in one line",
		strings.Replace(header, ":1,", ":2,", 1): "line 1: the history is of version 2, this program reads version 1",
		header + `{"op":{"number":2,"verb":"post","call":1,"outcome":"ok"}}`:                                                  "operation 1 of the history has the number 2",
		header + `{"op":{"number":1,"verb":"post","call":1,"outcome":"done"}}`:                                                `operation 1 has the outcome "done"`,
		header + `{"op":{"number":1,"verb":"post","call":1,"outcome":"ok"}}`:                                                  "operation 1 returned at 0.000 s, before it was called at 0.000 s",
		header + `{"op":{"number":1,"verb":"post","call":0,"outcome":"ok"}}`:                                                  "operation 1, a post, is ok and has no id",
		header + `{"op":{"number":1,"verb":"read","call":1,"outcome":"unknown","view":{"up_to":"2.1,1","count":0,"sum":""}}}`: "line 2: vector",
	} {
		if _, err := Load(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\nread with %v, want %s", text, err, want)
		}
	}
}

// Whatever the bytes, reading ends, and what it yields can be judged and
// written again.
func FuzzLoad(f *testing.F) {
	for _, story := range stories(f, "testdata/good.txt") {
		var b bytes.Buffer
		readStory(&testing.T{}, story).WriteTo(&b)
		f.Add(b.Bytes())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := Load(bytes.NewReader(b))
		if err != nil {
			return
		}
		Check(h, 100_000)
		var again bytes.Buffer
		if _, err := h.WriteTo(&again); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(&again); err != nil {
			t.Fatal(err)
		}
	})
}
