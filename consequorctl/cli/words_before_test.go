package cli

import (
	"slices"
	"strings"
	"testing"
)

func testPlayer() *player { return newPlayer(&Console{Output: &Output{}}, new(play)) }

// What stands behind capture's NAME is a PATH or the command: by a dot, or by
// what follows.
func TestCapturePath(t *testing.T) {
	p := testPlayer()
	for line, want := range map[string]bool{
		"ID post hello":                false,
		"ID post":                      false,
		"ID .id post":                  true,
		"ALL . read":                   true,
		"T token read --at r1":         true,
		"A articles.0.id read":         true,
		"A articles.0.id at r2 read":   true,
		"M mode status":                true,  // a path that is a word as well
		"ID post read":                 false, // a text that is a word as well
		"ID at r2 post hello":          false,
		"ID at read post hello":        false, // a replica of that name
		"OUT exec cat file":            false,
		"OUT echo stdout":              false,
		"OUT refused choose 9":         false,
		"OUT kind refused choose 9":    true,
		"OUT eventually 1s x read":     false,
		"OUT out eventually 1s x read": true,
		"X nothing-known at-all":       false,
	} {
		if got := p.hasPath(strings.Fields(line)); got != want {
			t.Errorf("capture %s: a path %v, want %v", line, got, want)
		}
	}
}

// Flags go behind the command that is meant, past all words before it and past
// those below it, and never behind --.
func TestWordsBefore(t *testing.T) {
	p := testPlayer()
	for _, c := range []struct{ line, command, given string }{
		{"read", "read", "read --at r2"},
		{"as ann read --all", "read --all", "read --at r2 --all"},
		{"eventually 3s x as ann post -- -x", "post -- -x", "post --at r2 -- -x"},
		{"refused exits 3 reply 9", "reply 9", "reply --at r2 9"},
		{"capture T token as ann read", "read", "read --at r2"},
		{"capture T as ann read", "read", "read --at r2"},
		{"load start --clients 2", "load start --clients 2", "load start --at r2 --clients 2"},
		{"bench --posts 3", "bench --posts 3", "bench --at r2 --posts 3"},
	} {
		args := strings.Fields(c.line)
		at := p.commandAt(args)
		if got := strings.Join(args[at:], " "); got != c.command {
			t.Errorf("%s: the command is %q, want %q", c.line, got, c.command)
			continue
		}
		if !hasFlag(args[at:], "at") {
			t.Errorf("%s: knows no --at", c.line)
		}
		if got := strings.Join(give(args[at:], "--at", "r2"), " "); got != c.given {
			t.Errorf("%s: got %q, want %q", c.line, got, c.given)
		}
	}
	for _, line := range []string{"kill r1", "load stop", "echo x", "mode list"} {
		if hasFlag(strings.Fields(line), "at") {
			t.Errorf("%s knows --at", line)
		}
	}
	if at := p.commandAt([]string{"at", "r2"}); at != 2 {
		t.Errorf("a command at %d where there is none", at)
	}
}

// The engine is told which arguments are patterns, also behind other words. They
// are counted from 0, behind the first word.
func TestPatternsOfALine(t *testing.T) {
	p := testPlayer()
	for line, want := range map[string][]int{
		"eventually 3s x read":              {1},
		"at r2 eventually 3s x read":        {3},
		"never 1s x eventually 3s y read":   {1, 4},
		"eventually 3s x grep y file":       {1, 3},
		"eventually 3s x grep -count=2 y f": {1, 4},
		"capture A b.c eventually 3s x cat": {4},
		"refused reply 9 x":                 nil,
		"eventually":                        {1},
	} {
		args := strings.Fields(line)
		usage := p.engine.Cmds[args[0]].Usage()
		if got := usage.RegexpArgs(args[1:]...); !slices.Equal(got, want) {
			t.Errorf("%s: patterns at %v, want %v", line, got, want)
		}
	}
}

// What is captured: the id, a field, or everything.
func TestCapturedAnswer(t *testing.T) {
	for _, c := range []struct {
		answer, path string
		given        bool
		want         string
	}{
		{`{"id":"3.1","key":"k"}` + "\n", "", false, "3.1"},
		{`{"id":"3.1"}` + "\n", "", true, `{"id":"3.1"}`}, // a dot alone
		{`{"count":7}` + "\n", "", false, `{"count":7}`},
		{`{"id":7}` + "\n", "", false, `{"id":7}`}, // no id of an article
		{"two\nlines\n", "", false, "two\nlines"},
		{`{"a":[{"b":true}]}`, "a.0.b", true, "true"},
		{`{"seq":12345678901234567890}`, "seq", true, "12345678901234567890"},
	} {
		got, err := answerOf([]byte(c.answer), c.path, c.given)
		if err != nil || got != c.want {
			t.Errorf("%q at %q: got %q (%v), want %q", c.answer, c.path, got, err, c.want)
		}
	}
}
