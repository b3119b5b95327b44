package replica

import (
	"bytes"
	"fmt"

	"consequor/board"
	"consequor/modes"
	"consequor/replicad/api"
	"consequor/replicad/host"
	"consequor/topologies"
)

// asked writes down that a client's request came, and returns its number for
// what follows of it; 0: the tap is off.
func (w *tapping) asked(l *loop, r *api.Request) uint64 {
	if w == nil {
		return 0
	}
	number := w.last.Add(1)
	w.add(topologies.Traced{Replica: l.self.ID, What: topologies.TracedAsked, Request: number, Key: r.Key, Text: requestInWords(r)})
	return number
}

// answered writes down how a request ended that was asked while the tap was on.
func (w *tapping) answered(l *loop, request uint64, a *host.Answer) {
	if w != nil {
		w.ended(l, request, answerInWords(a), a.ID)
	}
}

// answeredAlone is for one that the mode was not asked for.
func (w *tapping) answeredAlone(l *loop, request uint64, a *host.Answer) {
	if w != nil {
		w.ended(l, request, answerInWords(a)+"; the mode was not asked", a.ID)
	}
}

// abandoned is for one whose client did not wait.
func (w *tapping) abandoned(l *loop, request uint64) {
	if w != nil {
		w.ended(l, request, topologies.TracedAbandoned, board.ArticleID{})
	}
}

func (w *tapping) ended(l *loop, request uint64, text string, id board.ArticleID) {
	if request == 0 {
		return // it was asked before
	}
	e := topologies.Traced{Replica: l.self.ID, What: topologies.TracedAnswered, Request: request, Text: text}
	if !id.IsZero() {
		e.Articles = []board.ArticleID{id}
	}
	w.add(e)
}

// given writes down which batch was handed to the mode.
func (w *tapping) given(l *loop, b *modes.Batch) {
	if w == nil {
		return
	}
	w.add(topologies.Traced{
		Replica: l.self.ID, What: topologies.TracedGiven, Batch: b.Number,
		Requests: l.tapped(requestsIn(b.Events)), Text: eventsInWords(b.Events, l.process.replicaName),
	})
}

// stepped writes down what the mode answered. Call it before that is done.
func (w *tapping) stepped(l *loop, number uint64, effects *modes.Effects) {
	if w == nil {
		return
	}
	w.add(topologies.Traced{
		Replica: l.self.ID, What: topologies.TracedStepped, Batch: number,
		Requests: l.tapped(requestsEnded(effects.List)), Text: effectsInWords(effects.List, l.process.replicaName),
	})
}

// tapped returns the numbers that the tap has given to requests. The loop calls
// it.
func (l *loop) tapped(ids []modes.RequestID) []uint64 {
	var numbers []uint64
	for _, id := range ids {
		if waiting := l.waiters[id]; waiting != nil && waiting.tapped != 0 && len(numbers) < topologies.TracedRequestsMax {
			numbers = append(numbers, waiting.tapped)
		}
	}
	return numbers
}

func (w *tapping) savedRecord(id board.ReplicaID, record []byte, pos host.Position) {
	if w == nil {
		return
	}
	e := topologies.Traced{Replica: id, What: topologies.TracedSaved, Size: len(record), Position: uint64(pos), Text: fmt.Sprintf("a record, %d bytes", len(record))}
	if len(record) <= tapBodyMax {
		e.Body = bytes.Clone(record)
	}
	w.add(e)
}

func (w *tapping) savedArticles(id board.ReplicaID, articles []board.Article, pos host.Position) {
	if w == nil {
		return
	}
	size := 0
	for i := range articles {
		size += articles[i].Size()
	}
	w.add(topologies.Traced{
		Replica: id, What: topologies.TracedSaved, Size: size, Position: uint64(pos),
		Articles: idsOf(articles), Text: articlesInWords(articles),
	})
}

func (w *tapping) synced(l *loop, pos host.Position) {
	if w == nil {
		return
	}
	w.add(topologies.Traced{Replica: l.self.ID, What: topologies.TracedSynced, Position: uint64(pos)})
}

func (w *tapping) stored(id board.ReplicaID, articles []board.Article) {
	if w == nil {
		return
	}
	w.add(topologies.Traced{Replica: id, What: topologies.TracedStored, Articles: idsOf(articles), Text: articlesInWords(articles)})
}

func (w *tapping) note(l *loop, text string) {
	if w == nil {
		return
	}
	w.add(topologies.Traced{Replica: l.self.ID, What: topologies.TracedNote, Text: brief(text)})
}

func (w *tapping) sent(f *host.Frame) {
	if w == nil {
		return
	}
	e := frameTraced(f)
	e.What, e.Replica, e.Peer = topologies.TracedSent, f.From, f.To
	w.add(e)
}

func (w *tapping) arrived(f *host.Frame) {
	if w == nil {
		return
	}
	e := frameTraced(f)
	e.What, e.Replica, e.Peer = topologies.TracedArrived, f.To, f.From
	w.add(e)
}

// frameTraced is what both ends write down of a frame. What the mode says is
// left to those who know its words.
func frameTraced(f *host.Frame) topologies.Traced {
	e := topologies.Traced{Kind: f.Kind.String(), Epoch: f.Epoch, Size: len(f.Body)}
	switch {
	case f.Kind.IsMessage():
		if len(f.Body) <= tapBodyMax {
			e.Body = bytes.Clone(f.Body)
		}
	case len(f.Body) > tapReadMax:
		e.Text = fmt.Sprintf("%d bytes of articles", len(f.Body))
	default:
		e.Text = f.Describe(func(message []byte) string { e.Body = bytes.Clone(message); return "" })
		e.Articles = f.Brings(topologies.TracedArticlesMax)
	}
	return e
}
