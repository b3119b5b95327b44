package cli

import (
	"errors"
	"fmt"
	"slices"

	"consequor/board"
	"consequor/replicad/api"
)

// The witness of one client: from the answers that the client got, and from
// nothing else, it says whether two of the session guarantees of Terry et al.
// (1994) held for it.
//
//	read-your-writes   a read shows every post of the client's own that was acknowledged before
//	monotonic reads    a read shows everything that the client's reads before it have shown
//
// A read's token claims exactly what its board showed, so a claim costs two
// comparisons of vectors. Claims are not believed unseen: a sample of the
// reads lists what the board has, and is held to the same two guarantees by
// its content.
type witness struct {
	wrote board.Vector // its own acknowledged posts
	read  board.Vector // all that its reads have claimed to show

	// The sample lists what lies above base, so that a page stays short. All
	// ids in the two lists do.
	base   board.ArticleID
	own    []board.ArticleID // acknowledged posts, for the sample
	listed []board.ArticleID // what a sample has shown before

	breaches
}

// breaches counts broken guarantees, at most one of each kind for each read.
// Told has the first few in words.
type breaches struct {
	ReadYourWrites int      `json:"read_your_writes"`
	MonotonicReads int      `json:"monotonic_reads"`
	Told           []string `json:"told"`
}

const (
	breachesToldMax = 10
	listedMax       = 200 // of a sample; then the highest of them becomes the new base
)

func (b *breaches) count() int { return b.ReadYourWrites + b.MonotonicReads }

func (b *breaches) add(other *breaches) {
	b.ReadYourWrites += other.ReadYourWrites
	b.MonotonicReads += other.MonotonicReads
	b.Told = append(b.Told, other.Told[:min(len(other.Told), breachesToldMax-len(b.Told))]...)
}

// judge counts what one read lacks; an empty text is nothing.
func (b *breaches) judge(ownLacking, readLacking string) {
	for _, broken := range []struct {
		count *int
		text  string
	}{{&b.ReadYourWrites, ownLacking}, {&b.MonotonicReads, readLacking}} {
		if broken.text == "" {
			continue
		}
		*broken.count++
		if len(b.Told) < breachesToldMax {
			b.Told = append(b.Told, broken.text)
		}
	}
}

// onPosted: the client's post was acknowledged.
func (w *witness) onPosted(id board.ArticleID) {
	w.wrote = w.wrote.With(id)
	if id.Compare(w.base) > 0 {
		w.own = append(w.own, id)
	}
}

// onRead: a read was answered; its page is not looked at.
func (w *witness) onRead(a *api.Answer) {
	w.judge(w.lacking(a))
	w.read = w.read.Join(a.Token.Seen)
}

// lacking compares what a read claims to show with what it must.
func (w *witness) lacking(a *api.Answer) (own, read string) {
	if !a.Token.Seen.Covers(w.wrote) {
		own = fmt.Sprintf("%s showed %v to a client that had posted %v", a.Replica, a.Token.Seen, w.wrote)
	}
	if !a.Token.Seen.Covers(w.read) {
		read = fmt.Sprintf("%s showed %v to a client that had read %v", a.Replica, a.Token.Seen, w.read)
	}
	return own, read
}

// sample is the request of a read whose content is looked at.
func (w *witness) sample() api.Request {
	return api.Request{Verb: api.Read, All: true, After: api.Cursor{After: w.base}.String(), Count: board.PageCountMax}
}

// onSample: the answer to sample.
func (w *witness) onSample(a *api.Answer) {
	there := make(map[board.ArticleID]bool, len(a.Articles))
	for i := range a.Articles {
		there[a.Articles[i].ID] = true
	}
	upTo := pageEnd(a)
	own, read := w.lacking(a)
	if id := firstAbsent(w.own, there, upTo); own == "" && !id.IsZero() {
		own = fmt.Sprintf("%s claims %v, but does not list %v, which the client had posted", a.Replica, a.Token.Seen, id)
	}
	if id := firstAbsent(w.listed, there, upTo); read == "" && !id.IsZero() {
		read = fmt.Sprintf("%s claims %v, but does not list %v, which the client had been shown", a.Replica, a.Token.Seen, id)
	}
	w.judge(own, read)
	w.read = w.read.Join(a.Token.Seen)
	w.remember(a)
}

// pageEnd is the last id that the page speaks of; zero: it is the whole list.
func pageEnd(a *api.Answer) board.ArticleID {
	if n := len(a.Articles); a.Next != "" && n > 0 {
		return a.Articles[n-1].ID
	}
	return board.ArticleID{}
}

func firstAbsent(ids []board.ArticleID, there map[board.ArticleID]bool, upTo board.ArticleID) board.ArticleID {
	for _, id := range ids {
		if !there[id] && (upTo.IsZero() || id.Compare(upTo) <= 0) {
			return id
		}
	}
	return board.ArticleID{}
}

// remember keeps what the sample listed, for the next one. When that has become
// long the base moves up, and what lies below is no longer looked for.
func (w *witness) remember(a *api.Answer) {
	known := make(map[board.ArticleID]bool, len(w.listed))
	for _, id := range w.listed {
		known[id] = true
	}
	for i := range a.Articles {
		if id := a.Articles[i].ID; !known[id] {
			w.listed = append(w.listed, id)
		}
	}
	if len(w.listed) > listedMax {
		w.base = slices.MaxFunc(w.listed, board.ArticleID.Compare)
		w.own, w.listed = above(w.own, w.base), nil
	}
}

func above(ids []board.ArticleID, base board.ArticleID) []board.ArticleID {
	return slices.DeleteFunc(ids, func(id board.ArticleID) bool { return id.Compare(base) <= 0 })
}

// toChoose is an article that the client must find when it opens it: its own
// last post, in turn with the last one that it was shown. Zero: none yet.
func (w *witness) toChoose(turn int) (id board.ArticleID, own bool) {
	mine, shown := last(w.own), last(w.listed)
	if shown.IsZero() || turn%2 == 0 && !mine.IsZero() {
		return mine, true
	}
	return shown, false
}

// last is the last element, or what stands for none.
func last[T any](list []T) T {
	if len(list) == 0 {
		var none T
		return none
	}
	return list[len(list)-1]
}

// onChosen: id was opened, or the answer was an error. Only "there is no such
// article" breaks a guarantee.
func (w *witness) onChosen(id board.ArticleID, own bool, a *api.Answer, err error) {
	var e *api.Error
	switch {
	case err == nil && a.Article.ID == id:
		w.onRead(a)
	case err == nil:
		w.judge(fmt.Sprintf("%s opened %v when asked for %v", a.Replica, a.Article.ID, id), "")
	case !errors.As(err, &e) || e.Kind != api.KindNotFound:
	case own:
		w.judge(fmt.Sprintf("the client had posted %v: %s", id, e.Message), "")
	default:
		w.judge("", fmt.Sprintf("the client had been shown %v: %s", id, e.Message))
	}
}
