package modechange

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"consequor/board"
)

// A story is a change told line by line: what happens, and what the changer
// then wants done.
//
//	begin              someone asks for a change
//	r1 prepared        r1 reports that; likewise: broken (an error), sealed V, merged V
//	r1 epoch 2         r1 begins epoch 2, and serves
//	r1 dies            its process ends; it will be started again
//	r1 killed          its process ends, for good
//	r1 starts 1        a new process, in epoch 1, with nothing done yet
//	r1 paused          it hears nothing
//	+10s               so much time passes
//	saved, not saved   the record is on disk, or may not be
//
// What it wants: save E/M (epoch and mode's epoch; ! while changing), an order
// for a replica as in "r1:seal" or "all:seal", "r2:merge 4", "r1:activate 2/2",
// and at last "swapped" or the cause of the failure.
func TestStories(t *testing.T) {
	for _, story := range []struct{ name, lines string }{
		{"all goes well", `
begin            => all:prepare
all prepared     => save 1/1!
saved            => all:seal
r1 sealed 3      =>
r2 sealed 5      =>
r3 sealed 5      => all:merge 5
r2 merged 5      =>
r3 merged 5      =>
r1 merged 5      => save 2/2
saved            => all:activate 2/2
r1 epoch 2       =>
r2 epoch 2       =>
r3 epoch 2       => swapped 2, missing none`},
		{"one cannot run the new mode: nothing has happened", `
begin            => all:prepare
r1 prepared      =>
r2 broken        => not_prepared: r2: no good; r1:discard r2:discard
r1 dropped       =>
r3 prepared      => r3:discard
begin            => all:prepare`},
		{"one is late to prepare", `
begin            => all:prepare
r1 prepared      =>
r2 prepared      =>
+15s             => not_prepared: after 15s the new mode is not ready on r3; r1:discard r2:discard`},
		{"one is killed while it is sealed", `
begin            => all:prepare
all prepared     => save 1/1!
saved            => all:seal
r1 sealed 3      =>
r3 killed        => save 2/1
saved            => r1:discard r1:activate 2/1 r2:discard r2:activate 2/1
r1 epoch 2       =>
r2 epoch 2       => called_off: r3 was killed; missing r3
r3 starts 2      =>`},
		{"one starts anew during the merge: sealed again, and a new target", `
begin            => all:prepare
all prepared     => save 1/1!
saved            => all:seal
r1 sealed 3      =>
r2 sealed 4      =>
r3 sealed 5      => all:merge 5
r1 merged 5      =>
r3 dies          =>
r2 merged 5      =>
r3 starts 1      => r3:prepare r3:seal
r3 sealed 6      => all:merge 6
r1 merged 6      =>
r2 merged 6      =>
r3 merged 6      =>
r3 prepared      => save 2/2
saved            => all:activate 2/2`},
		{"the new mode dies before the decision", `
begin            => all:prepare
all prepared     => save 1/1!
saved            => all:seal
r1 broken        => save 2/1`},
		{"one that is paused is too late for the seal, and hears of the end when it goes on", `
begin            => all:prepare
all prepared     => save 1/1!
r3 paused        =>
saved            => r1:seal r2:seal
r1 sealed 3      =>
r2 sealed 3      =>
+10s             => save 2/1
saved            => r1:discard r1:activate 2/1 r2:discard r2:activate 2/1
r1 epoch 2       =>
r2 epoch 2       =>
+30s             => called_off: r3: not sealed in time; missing r3
r3 goes on       => r3:discard r3:activate 2/1`},
		{"after the decision nobody is waited for who is gone, and nothing is undone", `
begin            => all:prepare
all prepared     => save 1/1!
saved            => all:seal
all sealed 3     => all:merge 3
all merged 3     => save 2/2
r1 killed        =>
saved            => r2:activate 2/2 r3:activate 2/2
r2 epoch 2       =>
+2s              => r3:activate 2/2
r3 epoch 2       => swapped 2, missing r1
r1 starts 1      => r1:activate 2/2
r1 epoch 2       =>`},
		{"no record, no seal", `
begin            => all:prepare
all prepared     => save 1/1!
not saved        => not_saved: disk full; all:discard`},
		{"no record, no decision: called off as soon as that can be recorded", `
begin            => all:prepare
all prepared     => save 1/1!
saved            => all:seal
all sealed 3     => all:merge 3
all merged 3     => save 2/2
not saved        => save 2/1
not saved        =>
+2s              => save 2/1
saved            => r1:discard r1:activate 2/1 r2:discard r2:activate 2/1 r3:discard r3:activate 2/1`},
	} {
		t.Run(story.name, func(t *testing.T) {
			s := newStory(Record{Epoch: 1, ModeEpoch: 1})
			for line := range strings.Lines(strings.TrimSpace(story.lines)) {
				happens, want, _ := strings.Cut(line, "=>")
				got := s.happens(t, strings.Fields(happens))
				if want := strings.TrimSpace(want); got != want {
					t.Fatalf("%s\ngot  %s\nwant %s", strings.TrimSpace(happens), got, want)
				}
			}
		})
	}
}

// A supervisor that finds Changing on disk calls the change off before any
// replica is started; without it, what is on disk is the truth.
func TestRestart(t *testing.T) {
	s := newStory(Record{Epoch: 4, ModeEpoch: 2, Changing: true})
	var out Output
	s.c.Step(0, nil, &out)
	if out.Save == nil || *out.Save != (Record{Epoch: 5, ModeEpoch: 2}) || len(out.Orders) > 0 {
		t.Fatalf("the first step: %+v", out)
	}
	s.c.Saved()
	for i := range s.reports {
		s.reports[i].Epoch = 5
	}
	if got := s.step(); got != "called_off: the supervisor ended while it was under way; missing none" {
		t.Error(got)
	}

	s = newStory(Record{Epoch: 5, ModeEpoch: 5})
	s.reports[0].Epoch = 4 // it was started a moment before the decision
	if got := s.step(); got != "r1:activate 5/5" {
		t.Error(got)
	}
	if refusal := s.c.Begin(0, s.reports); refusal == nil || refusal.Replica != "r1" {
		t.Errorf("begun with a replica of an earlier epoch: %+v", refusal)
	}
}

// A change does not begin while a replica does not serve, or is held.
func TestRefused(t *testing.T) {
	s := newStory(Record{Epoch: 1, ModeEpoch: 1})
	s.happens(t, []string{"r2", "killed"})
	if refusal := s.c.Begin(0, s.reports); refusal == nil || refusal.Why != "r2 is killed: all replicas are needed" {
		t.Errorf("%+v", refusal)
	}
	if s.c.Busy() {
		t.Error("it has begun")
	}
	s = newStory(Record{Epoch: 1, ModeEpoch: 1})
	s.reports[2].Held = "the plugin of r3 is paused"
	if refusal := s.c.Begin(0, s.reports); refusal == nil || refusal.Why != "the plugin of r3 is paused: all replicas are needed" || refusal.Replica != "r3" {
		t.Errorf("%+v", refusal)
	}
}

// The end tells how long each phase took, and how long posts had to wait.
func TestTimes(t *testing.T) {
	s := newStory(Record{Epoch: 1, ModeEpoch: 1})
	for _, line := range []string{"begin", "+5s", "all prepared", "saved", "+1s", "all sealed 3", "+2s", "all merged 3", "saved", "all epoch 2"} {
		s.happens(t, strings.Fields(line))
	}
	want := []Took{{Prepare, 5 * time.Second}, {Seal, time.Second}, {Merge, 2 * time.Second}, {Activate, 0}}
	if s.end == nil || !slices.Equal(s.end.Took, want) || s.end.Pause != 3*time.Second {
		t.Errorf("%+v", s.end)
	}
}

// story holds what the replicas report.
type story struct {
	c       *Changer
	now     time.Duration
	reports []Report
	end     *End
}

func newStory(record Record) *story {
	s := &story{c: New(record, []string{"r1", "r2", "r3"})}
	for _, name := range []string{"r1", "r2", "r3"} {
		s.reports = append(s.reports, Report{Replica: name, Life: 1, Alive: true, Listens: true, Serves: true, State: "serving", Epoch: record.Epoch})
	}
	return s
}

// happens does what a line says and tells what is wanted then.
func (s *story) happens(t *testing.T, words []string) string {
	t.Helper()
	line := strings.Join(words, " ")
	switch {
	case line == "begin":
		if refusal := s.c.Begin(s.now, s.reports); refusal != nil {
			t.Fatalf("refused: %+v", refusal)
		}
	case line == "saved":
		s.c.Saved()
	case line == "not saved":
		s.c.NotSaved("disk full")
	case strings.HasPrefix(line, "+"):
		d, err := time.ParseDuration(line[1:])
		if err != nil {
			t.Fatal(err)
		}
		s.now += d
	default:
		for i := range s.reports {
			if r := &s.reports[i]; words[0] == "all" || words[0] == r.Replica {
				s.reported(t, r, words[1:])
			}
		}
	}
	return s.step()
}

func (s *story) reported(t *testing.T, r *Report, words []string) {
	t.Helper()
	arg := strings.Join(words[1:], " ")
	switch words[0] {
	case "prepared":
		r.Attempt, r.Prepared = s.c.attempt, true
	case "broken":
		r.Attempt, r.Prepared, r.Error = s.c.attempt, false, "no good"
	case "dropped":
		r.Prepared = false
	case "sealed", "merged":
		v, err := board.ParseVector(arg)
		if err != nil {
			t.Fatal(err)
		}
		if r.Attempt = s.c.attempt; words[0] == "sealed" {
			r.Sealed = &v
		} else {
			r.Merged = &v
		}
	case "epoch":
		fmt.Sscan(arg, &r.Epoch)
		r.Sealed, r.Merged, r.Prepared = nil, nil, false
	case "killed", "dies":
		*r = Report{Replica: r.Replica, Life: r.Life, State: "starting"}
		if words[0] == "killed" {
			r.State, r.Gone = "killed", "was killed"
		}
	case "starts":
		*r = Report{Replica: r.Replica, Life: r.Life + 1, Alive: true, Listens: true, Serves: true, State: "serving"}
		fmt.Sscan(arg, &r.Epoch)
	case "paused", "goes":
		r.Listens = words[0] == "goes"
		r.Serves = r.Listens
	default:
		t.Fatalf("what is %q?", words)
	}
}

// step tells what the changer wants done, as a line.
func (s *story) step() string {
	var out Output
	s.c.Step(s.now, s.reports, &out)
	var parts []string
	if out.Save != nil {
		parts = append(parts, strings.TrimSuffix(fmt.Sprintf("save %d/%d!", out.Save.Epoch, out.Save.ModeEpoch), map[bool]string{false: "!"}[out.Save.Changing]))
	}
	if e := out.End; e != nil {
		s.end = e
		missing := cmp.Or(strings.Join(e.Missing, " "), "none")
		switch {
		case e.Swapped:
			parts = append(parts, fmt.Sprintf("swapped %d, missing %s", e.Epoch, missing))
		case e.Cause == CalledOff:
			parts = append(parts, fmt.Sprintf("%s: %s; missing %s", e.Cause, e.Why, missing))
		default:
			parts = append(parts, fmt.Sprintf("%s: %s", e.Cause, e.Why))
		}
	}
	if orders := ordersText(out.Orders, len(s.reports)); orders != "" {
		parts = append(parts, orders)
	}
	return strings.Join(parts, "; ")
}

// ordersText names one order that all get once.
func ordersText(orders []Order, n int) string {
	var texts []string
	same := len(orders) == n
	for _, o := range orders {
		text := string(o.Kind)
		switch o.Kind {
		case OrderMerge:
			text += " " + o.Target.String()
		case OrderActivate:
			text += fmt.Sprintf(" %d/%d", o.Epoch, o.ModeEpoch)
		}
		texts = append(texts, text)
		same = same && text == texts[0]
	}
	if same {
		return "all:" + texts[0]
	}
	for i, o := range orders {
		texts[i] = o.To + ":" + texts[i]
	}
	return strings.Join(texts, " ")
}
