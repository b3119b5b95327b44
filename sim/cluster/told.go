package cluster

import (
	"consequor/board"
	"consequor/modes"
	"consequor/replicad/host"
)

// What a host tells of itself, but for its answers.

// View implements host.Clients, as its siblings below do.
func (p *process) View(v host.View) { p.view, p.viewChanged = v, true }

// Status takes what the mode reports.
func (p *process) Status(s modes.Status) {
	if s.Role != p.status.Role || s.Term != p.status.Term {
		p.r.c.emitf(p.r.ID, Role, "%s", roleWords(s))
		if told := p.r.c.Told; told != nil {
			told(p.r.ID, p.status, s)
		}
	}
	p.status, p.r.status = s, s
	p.serves = p.serves || s.CaughtUp
	p.checkOffice(s)
}

func (p *process) office() office { return office{p.active.Epoch, p.status.Term} }

// Sealed is told when the mode takes no more posts.
func (p *process) Sealed(v board.Vector) {
	p.sealed = &v
	p.r.c.emitf(p.r.ID, Noted, "sealed at %s", v)
}

// Merged is told when the board is where it was wanted.
func (p *process) Merged(v board.Vector) {
	p.merged = &v
	p.r.c.emitf(p.r.ID, Noted, "merged at %s", v)
}

// Stopped is told when the mode has handed over: all that was written gets to
// disk, and the process ends.
func (p *process) Stopped() { p.die(Crash{Keep: 1000}, Stopped) }

// Halted is told when the replica cannot go on; nothing that is dealt out here
// may lead to that.
func (p *process) Halted(why string) {
	p.r.c.Emit(Event{Replica: p.r.ID, Kind: Failed, Text: why})
	p.r.c.Fail(p.r.ID, "halted: %s", why)
}

// Note takes a line of the mode's.
func (p *process) Note(text string) {
	p.r.c.Emit(Event{Replica: p.r.ID, Kind: Noted, Text: text})
}
