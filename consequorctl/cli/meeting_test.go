package cli

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

// arrive has members come to barriers, and returns what each was told. It is
// known that all but the last wait before the last one comes.
func arrive(t *testing.T, m *meeting, at map[string]string) map[string]error {
	t.Helper()
	type told struct {
		who string
		err error
	}
	answers := make(chan told, len(at))
	for who, where := range at {
		go func() { answers <- told{who, m.meet(t.Context(), who, where)} }()
	}
	results := make(map[string]error)
	for range at {
		a := <-answers
		results[a.who] = a.err
	}
	return results
}

// Two meet, again and again; where they do not fit together both are told.
func TestMeeting(t *testing.T) {
	m := newMeeting([]string{"one", "two"})
	for range 3 {
		for who, err := range arrive(t, m, map[string]string{"one": "here", "two": "here"}) {
			if err != nil {
				t.Fatalf("%s: %v", who, err)
			}
		}
	}
	for who, err := range arrive(t, m, map[string]string{"one": "here", "two": "there"}) {
		if err == nil || !strings.Contains(err.Error(), "one at barrier here, two at barrier there") {
			t.Errorf("%s: %v", who, err)
		}
	}
}

// Who waits for one that has failed, or has ended, is told at once: also if that
// happens while it waits, and also if it comes later.
func TestMeetingOfTooFew(t *testing.T) {
	for _, failed := range []bool{true, false} {
		m := newMeeting([]string{"one", "two", "three"})
		waiting := make(chan error)
		go func() { waiting <- m.meet(t.Context(), "one", "here") }()
		m.leave("two", failed)
		late := m.meet(t.Context(), "three", "here")
		for _, err := range []error{<-waiting, late} {
			var broken *brokenMeeting
			if !errors.As(err, &broken) || broken.ofAnother != failed || !strings.Contains(err.Error(), "two has ") {
				t.Errorf("failed %v: %v", failed, err)
			}
		}
	}
}

// Waiting is bounded, and ends with the script; the others still can meet then.
func TestMeetingIsBounded(t *testing.T) {
	m := newMeeting([]string{"one", "two"})
	m.limit = time.Millisecond
	if err := m.meet(t.Context(), "one", "here"); err == nil || !strings.Contains(err.Error(), "not here: two") {
		t.Errorf("got %v", err)
	}
	m.limit = time.Hour
	over, end := context.WithCancel(t.Context())
	end()
	if err := m.meet(over, "one", "here"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	for who, err := range arrive(t, m, map[string]string{"one": "here", "two": "here"}) {
		if err != nil {
			t.Errorf("%s: %v", who, err)
		}
	}
}
