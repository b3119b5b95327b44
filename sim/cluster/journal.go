package cluster

import (
	"consequor/board"
	"consequor/replicad/host"
)

// write is one entry of a journal; one field is set, a state with a reset.
type write struct {
	record   []byte
	forget   uint64
	articles []board.Article
	state    []byte
	reset    bool // before the state is set, all records go
	torn     bool // a crash has left a part of it only
	size     int
}

// past is what a journal says of earlier lives.
type past struct{ host.Past }

func newPast() past { return past{host.Past{First: 1}} }

// apply brings it up to date with one more entry.
func (p *past) apply(w *write) {
	if w.reset {
		*p = newPast()
	}
	switch {
	case w.record != nil:
		p.Records = append(p.Records, w.record)
	case w.state != nil:
		p.State = w.state
	case w.forget >= p.First:
		n := min(w.forget-p.First+1, uint64(len(p.Records)))
		p.Records = p.Records[n:]
		p.First = w.forget + 1
	}
}

// journal is a replica's share of one, as package store has it: an ordered list
// of writes, of which a crash leaves a prefix.
//
//	   trimmed      │ entries                                  │
//	   (folded into │ on disk                  │ not synced yet │
//	   before)      │                          │                │
//	────────────────┴──────────────────────────┴────────────────┴──>
//	              base                      durable            end
type journal struct {
	entries []write
	base    host.Position // behind the last entry that was trimmed
	durable host.Position
	before  past // what the trimmed entries come to
	now     past // with all entries
	backlog int64
}

func newJournal() journal { return journal{before: newPast(), now: newPast()} }

func (j *journal) end() host.Position { return j.base + host.Position(len(j.entries)) }

func (j *journal) append(w write) host.Position {
	j.entries = append(j.entries, w)
	j.now.apply(&w)
	j.backlog += int64(w.size)
	return j.end()
}

// upTo lists the entries before pos.
func (j *journal) upTo(pos host.Position) []write { return j.entries[:pos-j.base] }

// synced notes that everything before pos is on disk.
func (j *journal) synced(pos host.Position) {
	for i := j.durable; i < pos; i++ {
		j.backlog -= int64(j.entries[i-j.base].size)
	}
	j.durable = max(j.durable, pos)
}

// trim forgets the entries before pos, but for what they come to; their
// articles are somebody else's matter.
func (j *journal) trim(pos host.Position) {
	n := int(pos - j.base)
	for i := range n {
		j.before.apply(&j.entries[i])
	}
	j.entries = append([]write(nil), j.entries[n:]...)
	j.base = pos
}

// cut leaves what a crash does: everything before pos, and perhaps a part of
// the entry behind it. It returns the entries that are lost.
func (j *journal) cut(pos host.Position, tear bool) (lost []write) {
	n := pos - j.base
	lost = j.entries[n:]
	j.entries = j.entries[:n:n]
	if tear && len(lost) > 0 {
		j.entries = append(j.entries, write{torn: true})
	}
	return lost
}

// recover reads the journal as a process does that starts: what is torn is cut
// off, and all that is there is on disk. It reports whether something was torn.
func (j *journal) recover() (torn bool) {
	if n := len(j.entries); n > 0 && j.entries[n-1].torn {
		j.entries, torn = j.entries[:n-1:n-1], true
	}
	j.durable, j.backlog = j.end(), 0
	j.now = j.before
	j.now.Records = append([][]byte(nil), j.before.Records...)
	for i := range j.entries {
		j.now.apply(&j.entries[i])
	}
	return torn
}
