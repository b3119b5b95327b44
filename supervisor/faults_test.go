//go:build linux

package supervisor

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"consequor/topologies"
)

func (c *cluster) change(r FaultRequest) *FaultResult {
	c.t.Helper()
	result, err := c.client.ChangeLinks(c.ctx, r)
	if err != nil {
		c.t.Fatalf("%+v: %v", r, err)
	}
	return result
}

func (c *cluster) cut(a, b string) *FaultResult {
	c.t.Helper()
	return c.change(FaultRequest{Verb: CutLinks, A: strings.Split(a, ","), B: strings.Split(b, ","), Wait: testLimit})
}

// faultsAt is the table that a fake has in force.
func (c *cluster) faultsAt(name string) (t topologies.Faults) {
	c.t.Helper()
	if err := json.Unmarshal([]byte(c.order(name, fakeOrder{Tell: "faults"})), &t); err != nil {
		c.t.Fatal(err)
	}
	return t
}

func cutText(links []topologies.LinkFault) string {
	var words []string
	for _, l := range links {
		words = append(words, fmt.Sprintf("%s>%s %s", l.From, l.To, l.Words()))
	}
	return strings.Join(words, "; ")
}

// A cut is in force everywhere when the answer comes; it stands in the status, an
// event tells of it, and it goes by heal.
func TestCutAndHeal(t *testing.T) {
	c := startCluster(t, 3)
	r := c.cut("r1", Rest)
	if len(r.Links) != 4 || fmt.Sprint(r.A, r.B, r.WaitedFor, r.Missing) != "[r1] [r2 r3] [r1 r2 r3] []" {
		t.Errorf("%+v", r)
	}
	const want = "r1>r2 cut; r1>r3 cut; r2>r1 cut; r3>r1 cut"
	for _, name := range []string{"r1", "r2", "r3"} {
		if table := c.faultsAt(name); cutText(table.Links) != want || table.Seed != c.seed() {
			t.Errorf("%s: %+v", name, table)
		}
	}
	if s := c.status(); len(s.Faults) != 4 || s.Faults[1].From != "r1" || s.Faults[1].To != "r3" || !s.Faults[1].Cut {
		t.Errorf("status: %+v", s.Faults)
	}
	if e := c.awaitEvent(EventCut, ""); e.Text != "link r1 <-> r2, r3: cut" || fmt.Sprint(e.Links) != "[[r1 r2] [r2 r1] [r1 r3] [r3 r1]]" {
		t.Errorf("event: %+v", e)
	}
	if r := c.cut("r2", "r1"); len(r.Links) != 0 || len(r.WaitedFor) != 3 {
		t.Errorf("the same again: %+v", r)
	}
	if r := c.change(FaultRequest{Verb: HealLinks, Wait: testLimit}); len(r.Links) != 4 {
		t.Errorf("heal: %+v", r)
	}
	if table := c.faultsAt("r2"); len(table.Links) != 0 || table.Number != 3 {
		t.Errorf("healed: %+v", table)
	}
	if e := c.awaitEvent(EventHealed, ""); e.Text != "all links: healed" || len(e.Links) != 4 {
		t.Errorf("event: %+v", e)
	}
}

func (c *cluster) seed() uint64 {
	s, err := readState(c.home())
	if err != nil {
		c.t.Fatal(err)
	}
	return s.Seed
}

// Delay and loss add up, one direction or two; zero takes away that one alone,
// and what is whole then is told as healed.
func TestDelayAndLoss(t *testing.T) {
	c := startCluster(t, 2)
	ends := FaultRequest{A: []string{"r1"}, B: []string{"r2"}, Wait: testLimit}
	set := func(verb FaultVerb, f func(*FaultRequest)) {
		t.Helper()
		r := ends
		r.Verb = verb
		f(&r)
		c.change(r)
	}
	set(DelayLinks, func(r *FaultRequest) { r.Delay, r.Jitter = 50*time.Millisecond, 10*time.Millisecond })
	set(LoseLinks, func(r *FaultRequest) { r.Loss, r.OneWay = 0.1, true })
	if got := cutText(c.faultsAt("r2").Links); got != "r1>r2 delay 50ms ± 10ms, loss 10%; r2>r1 delay 50ms ± 10ms" {
		t.Error(got)
	}
	set(DelayLinks, func(r *FaultRequest) {})
	if got := cutText(c.faultsAt("r1").Links); got != "r1>r2 loss 10%" {
		t.Error(got)
	}
	if e := c.awaitEvent(EventHealed, ""); e.Text != "link r1 <-> r2: no delay any more" || fmt.Sprint(e.Links) != "[[r2 r1]]" {
		t.Errorf("%+v", e)
	}
	if e := c.awaitEvent(EventLossy, ""); e.Text != "link r1 -> r2: loss 10%" || fmt.Sprint(e.Links) != "[[r1 r2]]" {
		t.Errorf("%+v", e)
	}
}

// An order that was lost is given again, until it is confirmed.
func TestFaultsAreToldAgain(t *testing.T) {
	c := newCluster(t, 2)
	c.wish("r2", "forgetful")
	c.up()
	if r := c.cut("r1", "r2"); len(r.WaitedFor) != 2 {
		t.Errorf("%+v", r)
	}
	if len(c.faultsAt("r2").Links) != 2 {
		t.Error("confirmed, but not in force")
	}
}

// Who is paused or down cannot confirm; who comes back finds the newest table in
// force, whether it goes on or starts anew.
func TestFaultsOfThoseWhoAreAway(t *testing.T) {
	c := startCluster(t, 4)
	c.act(Pause, "r1")
	c.act(Kill, "r2")
	r := c.cut("r3", "r4")
	if fmt.Sprint(r.WaitedFor, r.Missing) != "[r3 r4] [{r1 paused} {r2 killed}]" {
		t.Errorf("%+v", r)
	}
	c.change(FaultRequest{Verb: LoseLinks, A: []string{"r1"}, B: []string{"r2"}, Loss: 1, OneWay: true, Wait: testLimit})
	c.act(Resume, "r1")
	c.act(Restart, "r2")
	c.awaitState("r2", StateServing)
	const want = "r1>r2 loss 100%; r3>r4 cut; r4>r3 cut"
	c.eventually("r1 has caught up", func() bool { return cutText(c.faultsAt("r1").Links) == want })
	if got := cutText(c.faultsAt("r2").Links); got != want {
		t.Errorf("a new life of r2: %s", got)
	}
	// A crash, while nobody changes anything.
	c.exit("r3", 7)
	c.await("r3 serves again", func(s *ClusterStatus) bool {
		r := s.Replica("r3")
		return r.State == StateServing && r.Restarts == 1
	})
	if got := cutText(c.faultsAt("r3").Links); got != want {
		t.Errorf("a new life of r3: %s", got)
	}
}

// A process that runs and does not confirm is named when the time is up, and so
// is a link that is not connected again; the change stands.
func TestFaultsThatNobodyConfirms(t *testing.T) {
	c := newCluster(t, 3)
	c.wish("r3", "obstinate")
	c.wish("r2", "apart")
	c.up()
	short := FaultRequest{Verb: CutLinks, A: []string{"r1"}, B: []string{"r2"}, Wait: 50 * time.Millisecond}
	_, err := c.client.ChangeLinks(c.ctx, short)
	c.wantKind(err, KindTimeout)
	if !strings.Contains(err.Error(), "no word from r3") {
		t.Error(err)
	}
	if len(c.faultsAt("r1").Links) != 2 {
		t.Error("the cut does not stand")
	}
	c.act(Kill, "r3")
	_, err = c.client.ChangeLinks(c.ctx, FaultRequest{Verb: HealLinks, Wait: 500 * time.Millisecond})
	c.wantKind(err, KindTimeout)
	if !strings.Contains(err.Error(), "not connected again after 500ms: r1 - r2") {
		t.Error(err)
	}
}

// Faults and the seed of a topology are in force from the first start on, before
// any order, and again after each up, whatever was changed meanwhile.
func TestFaultsFromTheStart(t *testing.T) {
	c := newCluster(t, 2)
	c.wish("r1", "obstinate")
	c.wish("r2", "obstinate")
	c.config.Topology.Seed = 7
	c.config.Topology.Faults = []topologies.LinkFault{{From: 1, To: 2, Cut: true, Loss: 0.5}}
	c.up()
	if table := c.faultsAt("r1"); cutText(table.Links) != "r1>r2 cut, loss 50%" || table.Seed != 7 || table.Number == 0 {
		t.Errorf("%+v", table)
	}
	if e := c.awaitEvent(EventLossy, ""); e.Text != "from the start, link r1 -> r2: lossy" || fmt.Sprint(e.Links) != "[[r1 r2]]" {
		t.Errorf("%+v", e)
	}
	_, err := c.client.ChangeLinks(c.ctx, FaultRequest{Verb: HealLinks, Wait: time.Millisecond})
	c.wantKind(err, KindTimeout)
	if err := c.end(); err != nil {
		t.Fatal(err)
	}
	c.up()
	if table := c.faultsAt("r2"); cutText(table.Links) != "r1>r2 cut, loss 50%" {
		t.Errorf("%+v", table)
	}
}

// While a link is cut no mode change begins; once it is healed, one does.
func TestNoModeChangeOverACut(t *testing.T) {
	c := startCluster(t, 3)
	c.cut("r2", "r3")
	_, err := c.client.Swap(c.ctx, SwapRequest{Mode: topologies.Mode{Name: "quorum"}}, nil)
	c.wantKind(err, KindLinkCut)
	if !strings.Contains(err.Error(), "r2 -> r3, r3 -> r2 are cut") {
		t.Error(err)
	}
	c.change(FaultRequest{Verb: HealLinks, Wait: testLimit})
	if _, err := c.client.Swap(c.ctx, SwapRequest{Mode: topologies.Mode{Name: "quorum"}}, nil); err != nil {
		t.Error(err)
	}
}

// Sides that make no two, and figures that make no sense, are refused, and
// nothing changes.
func TestFaultMistakes(t *testing.T) {
	c := startCluster(t, 3)
	for _, test := range []struct {
		r    FaultRequest
		want string
	}{
		{FaultRequest{Verb: "burn", A: []string{"r1"}, B: []string{"r2"}}, `there is no link fault "burn"`},
		{FaultRequest{Verb: CutLinks}, "a side of the link names no replica"},
		{FaultRequest{Verb: HealLinks, A: []string{"r1"}}, "a side of the link names no replica"},
		{FaultRequest{Verb: CutLinks, A: []string{"r1"}, B: []string{"r4"}}, `there is no replica "r4"`},
		{FaultRequest{Verb: CutLinks, A: []string{"plugin:r1"}, B: []string{"r2"}}, `there is no replica "plugin:r1"`},
		{FaultRequest{Verb: CutLinks, A: []string{"r1", "r2", "r1"}, B: []string{"r3"}}, "r1 is named twice on one side"},
		{FaultRequest{Verb: CutLinks, A: []string{"r1"}, B: []string{"r3", "r1"}}, "r1 is on both sides: a link is between two replicas"},
		{FaultRequest{Verb: CutLinks, A: []string{Rest}, B: []string{Rest}}, "both sides are rest"},
		{FaultRequest{Verb: CutLinks, A: []string{"r1", Rest}, B: []string{"r2"}}, "rest stands alone: it is everyone that the other side does not name"},
		{FaultRequest{Verb: CutLinks, A: []string{Rest}, B: []string{"r1", "r2", "r3"}}, "rest is nobody: the other side names all replicas"},
		{FaultRequest{Verb: DelayLinks, A: []string{"r1"}, B: []string{"r2"}, Delay: -1}, "a delay of -1ns: want 0s to 1m0s"},
		{FaultRequest{Verb: DelayLinks, A: []string{"r1"}, B: []string{"r2"}, Jitter: 1}, "a jitter of 1ns is more than the delay, 0s"},
		{FaultRequest{Verb: LoseLinks, A: []string{"r1"}, B: []string{"r2"}, Loss: 1.5}, "a loss of 150%: want 0% to 100%"},
	} {
		_, err := c.client.ChangeLinks(c.ctx, test.r)
		c.wantKind(err, KindBadTarget)
		if err == nil || err.Error() != test.want {
			t.Errorf("%+v:\n want %s\n got  %v", test.r, test.want, err)
		}
	}
	if table := c.faultsAt("r1"); len(table.Links) > 0 || table.Number != 1 {
		t.Errorf("%+v", table)
	}
	_, err := c.client.ChangeLinks(c.ctx, FaultRequest{Verb: CutLinks, A: []string{"coordinator"}, B: []string{Rest}})
	c.wantKind(err, KindNoCoordinator)
}
