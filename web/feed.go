package web

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"consequor/board"
	"consequor/replicad/api"
)

// The limits of what tells of new articles.
const (
	streamsMax   = 1000                   // open at a time; one more is refused
	streamQueue  = 16                     // messages that wait for a reader; one who lets more wait is dropped
	recentMax    = 500                    // articles that a reader who comes back is still told of one by one
	feedPause    = 250 * time.Millisecond // between two looks at a board
	feedPauseMax = 4 * time.Second        // at one that does not answer
	feedTimeout  = 2 * time.Second        // for one look
	feedCount    = 200                    // articles told of at once
)

// news is one message: articles that have come.
type news struct {
	Articles []newcomer `json:"articles"`
	More     bool       `json:"more,omitempty"` // and others, which are not told of one by one
}

// newcomer is an article that has come.
type newcomer struct {
	ID     string  `json:"id"`
	Parent *string `json:"parent"` // null for a root
}

// feeds are the followers of replicas that someone looks at now.
type feeds struct {
	cluster *cluster

	ctx     context.Context // of Run
	running sync.WaitGroup

	mu      sync.Mutex
	byName  map[string]*feed
	streams int
}

// feed follows one replica's board, or that of any, for all who look at it. It
// reads the board as it is: a reader who is told asks with its own session.
type feed struct {
	feeds *feeds
	at    string // empty: any
	stop  context.CancelFunc

	// Guarded by feeds.mu.
	streams map[*stream]struct{}
	base    board.Vector // recent tells all that came after this
	seen    board.Token
	recent  []board.ArticleID
	parents []board.ArticleID // of recent
	away    bool              // the replica did not answer the last time
}

// stream is one reader.
type stream struct {
	messages chan []byte  // closed: it was too slow
	seen     board.Vector // when it began
}

func newFeeds(c *cluster) *feeds { return &feeds{cluster: c, byName: make(map[string]*feed)} }

// open begins a stream of what comes at a replica beyond what the reader has
// seen; nil: there are too many.
func (fs *feeds) open(at string, seen board.Vector) (s *stream, done func()) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if fs.streams >= streamsMax {
		return nil, nil
	}
	fs.streams++
	f := fs.byName[at]
	if f == nil {
		f = &feed{feeds: fs, at: at, streams: make(map[*stream]struct{})}
		var ctx context.Context
		ctx, f.stop = context.WithCancel(fs.ctx)
		fs.byName[at] = f
		fs.running.Go(func() { f.run(ctx) })
	}
	s = &stream{messages: make(chan []byte, streamQueue), seen: seen}
	f.streams[s] = struct{}{}
	if m := f.missed(seen); m != nil {
		s.messages <- m
	}
	return s, func() { fs.close(f, s) }
}

// close ends a stream, and its feed with the last one.
func (fs *feeds) close(f *feed, s *stream) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.streams--
	delete(f.streams, s)
	if len(f.streams) == 0 && fs.byName[f.at] == f {
		delete(fs.byName, f.at)
		f.stop()
	}
}

// run looks at the board again and again until nobody wants to know.
func (f *feed) run(ctx context.Context) {
	pause := feedPause
	for {
		more, err := f.look(ctx)
		switch {
		case err != nil:
			pause = min(2*pause, feedPauseMax)
		case more:
			pause = 0
		default:
			pause = feedPause
		}
		f.note(err)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
	}
}

// look tells all streams what has come since the last time. An answer is one
// page; more says that there are others.
func (f *feed) look(ctx context.Context) (more bool, err error) {
	client, _, err := f.feeds.cluster.reach(ctx)
	if err != nil {
		return false, err
	}
	ctx, cancel := context.WithTimeout(ctx, feedTimeout)
	defer cancel()
	r := api.Request{Verb: api.Read, Replica: f.at, Raw: true, All: true, Count: 1}
	first := f.seen.Cluster == ""
	if !first {
		r.Since, r.Count = f.seen.String(), feedCount
	}
	do := client.DoAny
	if f.at != "" {
		do = client.Do
	}
	answer, err := do(ctx, r)
	if isKind(err, api.KindOtherCluster) { // it was made anew
		f.forget()
		return true, nil
	}
	if err != nil {
		return false, err
	}
	f.tell(answer, first)
	return answer.Next != "" && !first, nil
}

// forget begins anew, at a cluster that is another one.
func (f *feed) forget() {
	f.feeds.mu.Lock()
	defer f.feeds.mu.Unlock()
	f.seen, f.base, f.recent, f.parents = board.Token{}, nil, nil, nil
}

// tell keeps what an answer shows and passes it on. The first one only says
// where the board is: who has seen less is told that there is more.
func (f *feed) tell(a *api.Answer, first bool) {
	f.feeds.mu.Lock()
	defer f.feeds.mu.Unlock()
	before := f.seen
	token, err := f.seen.Join(a.Token)
	if err != nil {
		token = a.Token
	}
	if f.seen = token; first {
		f.base = f.seen.Seen
		for s := range f.streams {
			if m := f.missed(s.seen); m != nil {
				f.sendTo(s, m)
			}
		}
		return
	}
	var n news
	for i := range a.Articles {
		e := &a.Articles[i]
		if before.Seen.Has(e.ID) {
			continue // of another replica's board
		}
		f.remember(e.ID, e.Parent)
		n.Articles = append(n.Articles, newcomerOf(e.ID, e.Parent))
	}
	if len(n.Articles) > 0 {
		f.send(encodeNews(n, f.seen.Seen))
	}
}

func newcomerOf(id, parent board.ArticleID) newcomer {
	n := newcomer{ID: id.String()}
	if !parent.IsZero() {
		text := parent.String()
		n.Parent = &text
	}
	return n
}

func (f *feed) remember(id, parent board.ArticleID) {
	if len(f.recent) == recentMax {
		f.base = f.base.With(f.recent[0])
		f.recent, f.parents = f.recent[1:], f.parents[1:]
	}
	f.recent, f.parents = append(f.recent, id), append(f.parents, parent)
}

// missed is what came between a reader's page and its stream; nil: nothing.
func (f *feed) missed(seen board.Vector) []byte {
	if f.seen.Cluster == "" {
		return nil // it has not looked yet, and tells when it has
	}
	n := news{More: !seen.Covers(f.base), Articles: []newcomer{}}
	for i, id := range f.recent {
		if !seen.Has(id) {
			n.Articles = append(n.Articles, newcomerOf(id, f.parents[i]))
		}
	}
	if !n.More && len(n.Articles) == 0 {
		return nil
	}
	return encodeNews(n, f.seen.Seen)
}

// note tells readers when the replica goes away, and when it is back.
func (f *feed) note(err error) {
	f.feeds.mu.Lock()
	defer f.feeds.mu.Unlock()
	if away := err != nil; away != f.away {
		f.away = away
		f.send(encodeEvent("away", "", map[string]bool{"away": away}))
	}
}

// send passes a message to all streams. One whose reader does not keep up ends:
// the browser comes back, and says what it has seen.
func (f *feed) send(message []byte) {
	for s := range f.streams {
		f.sendTo(s, message)
	}
}

func (f *feed) sendTo(s *stream, message []byte) {
	select {
	case s.messages <- message:
	default:
		delete(f.streams, s)
		close(s.messages)
	}
}

// idLenMax bounds an event's id, which comes back as a header.
const idLenMax = 4 << 10

func encodeNews(n news, seen board.Vector) []byte {
	id := seen.String()
	if len(id) > idLenMax {
		id = ""
	}
	return encodeEvent("articles", id, n)
}

// encodeEvent writes a server-sent event.
func encodeEvent(kind, id string, v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		panic("web: an event that is no JSON: " + err.Error()) // texts and bools
	}
	if id != "" {
		id = "id: " + id + "\n"
	}
	return fmt.Appendf(nil, "event: %s\n%sdata: %s\n\n", kind, id, data)
}
