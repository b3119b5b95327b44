package modeplugin

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"consequor/board"
	"consequor/modes"
)

// A step's effects are counted before they are decoded, the articles within
// them too: either can be many in few bytes.
func TestStepsOfTooMuch(t *testing.T) {
	articles := modes.Store{Articles: make([]board.Article, effectsMax/2+1)}
	for _, c := range []struct {
		name    string
		effects []modes.Effect
		refused bool
	}{
		{"as many as may be", many(effectsMax), false},
		{"one more", many(effectsMax + 1), true},
		{"few stores of many articles", []modes.Effect{articles, articles}, true},
		{"one of them", []modes.Effect{articles}, false},
	} {
		buf, err := appendEffects(nil, 1, &modes.Effects{List: c.effects})
		if err != nil {
			t.Fatal(err)
		}
		if err := checkSize(buf); (err != nil) != c.refused {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func many(n int) []modes.Effect {
	effects := make([]modes.Effect, n)
	for i := range effects {
		effects[i] = modes.Stopped{}
	}
	return effects
}

// What is malformed is counted up to there, and left to the decoder.
func FuzzCheckSize(f *testing.F) {
	buf, err := appendEffects(nil, 7, &modes.Effects{List: []modes.Effect{modes.Store{Articles: make([]board.Article, 3)}, modes.Note{Text: "x"}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(buf)
	f.Add(buf[:len(buf)-1])
	f.Fuzz(func(t *testing.T, buf []byte) {
		if err := checkSize(buf); err != nil && len(buf) < 2*effectsMax {
			t.Errorf("%d bytes: %v", len(buf), err)
		}
	})
}

// A plugin writes more than it may: the rest is left out and counted, and once
// it has been quiet it is heard again. Its last words are kept all the same.
func TestOutputFlood(t *testing.T) {
	var log bytes.Buffer
	words := newLastWords(&log)
	now := time.Now()
	words.now = func() time.Time { return now }
	line := strings.Repeat("x", 1023) + "\n"
	for range 2 * outputBurst / len(line) {
		fmt.Fprint(words.writer(), line)
	}
	if log.Len() > outputBurst || log.Len() < outputBurst-len(line) {
		t.Errorf("%d bytes passed on, want %d", log.Len(), outputBurst)
	}
	fmt.Fprint(words.writer(), "the last words\n")
	log.Reset()
	now = now.Add(time.Second)
	fmt.Fprint(words.writer(), "after a second\n")
	if want := fmt.Sprintf("(%d lines left out: the plugin writes too much)\nafter a second\n", outputBurst/len(line)+1); log.String() != want {
		t.Errorf("it says %q, want %q", log.String(), want)
	}
	if last := words.last(); !strings.HasSuffix(last, "the last words\nafter a second") {
		t.Errorf("last words end with %q", last[max(0, len(last)-50):])
	}
}
