package cluster

import (
	"consequor/modes"
	"consequor/replicad/host"
)

// fuse crashes a process at a boundary of a batch.
//
//	  plugin            host                      disk
//	BeforeStep ─> step ─> AfterStep ─> applied ─> AfterApply
//	                                      └──> written ──> synced ─> AfterSync
//	                                   released <────────────┘
//	                                      └──> AfterRelease
type fuse struct {
	boundary Boundary
	crash    Crash
	at       host.Position // AfterSync, AfterRelease: behind what the batch wrote; 0: it has not come yet
}

// CrashAt ends it at a boundary of the next batch that has effects; it is
// forgotten if the process ends before.
func (r *Replica) CrashAt(b Boundary, c Crash) {
	if p := r.process; p != nil {
		p.fuse = &fuse{boundary: b, crash: c}
	}
}

// burns reports whether this batch, at this boundary, is the one.
func (f *fuse) burns(b Boundary, effects *modes.Effects) bool {
	return f != nil && f.boundary == b && len(effects.List) > 0
}

// burnsAt reports whether what the batch wrote is on disk.
func (f *fuse) burnsAt(b Boundary, synced host.Position) bool {
	return f != nil && f.boundary == b && f.at > 0 && synced >= f.at
}

// fuseApplied follows a batch whose effects the host has just applied.
func (p *process) fuseApplied(effects *modes.Effects) {
	f := p.fuse
	if f == nil || len(effects.List) == 0 || f.at > 0 {
		return
	}
	j := &p.r.disk.journal
	switch {
	case f.boundary == AfterApply:
		p.die(f.crash, Crashed)
	case f.boundary == AfterSync || f.boundary == AfterRelease:
		f.at = j.end()
		if f.at <= j.durable { // it wrote nothing, and nothing waits
			p.die(f.crash, Crashed)
		}
	}
}
