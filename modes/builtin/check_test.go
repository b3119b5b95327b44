package builtin_test

import (
	"strings"
	"testing"

	"consequor/modes"
	"consequor/modes/builtin"
)

// A cluster's size may be one that its user did not mean.
func TestCheckWarns(t *testing.T) {
	for _, test := range []struct {
		mode     string
		replicas int
		want     string // in the warning; empty: there is none
	}{
		{"sequential", 3, ""},
		{"sequential", 1, ""},
		{"sequential", 4, "4 replicas survive no more deaths than 3 do"},
		{"quorum", 2, "one dead stops posts"},
		{"quorum", 3, ""},
		{"quorum", 4, ""},
		{"read-your-write", 2, ""},
		{"mine", 2, ""},
	} {
		warning, err := builtin.Check(test.mode, nil, test.replicas)
		if err != nil || (warning == "") != (test.want == "") || !strings.Contains(warning, test.want) {
			t.Errorf("%s, %d replicas: warning %q (%v), want %q", test.mode, test.replicas, warning, err, test.want)
		}
	}
}

// Options that a mode would not run with are told before it is started, in the
// mode's own words.
func TestCheckRefuses(t *testing.T) {
	for _, test := range []struct {
		mode, option, value string
		want                string // in the error; empty: there is none
	}{
		{"quorum", "read", "1", "read 1 + write 2 must be more than 3 replicas"},
		{"quorum", "read", "2", ""},
		{"quorum", "write", "4", "write: "},
		{"quorum", "unsafe", "perhaps", "unsafe: "},
		{"read-your-write", "copies", "4", "copies: "},
		{"read-your-write", "copies", "3", ""},
		{"read-your-write", "ask_timeout", "soon", "ask_timeout: "},
		{"read-your-write", "copy", "2", "copy: "},
	} {
		_, err := builtin.Check(test.mode, []modes.Option{{Name: test.option, Value: test.value}}, 3)
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s with %s: %s: %v, want %q", test.mode, test.option, test.value, err, test.want)
		}
	}
}
