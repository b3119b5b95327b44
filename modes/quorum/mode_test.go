package quorum

import (
	"strings"
	"testing"

	"consequor/modes"
	"consequor/modes/modetest"
)

func options(pairs string) []modes.Option {
	var list []modes.Option
	for _, pair := range strings.Fields(pairs) {
		name, value, _ := strings.Cut(pair, "=")
		list = append(list, modes.Option{Name: name, Value: value})
	}
	return list
}

// The suite, which takes one replica away now and then, for quorums that bear
// that; those that need not meet keep the contract too, but promise less.
func TestContract(t *testing.T) {
	for _, test := range []struct {
		options  string
		replicas int
	}{
		{"", 2},
		{"", 5},
		{"read=2 write=4", 5},
		{"read=4 write=2", 5},
		{"read=3 write=3", 4},
		{"read=1 unsafe=true write=1", 3},
	} {
		t.Run(test.options, func(t *testing.T) {
			modetest.Run(t, modetest.Direct(New), modetest.Sizes(test.replicas), modetest.With(options(test.options)...))
		})
	}
}

// What the options say, and what is refused with which words.
func TestOptions(t *testing.T) {
	for _, test := range []struct {
		options  string
		replicas int
		want     quorums
		err      string
	}{
		{"", 1, quorums{1, 1, 1, false}, ""},
		{"", 4, quorums{4, 3, 3, false}, ""},
		{"read=1 write=3", 3, quorums{3, 1, 3, false}, ""},
		{"read=1 unsafe=true write=1", 3, quorums{3, 1, 1, true}, ""},
		{"read=1 write=1", 3, quorums{}, "read 1 + write 1 must be more than 3 replicas; unsafe: true lets it through"},
		{"read=4", 3, quorums{}, `read: want a number of replicas from 1 to 3, got "4"`},
		{"write=most", 3, quorums{}, `write: want a number of replicas from 1 to 3, got "most"`},
		{"unsafe=perhaps", 3, quorums{}, `unsafe: want true or false, got "perhaps"`},
		{"reed=2", 3, quorums{}, "reed: mode quorum has no such option"},
		{"read=4 reed=2 unsafe=perhaps write=1", 3, quorums{}, `read: want a number of replicas from 1 to 3, got "4"` + "\n" +
			"reed: mode quorum has no such option\n" + `unsafe: want true or false, got "perhaps"`},
	} {
		got, err := parse(options(test.options), test.replicas)
		switch {
		case test.err == "" && (err != nil || got != test.want):
			t.Errorf("%q for %d replicas: %+v, %v; want %+v", test.options, test.replicas, got, err, test.want)
		case test.err != "" && (err == nil || err.Error() != test.err):
			t.Errorf("%q for %d replicas: %v; want %s", test.options, test.replicas, err, test.err)
		}
	}
}
