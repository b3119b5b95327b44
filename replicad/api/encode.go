package api

import (
	"fmt"
	"math"
	"strings"
	"time"

	"consequor/board"
	pb "consequor/replicad/api/consequorpb"
)

// Between the Go types and the messages of consequor.proto. Encoding cannot
// fail for what has passed check; decoding trusts nothing.

var verbCodes = map[Verb]pb.Verb{
	Read:   pb.Verb_VERB_READ,
	Post:   pb.Verb_VERB_POST,
	Choose: pb.Verb_VERB_CHOOSE,
	Reply:  pb.Verb_VERB_REPLY,
	Sync:   pb.Verb_VERB_SYNC,
}

var verbs = [...]Verb{
	pb.Verb_VERB_READ:   Read,
	pb.Verb_VERB_POST:   Post,
	pb.Verb_VERB_CHOOSE: Choose,
	pb.Verb_VERB_REPLY:  Reply,
	pb.Verb_VERB_SYNC:   Sync,
}

func encodeRequest(r *Request) *pb.Request {
	return &pb.Request{
		Verb:    verbCodes[r.Verb],
		Replica: r.Replica,
		Token:   r.Token.String(),
		Author:  r.Author,
		Title:   r.Title,
		Body:    r.Body,
		Key:     r.Key,
		Target:  encodeID(r.Target),
		All:     r.All,
		After:   r.After,
		Since:   r.Since,
		Count:   int32(min(r.Count, math.MaxInt32)),
		Fresh:   r.Fresh,
		Raw:     r.Raw,
	}
}

// requestSize is about how many bytes a request takes on the wire, never less.
func requestSize(m *pb.Request) int {
	const rest = 256
	return rest + len(m.Replica) + len(m.Token) + len(m.Author) + len(m.Title) + len(m.Body) +
		len(m.Key) + len(m.After) + len(m.Since)
}

func decodeRequest(m *pb.Request) (Request, error) {
	target, err := decodeID(m.GetTarget())
	if err != nil {
		return Request{}, fmt.Errorf("target: %w", err)
	}
	if len(m.GetToken()) > TokenLenMax {
		return Request{}, fmt.Errorf("token: %d bytes, the limit is %d", len(m.GetToken()), TokenLenMax)
	}
	token, err := board.ParseToken(m.GetToken())
	if err != nil {
		return Request{}, err
	}
	return Request{
		Verb:    decodeVerb(m.GetVerb()),
		Replica: m.GetReplica(),
		Token:   token,
		Author:  m.GetAuthor(),
		Title:   m.GetTitle(),
		Body:    m.GetBody(),
		Key:     m.GetKey(),
		Target:  target,
		All:     m.GetAll(),
		After:   m.GetAfter(),
		Since:   m.GetSince(),
		Count:   int(m.GetCount()),
		Fresh:   m.GetFresh(),
		Raw:     m.GetRaw(),
	}, nil
}

// decodeVerb gives a verb that check refuses for a code that is none.
func decodeVerb(code pb.Verb) Verb {
	if code > 0 && int(code) < len(verbs) {
		return verbs[code]
	}
	return Verb(code.String())
}

func encodeAnswer(a *Answer) *pb.Answer {
	m := &pb.Answer{
		Replica:   a.Replica,
		Mode:      text(a.Mode),
		Epoch:     a.Epoch,
		Token:     a.Token.String(),
		Guarantee: text(a.Guarantee),
		Applied:   a.Applied,
		Known:     a.Known,
		Asked:     a.Asked,
		Missed:    a.Missed,
		Reached:   a.Reached,
		Id:        encodeID(a.ID),
		Key:       a.Key,
		Copies:    uint32(a.Copies),
		Articles:  encodeEntries(a.Articles),
		Next:      a.Next,
		Count:     uint64(a.Count),
	}
	if !a.Article.ID.IsZero() {
		m.Article = encodeEntry(&a.Article)
	}
	if a.Parent != nil {
		m.Parent = encodeEntry(a.Parent)
	}
	return m
}

func decodeAnswer(m *pb.Answer) (*Answer, error) {
	d := decoder{}
	a := &Answer{
		Replica:   m.GetReplica(),
		Mode:      m.GetMode(),
		Epoch:     m.GetEpoch(),
		Token:     d.token(m.GetToken()),
		Guarantee: m.GetGuarantee(),
		Applied:   m.GetApplied(),
		Known:     m.GetKnown(),
		Asked:     m.GetAsked(),
		Missed:    m.GetMissed(),
		Reached:   m.GetReached(),
		ID:        d.id(m.GetId()),
		Key:       m.GetKey(),
		Copies:    int(m.GetCopies()),
		Articles:  d.entries(m.GetArticles()),
		Next:      m.GetNext(),
		Count:     int(m.GetCount()),
	}
	if m.GetArticle() != nil {
		a.Article = d.entry(m.GetArticle())
	}
	if m.GetParent() != nil {
		parent := d.entry(m.GetParent())
		a.Parent = &parent
	}
	return a, d.err
}

func encodeEntries(entries []board.Entry) []*pb.Article {
	if len(entries) == 0 {
		return nil
	}
	list := make([]*pb.Article, len(entries))
	for i := range entries {
		list[i] = encodeEntry(&entries[i])
	}
	return list
}

func encodeEntry(e *board.Entry) *pb.Article {
	return &pb.Article{
		Id:           encodeID(e.ID),
		Parent:       encodeID(e.Parent),
		Author:       e.Author,
		Title:        e.Title,
		Body:         e.Body,
		TimeUnixNano: e.Time,
		Key:          e.Key,
		Replies:      uint32(e.Replies),
	}
}

// decoder turns messages into Go; it keeps the first error.
type decoder struct{ err error }

func (d *decoder) keep(err error) {
	if d.err == nil {
		d.err = err
	}
}

func (d *decoder) id(text string) board.ArticleID {
	id, err := decodeID(text)
	d.keep(err)
	return id
}

func (d *decoder) token(text string) board.Token {
	token, err := board.ParseToken(text)
	d.keep(err)
	return token
}

func (d *decoder) entries(list []*pb.Article) []board.Entry {
	if len(list) == 0 {
		return nil
	}
	entries := make([]board.Entry, len(list))
	for i, m := range list {
		entries[i] = d.entry(m)
	}
	return entries
}

func (d *decoder) entry(m *pb.Article) board.Entry {
	return board.Entry{
		Article: board.Article{
			ID:     d.id(m.GetId()),
			Parent: d.id(m.GetParent()),
			Author: m.GetAuthor(),
			Title:  m.GetTitle(),
			Body:   m.GetBody(),
			Time:   m.GetTimeUnixNano(),
			Key:    m.GetKey(),
		},
		Replies: int(m.GetReplies()),
	}
}

// encodeID writes an id, and the zero id as the empty text.
func encodeID(id board.ArticleID) string {
	if id.IsZero() {
		return ""
	}
	return id.String()
}

func decodeID(text string) (board.ArticleID, error) {
	if text == "" {
		return board.ArticleID{}, nil
	}
	return board.ParseArticleID(text)
}

// text makes what a mode or an error says fit for the wire.
func text(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

func encodeStatus(s *Status) *pb.ReplicaStatus {
	m := &pb.ReplicaStatus{
		Name:           s.Name,
		Step:           string(s.Step),
		Mode:           text(s.Mode),
		Epoch:          s.Epoch,
		Role:           text(s.Role),
		Term:           s.Term,
		Coordinator:    s.Coordinator,
		Backup:         s.Backup,
		Articles:       s.Articles,
		Vector:         s.Vector,
		Behind:         s.Behind,
		Waiting:        text(s.Waiting),
		PluginPid:      int64(s.PluginPID),
		PluginRestarts: int64(s.PluginRestarts),
		ModeSha256:     s.ModeSHA256,
		Fault:          text(s.Fault),
		PluginEnded:    text(s.PluginEnded),
		DiskFull:       s.DiskFull,
		Peers:          int64(s.Peers),
		Faults:         s.Faults,
	}
	if !s.Since.IsZero() {
		m.SinceUnixNano = s.Since.UnixNano()
	}
	if c := s.Change; c != (Change{}) {
		m.Change = &pb.Change{
			Attempt: c.Attempt, Prepared: c.Prepared, Sha256: c.SHA256, Error: text(c.Error), Sealed: c.Sealed, Merged: c.Merged,
		}
	}
	return m
}

func decodeStatus(m *pb.ReplicaStatus) Status {
	s := Status{
		Name:           m.GetName(),
		Step:           Step(m.GetStep()),
		Mode:           m.GetMode(),
		Epoch:          m.GetEpoch(),
		Role:           m.GetRole(),
		Term:           m.GetTerm(),
		Coordinator:    m.GetCoordinator(),
		Backup:         m.GetBackup(),
		Articles:       m.GetArticles(),
		Vector:         m.GetVector(),
		Behind:         m.GetBehind(),
		Waiting:        m.GetWaiting(),
		PluginPID:      int(m.GetPluginPid()),
		PluginRestarts: int(m.GetPluginRestarts()),
		ModeSHA256:     m.GetModeSha256(),
		Fault:          m.GetFault(),
		PluginEnded:    m.GetPluginEnded(),
		DiskFull:       m.GetDiskFull(),
		Peers:          int(m.GetPeers()),
		Faults:         m.GetFaults(),
	}
	if ns := m.GetSinceUnixNano(); ns != 0 {
		s.Since = time.Unix(0, ns).UTC()
	}
	if c := m.GetChange(); c != nil {
		s.Change = Change{
			Attempt: c.GetAttempt(), Prepared: c.GetPrepared(), SHA256: c.GetSha256(), Error: c.GetError(), Sealed: c.GetSealed(), Merged: c.GetMerged(),
		}
	}
	return s
}
