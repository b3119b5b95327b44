package builtin_test

import (
	"strings"
	"testing"

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
