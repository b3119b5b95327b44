package cluster

import (
	"maps"
	"slices"
	"time"

	"consequor/board"
	"consequor/modes"
	"consequor/replicad/host"
)

// try is a request that a process has and has not answered.
type try struct {
	number  int
	request host.Request
	due     time.Duration // its deadline, by the replica's own clock; 0: the host has not got it yet
	end     func(host.Answer)
}

// answered is an answer on its way out of the process.
type answered struct {
	try    *try
	answer host.Answer
}

// Ask sends a request and calls end with its one answer. A process that dies
// answers unknown, as a client sees its connection break; one that is down
// refuses at once, with nobody's kind. Reads that the host may answer without
// the mode are answered so, as replicad does. In end the replica's Board is as
// the client is shown it.
func (r *Replica) Ask(q host.Request, end func(host.Answer)) {
	p := r.process
	if p == nil {
		end(host.Answer{Outcome: host.Refused, Why: "nobody is there"})
		return
	}
	p.lastTry++
	t := &try{number: p.lastTry, request: q, end: end}
	p.tries[t.number] = t
	p.touch(func(h *host.Host) { p.take(h, t) })
}

// take does with a request what replicad's client API does.
func (p *process) take(h *host.Host, t *try) {
	q := t.request
	q.Deadline = p.r.clock.read(q.Deadline)
	t.due = max(q.Deadline, p.r.clock.read(p.r.c.now))
	if q.Verb.Writes() && q.Article.Time == 0 {
		q.Article.Time = int64(p.r.clock.read(p.r.c.now))
	}
	if p.view.Answers(&q, Name, p.holds) {
		p.answer(t, p.view.Answer())
		return
	}
	p.taking = t
	id := h.Request(q)
	if p.taking != nil { // it was not answered at once
		p.byID[id] = t
	}
	p.taking = nil
}

func (p *process) holds(id board.ArticleID) bool {
	_, ok := p.r.Board().Get(id)
	return ok
}

// Answer implements host.Clients.
func (p *process) Answer(id modes.RequestID, a host.Answer) {
	t := p.byID[id]
	if t == nil {
		t, p.taking = p.taking, nil
	}
	if t == nil {
		p.r.c.Fail(p.r.ID, "white box: request %d is answered, and nobody waits: %+v", id, a)
		return
	}
	delete(p.byID, id)
	p.answer(t, a)
}

func (p *process) answer(t *try, a host.Answer) {
	delete(p.tries, t.number)
	p.answers = append(p.answers, answered{t, a})
}

// triesLook is how often a process's open requests are looked at.
const triesLook = 20 * time.Millisecond

// checkTries: whatever the mode does, the host has answered each request by its
// deadline and the mode's last word.
func (p *process) checkTries() {
	now := p.r.clock.read(p.r.c.now)
	if now < p.lookAt || p.ended || p.doom != nil {
		return
	}
	p.lookAt = now + triesLook
	var late *try
	for _, t := range p.tries { // order does not matter: the first one asked is told of
		if t.due > 0 && t.due+host.LastWord < now && (late == nil || t.number < late.number) {
			late = t
		}
	}
	if late != nil {
		p.r.c.Fail(p.r.ID, "white box: a %v has no answer %s after its deadline", late.request.Verb, now-late.due)
	}
}

// answerClients lets answers out, now that the host has returned: what a client
// does with one may lead back here.
func (p *process) answerClients() {
	for len(p.answers) > 0 {
		answers := p.answers
		p.answers = nil
		for _, a := range answers {
			a.try.end(a.answer)
		}
	}
}

// breakOff ends what is open when the process ends.
func (p *process) breakOff() {
	p.answerClients()
	for _, n := range slices.Sorted(maps.Keys(p.tries)) {
		p.tries[n].end(host.Answer{Outcome: host.Unknown, Why: "the process died"})
	}
	p.tries = nil
}
