package record

import (
	"cmp"
	"slices"
	"time"

	"consequor/board"
	"consequor/sim/history"
)

// assembly makes operations of what was written down.
type assembly struct {
	*taken
	history  *history.History
	replicas map[string]board.ReplicaID
	sessions map[string]int
	begun    map[string]uint64 // where a list goes on: the epoch in which it began
	byKey    map[string]int    // in ops
	there    map[string]bool   // keys of articles on boards: that were there before
	ops      []history.Op
}

// promises are those of the built-in modes; any other promises no more than
// every mode does.
var promises = map[string]history.Promise{
	"sequential": history.Sequential, "quorum": history.Quorum, "read-your-write": history.ReadYourWrite,
}

// PromiseOf is what a mode of this name is held to.
func PromiseOf(mode string) history.Promise { return cmp.Or(promises[mode], history.Durable) }

// assemble fills in the operations and the epochs of h, whose boards are there.
func assemble(t *taken, h *history.History) error {
	a := &assembly{
		taken: t, history: h, replicas: map[string]board.ReplicaID{}, sessions: map[string]int{}, begun: map[string]uint64{},
		byKey: map[string]int{}, there: map[string]bool{},
	}
	for i, name := range t.header.Replicas {
		a.replicas[name] = board.ReplicaID(i + 1)
	}
	for i := range h.Boards {
		for k := range h.Boards[i].Articles {
			if article := &h.Boards[i].Articles[k]; article.Key != "" {
				a.there[article.Key] = a.there[article.Key] || t.before.Has(article.ID)
			}
		}
	}
	a.epochs()
	slices.SortStableFunc(t.ops, func(x, y *written) int { return cmp.Compare(x.At, y.At) })
	for _, w := range t.ops {
		if w.late && !a.left(w) {
			continue
		}
		if err := a.add(w); err != nil {
			return err
		}
	}
	a.number()
	return nil
}

// left reports whether a request that was called when the end had begun may have
// left an article on the boards. All else of it is not of this history.
func (a *assembly) left(w *written) bool {
	_, found := a.there[w.Key]
	return w.Verb.Writes() && (found || w.Key == "")
}

// epochs gathers which there were: the first one, and those that have answered.
// Those that have not matter to nobody.
func (a *assembly) epochs() {
	modes := map[uint64]string{a.header.Epoch: a.header.Mode}
	for _, w := range a.taken.ops {
		if w.ended != nil && w.ended.Epoch > 0 {
			modes[w.ended.Epoch] = w.ended.Mode
		}
	}
	for _, e := range a.history.Epochs { // that runs at the end
		modes[e.Number] = e.Mode
	}
	a.history.Epochs = nil
	for number, mode := range modes { // sorted below
		a.history.Epochs = append(a.history.Epochs, history.Epoch{Number: number, Mode: mode, Promise: PromiseOf(mode)})
	}
	slices.SortFunc(a.history.Epochs, func(x, y history.Epoch) int { return cmp.Compare(x.Number, y.Number) })
}

// add makes an operation of a request, or adds it to that of its key.
func (a *assembly) add(w *written) error {
	op, err := a.opOf(w)
	if err != nil {
		return err
	}
	if op.Key == "" {
		a.ops = append(a.ops, op)
		return nil
	}
	at, known := a.byKey[op.Key]
	if !known {
		a.byKey[op.Key] = len(a.ops)
		a.ops = append(a.ops, op)
		return nil
	}
	a.ops[at] = joined(&a.ops[at], &op)
	return nil
}

// opOf makes one operation of one request.
func (a *assembly) opOf(w *written) (op history.Op, err error) {
	op = history.Op{
		Session: a.session(w.Session), Verb: w.Verb, Fresh: w.Fresh, Call: a.time(w.At), Outcome: history.Unknown,
		Key: w.Key, Content: w.Content,
	}
	if op.Parent, err = parseID(w.Parent); err != nil {
		return op, err
	}
	if op.Target, err = parseID(w.Target); err != nil {
		return op, err
	}
	for _, t := range w.tries {
		op.Tries = append(op.Tries, history.Try{
			Replica: a.replicas[t.Replica], Call: a.time(t.Call), Return: a.time(t.Return), Outcome: t.Outcome, Text: t.Text,
		})
	}
	e := w.ended
	if e != nil && len(w.tries) == 1 && e.Outcome != history.Unknown {
		op.Tries = nil // it is the operation itself
	}
	if e == nil {
		op.Why = "its client has not written down any end"
		return op, nil
	}
	op.Outcome, op.Kind, op.Why, op.Replica, op.Epoch, op.View = e.Outcome, e.Kind, e.Why, a.replicas[e.Replica], e.Epoch, e.View
	if op.Outcome != history.Unknown {
		op.Return = a.time(e.At)
	}
	switch {
	case op.Outcome == history.Refused:
		op.Epoch = a.refusedIn()
	case op.Outcome != history.OK:
	case op.Verb.Writes():
		id, err := parseID(e.ID)
		if err != nil {
			return op, err
		}
		op.IDs = []board.ArticleID{id}
	case op.Verb == history.Sync:
		return op, a.sync(&op, e)
	default:
		a.list(&op, w)
	}
	return op, nil
}

// sync: of a sequential epoch it is a fresh view of the board that it has led to,
// of which nothing was shown.
func (a *assembly) sync(op *history.Op, e *ended) error {
	if PromiseOf(e.Mode) != history.Sequential {
		return nil
	}
	seen, err := board.ParseVector(e.Seen)
	op.View = &history.View{UpTo: seen, Since: seen}
	return err
}

// list: a list that goes on is of the epoch in which it began. If nobody knows
// which that was, it proves nothing.
func (a *assembly) list(op *history.Op, w *written) {
	epoch, known := a.begun[w.After]
	switch {
	case known:
		op.Epoch = epoch
	case op.View != nil && !op.View.After.IsZero() && len(a.history.Epochs) > 1:
		op.View = nil
	}
	if w.ended.Next != "" {
		a.begun[w.ended.Next] = op.Epoch
	}
}

// refusedIn is the epoch of a refusal. Nobody is told which one has refused: if
// there was only one it is that; else one that promises nothing there, or none.
func (a *assembly) refusedIn() uint64 {
	all := a.history.Epochs
	if len(all) == 1 {
		return all[0].Number
	}
	if i := slices.IndexFunc(all, func(e history.Epoch) bool { return e.Promise == history.Durable }); i >= 0 {
		return all[i].Number
	}
	return 0
}

// joined is one operation of two requests with one key.
func joined(first, again *history.Op) history.Op {
	op := *first
	op.Tries = append(op.Tries, again.Tries...)
	if op.Session != again.Session {
		op.Session = 0 // what one was told the other does not know
	}
	if op.Content != again.Content {
		op.Content = 0 // the article is the first one's, whichever came first
	}
	for _, id := range again.IDs {
		if !slices.Contains(op.IDs, id) {
			op.IDs = append(op.IDs, id)
		}
	}
	switch {
	case first.Outcome == history.OK && (again.Outcome != history.OK || first.Return <= again.Return):
	case again.Outcome == history.OK,
		first.Outcome == history.Refused && again.Outcome == history.Refused && first.Return < again.Return,
		first.Outcome == history.Refused && again.Outcome == history.Unknown:
		op.Outcome, op.Return, op.Kind, op.Why = again.Outcome, again.Return, again.Kind, again.Why
		op.Epoch, op.Replica = again.Epoch, again.Replica
	}
	return op
}

// number puts the operations in the order of their calls. Whose article was
// there before the recording began was first called before that.
func (a *assembly) number() {
	for i := range a.ops {
		op := &a.ops[i]
		before := op.Key != "" && a.there[op.Key]
		for _, id := range op.IDs {
			before = before || a.before.Has(id)
		}
		if before {
			op.Call, op.Content = 0, 0
		}
	}
	slices.SortStableFunc(a.ops, func(x, y history.Op) int { return cmp.Compare(x.Call, y.Call) })
	for i := range a.ops {
		a.ops[i].Number = i + 1
	}
	a.history.Ops = a.ops
}

func (a *assembly) session(name string) int {
	if name == "" {
		return 0
	}
	n, known := a.sessions[name]
	if !known {
		n = len(a.sessions) + 1
		a.sessions[name] = n
	}
	return n
}

// time is a moment since the recording began; 0 stays 0: there was none.
func (a *assembly) time(at time.Duration) time.Duration {
	if at == 0 {
		return 0
	}
	return max(0, at-a.header.At)
}

func parseID(text string) (board.ArticleID, error) {
	if text == "" {
		return board.ArticleID{}, nil
	}
	return board.ParseArticleID(text)
}
