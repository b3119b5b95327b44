package sim

import (
	"math/rand/v2"
	"strconv"

	"consequor/modes"
)

// drawModeOptions chooses a mode's options for so many replicas; those given
// win.
func drawModeOptions(random *rand.Rand, mode string, replicas int, given []modes.Option) []modes.Option {
	switch mode {
	case "quorum":
		return drawQuorum(random, replicas, given)
	case "read-your-write":
		drawn := []modes.Option{
			{Name: "ask_timeout", Value: []string{"300ms", "100ms", "20ms"}[random.IntN(3)]},
			{Name: "copies", Value: strconv.Itoa(1 + random.IntN(min(3, replicas)))},
			{Name: "sync_on_read", Value: []string{"token", "total"}[random.IntN(2)]},
		}
		return override(drawn, given)
	}
	return given
}

// drawQuorum chooses R and W so that they just meet, or the defaults. Who gives
// one of them gets the other to it.
func drawQuorum(random *rand.Rand, replicas int, given []modes.Option) []modes.Option {
	write := 1 + random.IntN(replicas)
	defaults := random.IntN(2) == 0
	read, hasRead := optionNumber(given, "read")
	if w, hasWrite := optionNumber(given, "write"); hasWrite || hasRead {
		write, defaults = w, false
		if !hasWrite {
			write = replicas - read + 1
		}
	}
	if defaults {
		return given
	}
	return override([]modes.Option{
		{Name: "read", Value: strconv.Itoa(replicas - write + 1)},
		{Name: "write", Value: strconv.Itoa(write)},
	}, given)
}

func override(drawn, given []modes.Option) []modes.Option {
	all := append([]modes.Option(nil), given...)
	for _, o := range drawn {
		if _, ok := option(given, o.Name); !ok {
			all = append(all, o)
		}
	}
	return sortedOptions(all)
}

func option(list []modes.Option, name string) (string, bool) {
	for _, o := range list {
		if o.Name == name {
			return o.Value, true
		}
	}
	return "", false
}

func optionNumber(list []modes.Option, name string) (int, bool) {
	value, ok := option(list, name)
	if !ok {
		return 0, false
	}
	n, err := strconv.Atoi(value)
	return n, err == nil
}

// lossesMax is how many disks may be lost for good in a mode: so many that all
// that was acknowledged is still somewhere, and posts and reads still go on.
func lossesMax(mode string, options []modes.Option, replicas int) int {
	switch mode {
	case "sequential":
		return (replicas - 1) / 2
	case "quorum":
		r, w := replicas/2+1, replicas/2+1
		if n, ok := optionNumber(options, "read"); ok {
			r = n
		}
		if n, ok := optionNumber(options, "write"); ok {
			w = n
		}
		return max(0, min(w-1, replicas-max(w, replicas-w+1), replicas-r))
	case "read-your-write":
		copies, _ := optionNumber(options, "copies")
		return max(0, min(copies-1, replicas-copies))
	}
	return 0
}
