package topologies

import (
	"strings"
	"testing"
)

// A mode that is an exhibit runs by its name and with unsafe alone; no list of
// modes has it, and no suggestion leads there.
func TestExhibit(t *testing.T) {
	for text, want := range map[string]string{
		"mode: example-primary\nreplicas: 3\nunsafe: true\n":                              "",
		"mode: {name: example-primary, options: {unsafe: true}}\nreplicas: 3\n":           "",
		"mode: example-primary\nreplicas: 3\n":                                            "x.yaml:1:7: mode example-primary: broken on purpose",
		"mode: {name: example-primary, options: {terms: 1}}\nreplicas: 3\nunsafe: true\n": "has no option \"terms\"",
		"mode: example-primarx\nreplicas: 3\n":                                            "x.yaml:1:7: unknown mode \"example-primarx\": known are quorum, read-your-write, sequential",
	} {
		got, err := Parse("x.yaml", []byte(text), known)
		switch {
		case want == "" && (err != nil || !got.Mode.Unsafe):
			t.Errorf("%q: %+v, %v", text, got, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
}
