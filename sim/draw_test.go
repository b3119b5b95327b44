package sim

import (
	"slices"
	"testing"
)

// A plan is a function of its configuration and its seed, and only faults that
// may be dealt out are.
func TestDrawIsAFunction(t *testing.T) {
	for seed := uint64(1); seed <= 20; seed++ {
		c := Config{Mode: "quorum", Faults: Crashes | Loss | Hops}
		one, err := Draw(c, seed)
		if err != nil {
			t.Fatal(err)
		}
		other, _ := Draw(c, seed)
		if one.Drawn != other.Drawn || len(one.Actions) != len(other.Actions) {
			t.Fatalf("seed %d: drawn as %q with %d actions, and as %q with %d", seed, one.Drawn, len(one.Actions), other.Drawn, len(other.Actions))
		}
		for i, a := range one.Actions {
			if b := other.Actions[i]; a.Text != b.Text || a.At != b.At || a.Number != i+1 {
				t.Errorf("seed %d, action %d: %v %q (%d), and %v %q", seed, i+1, a.At, a.Text, a.Number, b.At, b.Text)
			}
			if !c.Faults.Has(a.Fault) {
				t.Errorf("seed %d: %s is not among %s: %s", seed, a.Fault, c.Faults, a.Text)
			}
		}
	}
}

// Every fault that may be dealt out is, in some seed; none lasts beyond the end.
func TestEveryFaultIsDrawn(t *testing.T) {
	left := All &^ Hops // a way of going about operations, not an action
	for seed := uint64(1); seed <= 100; seed++ {
		p, err := Draw(Config{Mode: "quorum", Replicas: 5, Faults: All}, seed)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range p.Actions {
			left &^= a.Fault
			if a.At > p.end {
				t.Errorf("seed %d: %s at %s, and all ends at %s", seed, a.Text, a.At, p.end)
			}
		}
	}
	if left != None {
		t.Errorf("never drawn: %s", left)
	}
}

// The budget: no more disks are lost than a mode says it survives, whatever
// modes a plan goes through.
func TestBudget(t *testing.T) {
	for _, test := range []struct {
		mode     string
		replicas int
		most     int
	}{{"sequential", 5, 2}, {"sequential", 4, 1}, {"sequential", 1, 0}, {"quorum", 5, 2}, {"quorum", 2, 0}, {"read-your-write", 5, 2}} {
		met := 0
		for seed := uint64(1); seed <= 300; seed++ {
			p, err := Draw(Config{Mode: test.mode, Replicas: test.replicas, Faults: All}, seed)
			if err != nil {
				t.Fatal(err)
			}
			lost := 0
			for _, a := range p.Actions {
				if a.Fault == Rot || a.Fault == Wipes {
					lost++
				}
				if s, ok := a.do.(swapping); ok && lossesMax(s.mode, s.options, test.replicas) < p.losses {
					t.Errorf("%s, seed %d: %s, and %d disks may be lost", test.mode, seed, a.Text, p.losses)
				}
			}
			if lost > p.losses || p.losses > test.most {
				t.Errorf("%s, %d replicas, seed %d: %d disks are lost, %d may be, at most %d", test.mode, test.replicas, seed, lost, p.losses, test.most)
			}
			met = max(met, lost)
		}
		if met != test.most {
			t.Errorf("%s, %d replicas: never more than %d disks are lost, want %d now and then", test.mode, test.replicas, met, test.most)
		}
	}
}

// What cannot run is refused with a word that says why.
func TestDrawRefuses(t *testing.T) {
	for _, test := range []struct {
		c    Config
		want string
	}{
		{Config{Mode: "no-such"}, `there is no mode "no-such"; consequorctl mode list names them`},
		{Config{Mode: "sequential", Replicas: 8}, "mode sequential runs on up to 7 replicas, not on 8"},
		{Config{Replicas: -1}, "-1 replicas: want at least 1"},
	} {
		if _, err := Draw(test.c, 1); err == nil || err.Error() != test.want {
			t.Errorf("%+v: %v, want %q", test.c, err, test.want)
		}
	}
}

// A plan without some of its actions keeps their numbers, and leaves the whole
// plan as it was.
func TestOnly(t *testing.T) {
	p, err := Draw(Config{Faults: All}, 3)
	if err != nil {
		t.Fatal(err)
	}
	whole := len(p.Actions)
	part := p.Only([]int{7, 2, whole + 5})
	var numbers []int
	for _, a := range part.Actions {
		numbers = append(numbers, a.Number)
	}
	if !slices.Equal(numbers, []int{2, 7}) || len(p.Actions) != whole {
		t.Errorf("actions %v are left, and %d of %d in the whole plan", numbers, len(p.Actions), whole)
	}
	if r := Run(part, nil); r.Failed() {
		t.Error(told(r))
	}
}
