package cluster

import (
	"fmt"

	"consequor/board"
	"consequor/modes"
)

// What no checker of histories can see, because it looks behind the answers, is
// asserted here all the time.

// office is what a coordinator is elected into: there is one for each.
type office struct{ epoch, term uint64 }

func (o office) above(other office) bool {
	return o.epoch > other.epoch || o.epoch == other.epoch && o.term > other.term
}

// checkOffice asserts that a term of an epoch has one coordinator.
func (p *process) checkOffice(s modes.Status) {
	if s.Role != modes.RoleCoordinator || s.Term == 0 {
		return
	}
	c := p.r.c
	o := office{p.active.Epoch, s.Term}
	if before, ok := c.coordinators[o]; ok && before != p.r.ID {
		c.Fail(p.r.ID, "white box: %s and %s both coordinate in term %d of epoch %d", before, p.r.ID, o.term, o.epoch)
		return
	}
	c.coordinators[o] = p.r.ID
}

// checkArticle asserts that an article is the same wherever it is seen.
func (c *Cluster) checkArticle(at board.ReplicaID, a *board.Article) {
	before, ok := c.articles[a.ID]
	switch {
	case !ok:
		c.articles[a.ID] = *a
	case before != *a:
		c.contradict(at, "white box: article %s is %q by %s here, and %q by %s elsewhere or before (keys %q and %q)",
			a.ID, a.Title, a.Author, before.Title, before.Author, a.Key, before.Key)
	}
}

// consequences is how long a run goes on once boards have contradicted each
// other, unless the caller ends it: whoever was about to be told of either
// article is, also by a replica that must first find out whom it has lost.
const consequences = 3 * DetectAfter / 2

// contradict ends the run as Fail does, but a little later: one id on two boards
// is found before their clients have heard of it, and what they hear is what
// people understand.
func (c *Cluster) contradict(r board.ReplicaID, format string, args ...any) {
	if c.err != nil || c.contradiction != nil {
		return
	}
	text := fmt.Sprintf(format, args...)
	c.Emit(Event{Replica: r, Kind: Violation, Text: text})
	c.contradiction = fmt.Errorf("at %s: %s: %s", c.now, r, text)
	c.after(consequences, func() { c.err = c.Err() })
}

// checkView asserts that what may be answered without the mode is on the board,
// and in the first order of all a prefix of it.
func (p *process) checkView() {
	p.viewChanged = false
	if p.view.Guarantee == "" {
		return
	}
	shown := &p.r.disk.shown
	for _, id := range p.view.Board {
		if _, ok := shown.Get(id); !ok {
			p.r.c.Fail(p.r.ID, "white box: the host may answer up to %s, and the board holds %s", p.view.Board, shown.Vector())
			return
		}
	}
	if n := p.view.Board.Seq(board.Cluster); n != 0 && p.active.ModeEpoch == 1 && uint64(shown.Len()) < n {
		p.r.c.Fail(p.r.ID, "white box: the host may answer up to %s, and the board has %d articles", p.view.Board, shown.Len())
	}
}
