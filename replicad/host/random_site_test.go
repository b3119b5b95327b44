package host_test

import (
	"maps"
	"slices"
	"time"

	"consequor/board"
	"consequor/modes"
	"consequor/mutants"
	"consequor/replicad/host"
)

// site is one replica: a node whose disk, plugin and network take their time.
type site struct {
	*node
	run       *history
	life      int        // of the process
	plugin    int        // of its plugin
	machine   modes.Mode // the plugin's, as the host knows it
	machineOf int
	syncing   bool
	wakeAt    time.Duration
	up        bool
	paused    time.Duration // the process stands still until then; its plugin and its disk do not
	tries     map[modes.RequestID]func(host.Answer)
	active    host.Activation                   // the epoch that the process is in
	linked    map[board.ReplicaID]time.Duration // when the last news of a link arrives
}

// link is the connection of two sites. Each one that is made has a number.
type link struct {
	number int
	up     bool
	deaf   board.ReplicaID        // hears nothing of the other, and is not told so
	last   map[lane]time.Duration // when the newest frame arrives
}

type lane struct {
	from board.ReplicaID
	bulk bool
}

// touch does something to a site's host, and what follows from it.
func (s *site) touch(do func()) {
	switch life := s.life; {
	case !s.up:
		return
	case s.paused > s.run.now:
		s.run.at(s.paused, func() {
			if s.life == life {
				s.touch(do)
			}
		})
		return
	}
	s.h.Tick(s.run.now)
	do()
	if !s.up {
		return
	}
	s.h.Pump()
	s.checkView()
	at, ok := s.h.NextWake()
	if !ok || s.wakeAt > s.run.now && s.wakeAt <= at {
		return
	}
	at = max(at, s.run.now+time.Microsecond)
	s.wakeAt = at
	life := s.life
	s.run.at(at, func() {
		if s.life == life {
			s.touch(func() {})
		}
	})
}

func (s *site) boot() {
	s.up = true
	s.life++
	s.wakeAt = 0
	s.syncing, s.view = false, host.View{}
	s.active, s.sealed, s.merged = s.run.record, false, nil
	s.tries = map[modes.RequestID]func(host.Answer){}
	s.linked = map[board.ReplicaID]time.Duration{}
	var err error
	s.h, err = host.New(host.Config{
		Self: s.id, Replicas: s.c.ids(), Voters: s.c.ids(), Cluster: "test", Seed: 7,
		Epoch: s.active.Epoch, ModeEpoch: s.active.ModeEpoch, Mode: s.active.Mode,
		Disk: s, Network: s, Plugin: s, Clients: s, Mutant: s.run.mutant,
	})
	if err != nil {
		s.run.fail("%s: %v", s.id, err)
		return
	}
	s.run.trace("%s %s boots", s.run.now, s.id)
	s.touch(func() {})
	s.pluginUp(s.run.between(0, 10*time.Millisecond))
	for _, other := range s.run.sites {
		if other != s && other.up {
			s.run.connect(s, other)
		}
	}
}

func (s *site) pluginUp(after time.Duration) {
	life := s.life
	s.run.at(s.run.now+after, func() {
		if s.life == life && s.mode == nil {
			s.plugin++
			s.mode = s.run.modes[s.active.Mode]()
			s.run.trace("%s %s plugin up", s.run.now, s.id)
			mode, plugin := s.mode, s.plugin
			s.touch(func() {
				if s.plugin != plugin { // it stood still meanwhile, and another epoch has begun
					return
				}
				s.machine, s.machineOf = mode, plugin
				s.h.PluginUp()
			})
		}
	})
}

func (s *site) pluginDown() {
	if s.up && s.mode != nil {
		s.run.trace("%s %s plugin down", s.run.now, s.id)
		s.mode = nil
		s.plugin++
		s.touch(func() {
			s.machine = nil
			s.h.PluginDown()
		})
		s.pluginUp(s.run.between(0, 100*time.Millisecond))
	}
}

// crash ends the process; of what was not synced a prefix survives.
func (s *site) crash() {
	if !s.up {
		return
	}
	kept := int(s.durable) + s.run.random.IntN(len(s.log)-int(s.durable)+1)
	s.run.trace("%s %s crashes with %d of %d writes, %d synced", s.run.now, s.id, kept, len(s.log), s.durable)
	s.log = s.log[:kept:kept]
	s.durable, s.wanted = host.Position(kept), host.Position(kept)
	s.shown = board.Board{}
	for _, w := range s.log {
		if err := s.Put(w.articles); err != nil {
			s.run.fail("%s: recovery: %v", s.id, err)
		}
	}
	s.up, s.h, s.mode = false, nil, nil
	s.life++
	s.plugin++
	for _, id := range slices.Sorted(maps.Keys(s.tries)) { // their clients see the connection break
		s.tries[id](host.Answer{Outcome: host.Unknown, Why: "the process died"})
	}
	s.tries = nil
	for _, other := range s.run.sites {
		if other != s {
			s.run.disconnect(s, other)
		}
	}
}

// Links

func (h *history) link(a, b board.ReplicaID) *link {
	return h.links[[2]board.ReplicaID{min(a, b), max(a, b)}]
}

func (h *history) connect(a, b *site) {
	l := h.link(a.id, b.id)
	if l.up || !a.up || !b.up {
		return
	}
	l.number++
	l.up, l.deaf, l.last = true, 0, map[lane]time.Duration{}
	for _, end := range [2][2]*site{{a, b}, {b, a}} {
		end[0].news(end[1].id, func(h *host.Host) { h.LinkUp(end[1].id) })
	}
}

func (h *history) disconnect(a, b *site) {
	l := h.link(a.id, b.id)
	if !l.up {
		return
	}
	l.number++
	l.up = false
	for _, end := range [2][2]*site{{a, b}, {b, a}} {
		end[0].news(end[1].id, func(h *host.Host) { h.LinkDown(end[1].id) })
	}
}

// news of a link come in order.
func (s *site) news(of board.ReplicaID, tell func(*host.Host)) {
	at := max(s.linked[of], s.run.now+s.run.between(0, 3*time.Millisecond))
	s.linked[of] = at
	life := s.life
	s.run.at(at, func() {
		if s.life == life {
			s.touch(func() { tell(s.h) })
		}
	})
}

// Send implements host.Network.
func (s *site) Send(f host.Frame) { s.send(f, false) }

func (s *site) send(f host.Frame, bulk bool) {
	h := s.run
	l := h.link(f.From, f.To)
	if !l.up || l.deaf == f.To && !h.quiet || h.perMille(h.loss) {
		return
	}
	times := 1
	if h.perMille(h.double) {
		times = 2
	}
	to, number := h.sites[f.To-1], l.number
	for range times {
		at := h.now + h.between(50*time.Microsecond, 2*time.Millisecond)
		if h.perMille(h.late) {
			at += h.between(0, 300*time.Millisecond)
		} else {
			at = max(at, to.linked[f.From])
			key := lane{f.From, bulk}
			at = max(at, l.last[key])
			l.last[key] = at
		}
		h.at(at, func() {
			if l.number == number && to.up {
				to.touch(func() { to.h.Frame(f) })
			}
		})
	}
}

// SendSpan implements host.Network; perhaps not all of the chunks get away.
func (s *site) SendSpan(to board.ReplicaID, header host.Frame, since, upTo board.Vector, message []byte) {
	for _, chunk := range cutSpan(&s.shown, since, upTo, message) {
		header.To, header.Body = to, chunk.Encode()
		if s.run.perMille(s.run.cutSpans) {
			return
		}
		s.send(header, true)
	}
}

// Step implements host.Plugin.
func (s *site) Step(life uint64, batch modes.Batch) {
	plugin, mode := s.machineOf, s.machine
	s.run.at(s.run.now+s.run.between(0, s.run.stepMax), func() {
		if s.plugin != plugin && s.run.mutant != mutants.M34 {
			return
		}
		out := new(modes.Effects)
		func() {
			defer func() {
				if why := recover(); why != nil {
					s.run.fail("%s: the mode panics: %v", s.id, why)
				}
			}()
			mode.Step(batch, out)
		}()
		back := s.run.now + s.run.between(0, s.run.stepMax)
		if s.run.mutant == mutants.M34 && s.plugin != plugin { // late enough to find the next one there
			back += s.run.between(0, 200*time.Millisecond)
		}
		s.run.at(back, func() {
			if s.plugin == plugin || s.run.mutant == mutants.M34 && s.up {
				s.touch(func() {
					if err := s.h.Stepped(life, batch.Number, out); err != nil {
						s.run.fail("%s: %v", s.id, err)
					}
				})
			}
		})
	})
}

// Sync implements host.Disk.
func (s *site) Sync(pos host.Position) {
	s.wanted = max(s.wanted, pos)
	s.sync()
}

func (s *site) sync() {
	if s.syncing || s.wanted <= s.durable {
		return
	}
	s.syncing = true
	end, life := host.Position(len(s.log)), s.life
	s.run.at(s.run.now+s.run.between(50*time.Microsecond, s.run.diskMax), func() {
		if s.life != life {
			return
		}
		s.syncing = false
		s.durable = end
		late := s.run.between(0, time.Millisecond)
		s.run.at(s.run.now+late, func() {
			if s.life == life {
				s.touch(func() { s.h.Synced(end) })
			}
		})
		s.sync()
	})
}

// Clients

func (s *site) Answer(id modes.RequestID, a host.Answer) {
	end := s.tries[id]
	if end == nil {
		end = s.tries[0] // answered while it is taken
	}
	delete(s.tries, id)
	if end != nil {
		end(a)
	}
}
func (s *site) Halted(why string) { s.run.fail("%s halted: %s", s.id, why) }
func (s *site) Note(text string)  { s.run.trace("%s %s: %s", s.run.now, s.id, text) }
func (s *site) Stopped() {
	life := s.life
	s.run.at(s.run.now, func() {
		if s.life == life {
			s.crash()
		}
	})
}

func (s *site) ask(r host.Request, end func(host.Answer)) {
	if !s.up {
		end(host.Answer{Outcome: host.Refused, Why: "nobody there"})
		return
	}
	if s.paused > s.run.now {
		s.run.at(s.paused, func() { s.ask(r, end) })
		return
	}
	s.touch(func() {
		ended := false
		s.tries[0] = func(a host.Answer) { ended = true; end(a) }
		id := s.h.Request(r)
		delete(s.tries, 0)
		if !ended {
			s.tries[id] = end
		}
	})
}

// checkView asserts that what may be answered without the mode is a prefix.
func (s *site) checkView() {
	if s.view.Guarantee == "" {
		return
	}
	for _, id := range s.view.Board {
		if _, ok := s.shown.Get(id); !ok {
			s.run.fail("%s: the view shows %s, and the board holds %s", s.id, s.view.Board, s.shown.Vector())
		}
	}
	if n := s.view.Board.Seq(board.Cluster); n != 0 && s.run.record.Epoch == 1 {
		if _, ok := s.shown.Get(board.ArticleID{Seq: n}); !ok || uint64(s.shown.Len()) < n {
			s.run.fail("%s: the view shows %s, and the board has %d articles", s.id, s.view.Board, s.shown.Len())
		}
	}
}
