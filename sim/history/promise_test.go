package history

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// What the checkers find broken some promise names, in the same words and by the
// same operations; and of what they find right, none is broken.
func TestPromises(t *testing.T) {
	for _, file := range []string{"testdata/good.txt", "testdata/bad_c0.txt", "testdata/bad_orders.txt", "testdata/bad_sessions.txt"} {
		for name, story := range stories(t, file) {
			h := readStory(t, story)
			verdicts, kept := Check(h, StepsDefault), CheckPromises(h, StepsDefault)
			if outcome := kept.Outcome(); (outcome == Broken) != (verdicts.Outcome() == Violated) {
				t.Errorf("%s: %s, and the checkers say %s", name, outcome, verdicts.Outcome())
			}
			for _, v := range verdicts {
				told := func(k Kept) bool {
					return k.Outcome == Broken && k.Broken == v.Property && k.Sentence == v.Sentence && slices.Equal(k.Ops, v.Ops)
				}
				if v.Outcome == Violated && !slices.ContainsFunc(kept, told) {
					t.Errorf("%s: no promise tells of %s: %s", name, v.Property, v.Sentence)
				}
			}
			for _, k := range kept {
				if (k.Outcome == Held) != (k.Sentence == "") || k.Outcome != NotKnown && !k.Asked {
					t.Errorf("%s: %+v", name, k)
				}
			}
		}
	}
}

// What a history has not put to the test is not held, and does not count.
func TestPromisesNotAsked(t *testing.T) {
	kept := CheckPromises(readStory(t, "live\nepoch 1 sequential\ns1 post r1 0-10: 1"), StepsDefault)
	var unasked []string
	for _, k := range kept {
		if !k.Asked {
			unasked = append(unasked, k.Promise)
			if k.Outcome != NotKnown || !strings.HasPrefix(k.Sentence, "Not asked: ") {
				t.Errorf("%s is not asked, and %s: %s", k.Promise, k.Outcome, k.Sentence)
			}
		}
	}
	want := []string{"whole answers", "session order", "fresh reads", "read your writes", "monotonic reads", "mode changes", "liveness"}
	if !slices.Equal(unasked, want) {
		t.Errorf("not asked: %q, want %q", unasked, want)
	}
	if kept.Outcome() != Held {
		t.Errorf("the verdict is %s", kept.Outcome())
	}
	if kept = CheckPromises(&History{Epochs: []Epoch{{1, "sequential", Sequential, 0}}}, StepsDefault); kept.Outcome() != NotKnown {
		t.Errorf("without any board the verdict is %s", kept.Outcome())
	}
}

// Porcupine finds one line for what is drawn exactly when C1 and C2 are content,
// on generated histories of one order.
func TestDrawnOrders(t *testing.T) {
	for seed := range uint64(300) {
		h := historyOf(drawOrder(rand.New(rand.NewPCG(seed, 1))))
		verdicts := Check(h, StepsDefault)
		ordered := verdicts[1].Outcome != Violated && verdicts[2].Outcome != Violated
		var page bytes.Buffer
		word, drawn, err := WritePorcupine(&page, h)
		if err != nil || drawn == 0 || !strings.Contains(page.String(), "<html") {
			t.Fatalf("seed %d: %d operations, %v", seed, drawn, err)
		}
		if (word == "Ok") != ordered {
			t.Errorf("seed %d: porcupine says %s, the checkers %s", seed, word, verdict(verdicts[1:3]))
		}
	}
}

// Of each right story something can be drawn, or nothing; never a wrong line. A
// read that goes back cannot be put in one.
func TestDrawnStories(t *testing.T) {
	for name, story := range stories(t, "testdata/good.txt") {
		word, drawn, err := WritePorcupine(new(bytes.Buffer), readStory(t, story))
		if err != nil || word != "Ok" {
			t.Errorf("%s: %s, of %d operations, %v", name, word, drawn, err)
		}
	}
	for name, story := range map[string]string{
		"quorum":          "epoch 1 quorum\ns1 post r1 0-10: 1.1\ns2 read r2 11-12: -",
		"read-your-write": "epoch 1 read-your-write\ns1 post r1 0-10: 1.1\ns1 read r2 11-12: -",
	} {
		if word, _, err := WritePorcupine(new(bytes.Buffer), readStory(t, story)); err != nil || word != "Illegal" {
			t.Errorf("%s: %s, %v", name, word, err)
		}
	}
}
