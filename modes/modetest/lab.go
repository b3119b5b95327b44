package modetest

import (
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"consequor/board"
	"consequor/modes"
)

const (
	labLatency  = time.Millisecond          // of every message
	labTimeout  = 2 * time.Second           // of every request
	labGrace    = 100 * time.Millisecond    // for the mode to answer after that
	labPatience = 10 * time.Second          // for a mode to do what it must once faults have stopped
	labStepsMax = 50_000                    // batches of one scenario; more is a mode that never rests
	labTraceMax = 30                        // steps shown with a fault
	labLineMax  = 240                       // bytes of one of them
	labSeed     = 0x636f6e736571756f72 >> 8 // of all replicas; each gets it plus its number
)

// lab is a small cluster of a mode, in virtual time.
type lab struct {
	scenario string
	launch   Launcher
	options  []modes.Option
	now      time.Duration
	replicas []*labReplica // by number, from 1
	packets  []labPacket   // under way, by time of arrival
	sent     int           // packets ever
	copies   func(n int) int
	cut      map[labLink]bool // for lookup only

	steps     int
	requests  []*labRequest // all ever asked, by id
	titles    int           // of posts, so that each has its own
	seen      board.Vector  // what the one session of the script has seen
	stored    map[board.ArticleID]board.Article
	faults    []error
	trace     []string
	recording []*recordedLife
}

type labLink struct{ from, to board.ReplicaID }

// labPacket is a message between replicas.
type labPacket struct {
	labLink
	arrives     time.Duration
	incarnation uint64 // of the sender
	message     []byte
	span        *labSpan
}

// labSpan is the part of a board that SendBoard adds to a message.
type labSpan struct {
	since, upTo board.Vector
	articles    []board.Article
}

func newLab(scenario string, launch Launcher, size int, options []modes.Option) *lab {
	l := &lab{
		scenario: scenario, launch: launch, options: options,
		copies: func(int) int { return 1 },
		cut:    make(map[labLink]bool),
		stored: make(map[board.ArticleID]board.Article),
	}
	for i := range size {
		l.replicas = append(l.replicas, newLabReplica(l, board.ReplicaID(i+1)))
	}
	return l
}

// labStop unwinds a scenario after its first fault.
type labStop struct{}

// fault notes a breach of the contract, and ends the scenario: what comes
// after a first breach says little.
func (l *lab) fault(format string, args ...any) {
	said := fmt.Sprintf(format, args...)
	l.faults = append(l.faults, fmt.Errorf("at %v: %s\n\t%s", l.now, said, strings.Join(l.trace, "\n\t")))
	panic(labStop{})
}

// attempt runs f up to the first fault; to panic is one.
func (l *lab) attempt(f func()) {
	defer func() {
		if r := recover(); r != nil && r != any(labStop{}) {
			l.faults = append(l.faults, fmt.Errorf("at %v: panic: %v\n%s\t%s", l.now, r, debug.Stack(), strings.Join(l.trace, "\n\t")))
		}
	}()
	f()
}

func (l *lab) shutDown() {
	var faults []error
	for _, r := range l.replicas {
		if r.machine != nil {
			faults = append(faults, r.machine.Close())
			r.machine = nil
		}
	}
	if err := errors.Join(faults...); err != nil {
		l.fault("close: %v", err)
	}
}

func (l *lab) replica(id board.ReplicaID) *labReplica { return l.replicas[id-1] }

func (l *lab) ids() []board.ReplicaID {
	var ids []board.ReplicaID
	for _, r := range l.replicas {
		ids = append(ids, r.id)
	}
	return ids
}

// line adds to the trace.
func (l *lab) line(format string, args ...any) {
	text := fmt.Sprintf("%v ", l.now) + fmt.Sprintf(format, args...)
	if len(text) > labLineMax {
		text = text[:labLineMax] + "..."
	}
	if len(l.trace) == labTraceMax {
		l.trace = slices.Delete(l.trace, 0, 1)
	}
	l.trace = append(l.trace, text)
}

// run lets the cluster work until done says so, or for limit; it returns what
// done says last.
func (l *lab) run(limit time.Duration, done func() bool) bool {
	end := l.now + limit
	for {
		l.work()
		if done() {
			return true
		}
		next, some := l.nextTime()
		if !some || next > end {
			l.now = end
			return done()
		}
		l.now = max(l.now, next)
		l.tick()
	}
}

// idle lets time pass.
func (l *lab) idle(d time.Duration) { l.run(d, func() bool { return false }) }

// work steps replicas, in turn, until no events are left at this moment.
func (l *lab) work() {
	for busy := true; busy; {
		busy = false
		for _, r := range l.replicas {
			busy = r.step() || busy
		}
	}
}

// nextTime is when something happens by itself.
func (l *lab) nextTime() (next time.Duration, some bool) {
	sooner := func(at time.Duration) {
		if !some || at < next {
			next, some = at, true
		}
	}
	for _, p := range l.packets {
		sooner(p.arrives)
	}
	for _, r := range l.replicas {
		if r.machine == nil {
			continue
		}
		for _, t := range r.timers {
			sooner(t.at)
		}
		for _, q := range r.open {
			sooner(q.event.Deadline + labGrace)
		}
	}
	return next, some
}

// tick delivers what is due.
func (l *lab) tick() {
	for len(l.packets) > 0 && l.packets[0].arrives <= l.now {
		p := l.packets[0]
		l.packets = l.packets[1:]
		if l.connected(p.from, p.to) && l.replica(p.from).incarnation == p.incarnation {
			l.replica(p.to).receive(p)
		}
	}
	for _, r := range l.replicas {
		r.tick()
	}
}

// send puts a message on its way: lost, once or twice, as the scenario says.
func (l *lab) send(p labPacket) {
	l.sent++
	p.arrives = l.now + labLatency
	for range l.copies(l.sent) {
		l.packets = append(l.packets, p)
	}
}

func (l *lab) connected(a, b board.ReplicaID) bool {
	return l.replica(a).machine != nil && l.replica(b).machine != nil && !l.cut[labLink{a, b}] && !l.cut[labLink{b, a}]
}

// relink tells every replica which connections have come and gone.
func (l *lab) relink() {
	for _, r := range l.replicas {
		for _, peer := range l.ids() {
			if peer != r.id {
				r.link(peer, l.connected(r.id, peer))
			}
		}
	}
}

func (l *lab) isolate(id board.ReplicaID) {
	l.line("cut off %s", id)
	for _, peer := range l.ids() {
		if peer != id {
			l.cut[labLink{id, peer}] = true
		}
	}
	l.relink()
}

func (l *lab) heal() {
	l.line("heal")
	clear(l.cut)
	l.copies = func(int) int { return 1 }
	l.relink()
}
