package replica

import (
	"fmt"
	"strings"

	"consequor/board"
	"consequor/modes"
	"consequor/replicad/api"
	"consequor/replicad/host"
	"consequor/topologies"
)

// namedMax is how many of one sort are named one by one.
const namedMax = 6

// requestInWords is `post "First"`, or `read, fresh; the session has seen 3`.
func requestInWords(r *api.Request) string {
	text := string(r.Verb)
	if !r.Target.IsZero() {
		text += " " + r.Target.String()
	}
	if r.Verb.Writes() && r.Title != "" {
		text += fmt.Sprintf(" %q", r.Title)
	}
	if r.Fresh {
		text += ", fresh"
	}
	if len(r.Token.Seen) > 0 {
		text += "; the session has seen " + r.Token.Seen.String()
	}
	return brief(text)
}

// answerInWords is `ok: 17`, or how else it ended.
func answerInWords(a *host.Answer) string {
	switch {
	case a.Outcome == host.Refused:
		return brief("refused: " + a.Why)
	case a.Outcome == host.Unknown:
		return brief("unknown: " + a.Why)
	case !a.ID.IsZero():
		return "ok: " + a.ID.String()
	}
	return "ok, from a board that holds " + a.Board.String()
}

// requestsIn are the requests that events tell of.
func requestsIn(events []modes.Event) []modes.RequestID {
	var ids []modes.RequestID
	for _, event := range events {
		switch e := event.(type) {
		case modes.Request:
			ids = append(ids, e.ID)
		case modes.Cancel:
			ids = append(ids, e.Request)
		}
	}
	return ids
}

// requestsEnded are the requests that effects answer.
func requestsEnded(effects []modes.Effect) []modes.RequestID {
	var ids []modes.RequestID
	for _, effect := range effects {
		switch e := effect.(type) {
		case modes.Reply:
			ids = append(ids, e.Request)
		case modes.Serve:
			ids = append(ids, e.Request)
		case modes.Refuse:
			ids = append(ids, e.Request)
		}
	}
	return ids
}

// eventsInWords is `request, 2 messages from r1, timer`.
func eventsInWords(events []modes.Event, name func(board.ReplicaID) string) string {
	var w wordCount
	for _, event := range events {
		switch e := event.(type) {
		case modes.Request:
			w.add(string(verbNames[e.Verb]), "requests")
		case modes.Cancel:
			w.add("end of a request", "ends of requests")
		case modes.Receive:
			if e.Span != nil {
				w.add("articles from "+name(e.From), "times articles from "+name(e.From))
				continue
			}
			w.add("message from "+name(e.From), "messages from "+name(e.From))
		case modes.Timer:
			w.add("timer", "timers")
		case modes.PeerUp:
			w.add(name(e.Peer)+" up", "times "+name(e.Peer)+" up")
		case modes.PeerDown:
			w.add(name(e.Peer)+" down", "times "+name(e.Peer)+" down")
		default:
			w.add(kindOf(event), kindOf(event))
		}
	}
	return w.String()
}

var verbNames = func() map[modes.Verb]api.Verb {
	names := make(map[modes.Verb]api.Verb)
	for name, verb := range verbs { // order does not matter: each has its own
		names[verb] = name
	}
	return names
}()

// effectsInWords is `2 saves, message to r1, answer`. Timers and reports, which
// nobody waits for, are left out.
func effectsInWords(effects []modes.Effect, name func(board.ReplicaID) string) string {
	var w wordCount
	for _, effect := range effects {
		switch e := effect.(type) {
		case modes.Save:
			w.add("save", "saves")
		case modes.Store:
			w.add("store "+articlesInWords(e.Articles), "times store "+articlesInWords(e.Articles))
		case modes.Send:
			w.add("once on disk, message to "+name(e.To), "messages to "+name(e.To)+" once on disk")
		case modes.SendNow:
			w.add("message to "+name(e.To), "messages to "+name(e.To))
		case modes.SendBoard:
			w.add("articles to "+name(e.To), "times articles to "+name(e.To))
		case modes.Reply, modes.Serve:
			w.add("answer", "answers")
		case modes.Refuse:
			w.add("refusal", "refusals")
		case modes.Halt:
			w.add("halt", "halts")
		}
	}
	if len(w.order) == 0 {
		return topologies.TracedNothing
	}
	return w.String()
}

// wordCount counts by what is said, in the order of first mention.
type wordCount struct {
	order  []string
	counts map[string]int
	many   map[string]string
}

func (w *wordCount) add(one, many string) {
	if w.counts == nil {
		w.counts, w.many = make(map[string]int), make(map[string]string)
	}
	if w.counts[one]++; w.counts[one] == 1 {
		w.order = append(w.order, one)
	}
	w.many[one] = many
}

func (w *wordCount) String() string {
	parts := make([]string, len(w.order))
	for i, one := range w.order {
		parts[i] = one
		if n := w.counts[one]; n > 1 {
			parts[i] = fmt.Sprintf("%d %s", n, w.many[one])
		}
	}
	return brief(strings.Join(parts, ", "))
}

// kindOf is an event's type, in lower case: "seal".
func kindOf(event modes.Event) string {
	return strings.ToLower(strings.TrimPrefix(fmt.Sprintf("%T", event), "modes."))
}

// articlesInWords is `17 18`, or how many there are.
func articlesInWords(articles []board.Article) string {
	n := len(articles)
	if n > namedMax {
		return fmt.Sprintf("%d articles, %s to %s", n, articles[0].ID, articles[n-1].ID)
	}
	ids := make([]string, n)
	for i := range articles {
		ids[i] = articles[i].ID.String()
	}
	return strings.Join(ids, " ")
}

func idsOf(articles []board.Article) []board.ArticleID {
	n := min(len(articles), topologies.TracedArticlesMax)
	ids := make([]board.ArticleID, n)
	for i := range ids {
		ids[i] = articles[i].ID
	}
	return ids
}
