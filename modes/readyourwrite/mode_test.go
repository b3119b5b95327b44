package readyourwrite

import (
	"strings"
	"testing"
	"time"

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

// The suite, for either way of reading, one copy and two.
func TestContract(t *testing.T) {
	for _, test := range []struct {
		options  string
		replicas int
	}{
		{"", 2},
		{"", 5},
		{"sync_on_read=token", 3},
		{"copies=2", 3},
		{"copies=2 sync_on_read=token", 4},
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
		want     settings
		err      string
	}{
		{"", 1, settings{1, 1, true, 300 * time.Millisecond}, ""},
		{"", 17, settings{17, 1, false, 300 * time.Millisecond}, ""},
		{"ask_timeout=1s copies=2 sync_on_read=token", 3, settings{3, 2, false, time.Second}, ""},
		{"sync_on_read=total", 17, settings{17, 1, true, 300 * time.Millisecond}, ""},
		{"copies=4", 3, settings{}, `copies: want a number of replicas from 1 to 3, got "4"`},
		{"ask_timeout=300", 3, settings{}, `ask_timeout: want a duration up to 1m0s, as in 300ms, got "300"`},
		{"ask_timeout=0s", 3, settings{}, `ask_timeout: want a duration up to 1m0s, as in 300ms, got "0s"`},
		{"sync_on_read=some", 3, settings{}, `sync_on_read: want total or token, got "some"`},
		{"copy=2", 3, settings{}, "copy: mode read-your-write has no such option"},
		{"ask_timeout=300 copies=4 copy=2", 3, settings{}, `ask_timeout: want a duration up to 1m0s, as in 300ms, got "300"` + "\n" +
			`copies: want a number of replicas from 1 to 3, got "4"` + "\ncopy: mode read-your-write has no such option"},
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
