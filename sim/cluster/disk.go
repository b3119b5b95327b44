package cluster

import (
	"time"

	"consequor/board"
	"consequor/mutants"
	"consequor/replicad/host"
)

const (
	flushEveryMin = 16 // writes between two flushes of the board, drawn from here
	flushEveryMax = 160
	flushTimeMax  = 40 * time.Millisecond

	entrySize = 32 // bytes that a journal's entry has besides its content
)

// disk is a replica's: a journal, and the board as package store keeps it. What
// is visible of the board is in memory. Now and then it is flushed, never beyond
// what the journal has synced, and then the journal needs its articles no more.
//
//	Journal ──> journal ── synced ──┐
//	Put ──────> shown ── flush ─────┴──> tables
//	after a crash: shown = tables and the articles that the journal still has
type disk struct {
	c      *Cluster
	owner  board.ReplicaID
	random random
	notify func(host.Position) // tells the process of a sync

	journal journal
	wanted  host.Position // the furthest Sync
	syncing bool
	crashes int // what the disk was doing for a process that has died is void

	shown  board.Board
	tables board.Board // what of it is on disk
	flush  *flush      // under way; nil: none is
	due    int         // writes until the next

	fullUntil time.Duration
	slowMax   time.Duration
	slowUntil time.Duration
	rotten    bool
	wiped     bool
}

// flush brings the articles of the journal's entries before upTo into tables.
type flush struct {
	upTo     host.Position
	articles []board.Article
}

func newDisk(c *Cluster, owner board.ReplicaID) *disk {
	d := &disk{c: c, owner: owner, random: newRandom(c.Seed, forDisk, uint64(owner)), journal: newJournal()}
	d.drawFlush()
	return d
}

var _ host.Disk = (*disk)(nil)

// Past implements host.Disk.
func (d *disk) Past() (host.Past, error) {
	p := d.journal.now.Past
	p.Records = p.Records[:len(p.Records):len(p.Records)]
	return p, nil
}

// Save implements host.Disk, as its siblings below do.
func (d *disk) Save(record []byte) host.Position {
	if record == nil {
		record = []byte{}
	}
	return d.append(write{record: record, size: len(record)})
}

// Forget trims the records.
func (d *disk) Forget(upTo uint64) host.Position { return d.append(write{forget: upTo}) }

// Journal writes articles.
func (d *disk) Journal(articles []board.Article) host.Position {
	size := 0
	for i := range articles {
		size += articles[i].Size()
	}
	return d.append(write{articles: articles, size: size})
}

// SetState writes the host's own state.
func (d *disk) SetState(state []byte) host.Position {
	return d.append(write{state: state, size: len(state)})
}

// Reset drops all records.
func (d *disk) Reset(state []byte) host.Position {
	return d.append(write{reset: true, state: state, size: len(state)})
}

func (d *disk) append(w write) host.Position {
	w.size += entrySize
	pos := d.journal.append(w)
	if d.due--; d.due <= 0 {
		d.drawFlush()
		d.beginFlush()
	}
	return pos
}

// Backlog is what is written and not on disk.
func (d *disk) Backlog() int64 { return d.journal.backlog }

// Full reports that nothing gets to disk for now.
func (d *disk) Full() bool { return d.fullUntil > d.c.now }

// Sync asks for the disk; one fsync at a time.
func (d *disk) Sync(pos host.Position) {
	d.wanted = max(d.wanted, pos)
	d.sync()
}

func (d *disk) sync() {
	if d.syncing || d.wanted <= d.journal.durable {
		return
	}
	d.syncing = true
	end := d.journal.end() // later writes are for the next
	slowest := d.c.SyncMax
	if d.slowUntil > d.c.now {
		slowest = d.slowMax
	}
	d.later(d.random.between(50*time.Microsecond, slowest), func() { d.synced(end) })
}

// synced ends an fsync, once there is room.
func (d *disk) synced(end host.Position) {
	if d.Full() {
		d.later(d.fullUntil-d.c.now, func() { d.synced(end) })
		return
	}
	d.syncing = false
	d.journal.synced(end)
	d.c.emitf(d.owner, Synced, "to %d", end)
	d.sync()
	d.notify(end)
}

// later does something unless the machine crashes before.
func (d *disk) later(after time.Duration, do func()) {
	crashes := d.crashes
	d.c.after(after, func() {
		if d.crashes == crashes {
			do()
		}
	})
}

// crash leaves on disk what a crash does, and counts the writes that were not
// synced, and those of them that survive.
func (d *disk) crash(c Crash) (unsynced, kept int) {
	d.crashes++
	d.syncing = false
	j := &d.journal
	unsynced = int(j.end() - j.durable)
	kept = unsynced * c.Keep / 1000
	j.durable += host.Position(kept)
	lost := j.cut(j.durable, c.Tear)
	d.rotten = d.rotten || c.Rot
	d.wiped = d.wiped || c.Wipe
	if d.shows(lost) || d.flush != nil && d.c.Mutant == mutants.M33 {
		d.shown = *d.onDisk()
	}
	d.flush = nil
	return unsynced, kept
}

// shows reports whether articles of these entries are visible.
func (d *disk) shows(entries []write) bool {
	for i := range entries {
		for _, a := range entries[i].articles {
			if _, ok := d.shown.Get(a.ID); ok {
				return true
			}
		}
	}
	return false
}

// onDisk is the board that a crash would leave now.
func (d *disk) onDisk() *board.Board {
	b := new(board.Board)
	if d.wiped {
		return b
	}
	d.putAll(b, d.tables.Span(nil))
	for _, w := range d.journal.upTo(d.journal.durable) {
		d.putAll(b, w.articles)
	}
	return b
}

func (d *disk) putAll(b *board.Board, articles []board.Article) {
	for _, a := range articles {
		if err := b.Put(a); err != nil {
			d.c.Fail(d.owner, "white box: the board on disk: %v", err)
		}
	}
}

// recover is what a process that starts does first. why: it cannot.
func (d *disk) recover() (why string) {
	if why := d.damage(); why != "" {
		return why
	}
	if d.wiped {
		d.wipe()
	}
	if d.journal.recover() {
		d.c.Emit(Event{Replica: d.owner, Kind: Noted, Text: "a torn write is cut off"})
	}
	d.wanted = d.journal.end()
	for _, w := range d.journal.entries { // what was on disk, and not visible yet
		for i := range w.articles {
			d.c.checkArticle(d.owner, &w.articles[i])
		}
		d.putAll(&d.shown, w.articles)
	}
	return ""
}

// damage says why no process can start on the disk any more; empty: one can.
func (d *disk) damage() string {
	switch {
	case d.wiped && d.c.Mutant != mutants.M37:
		return "it has served before, and its data is gone"
	case d.rotten && !d.wiped:
		return "quarantined: what was on disk is damaged"
	}
	return ""
}

// wipe makes the disk as good as new.
func (d *disk) wipe() {
	d.journal, d.shown, d.tables = newJournal(), board.Board{}, board.Board{}
	d.rotten, d.wiped = false, false
}
