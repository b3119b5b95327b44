package topologies

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"consequor/board"
)

// LinkFaultsMax bounds a table of faults, by directions: as an order it has to
// fit into OrderSizeMax.
const LinkFaultsMax = 8192

// On is what is wrong with what from says to to.
func (f *Faults) On(from, to board.ReplicaID) LinkFault {
	if i, found := f.find(from, to); found {
		return f.Links[i]
	}
	return LinkFault{From: from, To: to}
}

// Clone is a copy with a list of its own.
func (f *Faults) Clone() Faults {
	c := *f
	c.Links = slices.Clone(f.Links)
	return c
}

// Put puts l in the place of what the table says of that direction.
func (f *Faults) Put(l LinkFault) {
	i, found := f.find(l.From, l.To)
	switch {
	case found && l.Whole():
		f.Links = slices.Delete(f.Links, i, i+1)
	case found:
		f.Links[i] = l
	case !l.Whole():
		f.Links = slices.Insert(f.Links, i, l)
	}
}

func (f *Faults) find(from, to board.ReplicaID) (int, bool) {
	return slices.BinarySearchFunc(f.Links, LinkFault{From: from, To: to}, func(a, b LinkFault) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To))
	})
}

// Words says what is wrong, for people: "cut", "delay 50ms ± 10ms, loss 10%",
// "whole".
func (f LinkFault) Words() string {
	var words []string
	if f.Cut {
		words = append(words, "cut")
	}
	if delay := f.DelayWords(); delay != "" {
		words = append(words, "delay "+delay)
	}
	if f.Loss > 0 {
		words = append(words, "loss "+Percent(f.Loss))
	}
	if len(words) == 0 {
		return "whole"
	}
	return strings.Join(words, ", ")
}

// DelayWords is the delay with its jitter; empty: there is none.
func (f LinkFault) DelayWords() string {
	switch {
	case f.Delay == 0:
		return ""
	case f.Jitter == 0:
		return f.Delay.String()
	}
	return fmt.Sprintf("%v ± %v", f.Delay, f.Jitter)
}

// Percent writes a part of one as people do.
func Percent(part float64) string {
	return strconv.FormatFloat(100*part, 'g', 6, 64) + "%"
}

// ParsePercent reads what Percent writes.
func ParsePercent(text string) (float64, error) {
	number, ok := strings.CutSuffix(text, "%")
	part, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if !ok || err != nil || !(part >= 0 && part <= 100) {
		return 0, fmt.Errorf("want 0%% to 100%%, got %q", text)
	}
	return part / 100, nil
}
