package supervisor

import (
	"context"
	"net/http"
	"slices"
	"time"

	"consequor/board"
	"consequor/topologies"
)

// LinkFault is what is wrong with one direction of one link: with what From
// says to To.
type LinkFault struct {
	From     string  `json:"from"`
	To       string  `json:"to"`
	Cut      bool    `json:"cut"`
	DelayMS  float64 `json:"delay_ms"`
	JitterMS float64 `json:"jitter_ms"`
	Loss     float64 `json:"loss"` // the part of messages that is lost, 0 to 1
}

// Whole reports whether nothing is wrong.
func (f *LinkFault) Whole() bool { return !f.Cut && f.DelayMS == 0 && f.JitterMS == 0 && f.Loss == 0 }

// Words says what is wrong, for people.
func (f *LinkFault) Words() string {
	return topologies.LinkFault{Cut: f.Cut, Delay: duration(f.DelayMS), Jitter: duration(f.JitterMS), Loss: f.Loss}.Words()
}

func duration(milliseconds float64) time.Duration {
	return time.Duration(milliseconds * float64(time.Millisecond))
}

// Link is how one direction of one link is. Both ends count since their
// processes began; of an end that gave no answer nothing is known.
type Link struct {
	LinkFault
	Up       bool    `json:"up"`       // the link has a connection, at all ends that answered
	Sent     *uint64 `json:"sent"`     // messages that From has put on their way
	Received *uint64 `json:"received"` // that came through to To
	Lost     *uint64 `json:"lost"`     // by a cut or by chance, as far as known
	Late     *uint64 `json:"late"`     // that From has sent with a delay
}

// LinksResult is how all links are, in all directions: by From, then To, in the
// order of the replicas.
type LinksResult struct {
	Seed    uint64   `json:"seed"` // decides which messages chance takes
	Links   []Link   `json:"links"`
	Missing []Silent `json:"missing"` // who gave no answer
}

// Links asks all replicas how their links are.
func (c *Client) Links(ctx context.Context) (*LinksResult, error) {
	var r LinksResult
	if err := c.call(ctx, "GET", pathLinks, nil, &r); err != nil {
		return nil, err
	}
	return &r, nil
}

func (srv *server) onLinks(w http.ResponseWriter, r *http.Request) {
	answer(w, srv.s.links(r.Context()))
}

// pair is one end of a link: self's view of peer.
type pair struct{ self, peer board.ReplicaID }

// ends asks every replica for its ends of its links.
func (s *supervisor) ends(ctx context.Context) (map[pair]topologies.LinkState, []Silent) {
	ends := make(map[pair]topologies.LinkState)
	missing := s.askAll(ctx, topologies.Inquiry{Kind: topologies.InquireLinks}, func(_ *process, answers []topologies.Answer) {
		for _, a := range answers {
			for _, l := range a.Links {
				ends[pair{l.Self, l.Peer}] = l
			}
		}
	})
	return ends, missing
}

// links joins both ends' words on each direction.
func (s *supervisor) links(ctx context.Context) *LinksResult {
	result := &LinksResult{Links: []Link{}}
	ends, missing := s.ends(ctx)
	result.Missing = missing
	faults := s.hub.faultTable()
	result.Seed = faults.Seed
	for _, from := range s.state.Replicas {
		for _, to := range s.state.Replicas {
			if from.Process == to.Process {
				continue // they do not talk over a link
			}
			l := Link{LinkFault: s.hub.namedFault(faults.On(from.ID, to.ID))}
			l.count(ends, from.ID, to.ID)
			result.Links = append(result.Links, l)
		}
	}
	return result
}

// count fills in what the two ends say.
func (l *Link) count(ends map[pair]topologies.LinkState, from, to board.ReplicaID) {
	sender, sent := ends[pair{from, to}]
	receiver, received := ends[pair{to, from}]
	l.Up = (sent || received) && (!sent || sender.Up) && (!received || receiver.Up)
	if sent {
		l.Sent, l.Late = &sender.Sent, &sender.Late
	}
	if received {
		l.Received = &receiver.Received
	}
	if sent || received {
		lost := sender.Lost + receiver.Discarded
		l.Lost = &lost
	}
}

// faultTable is the table that is wanted.
func (h *hub) faultTable() topologies.Faults {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.faults
}

// namedFault is f with the replicas' names. Names do not change.
func (h *hub) namedFault(f topologies.LinkFault) LinkFault {
	return LinkFault{
		From: h.replicaName(f.From), To: h.replicaName(f.To), Cut: f.Cut,
		DelayMS: milliseconds(f.Delay), JitterMS: milliseconds(f.Jitter), Loss: f.Loss,
	}
}

func (h *hub) replicaName(id board.ReplicaID) string {
	if i := int(id) - 1; i >= 0 && i < len(h.rows) && h.rows[i].replica.ID == id {
		return h.rows[i].replica.Name
	}
	i := slices.IndexFunc(h.rows, func(r *row) bool { return r.replica.ID == id })
	if i < 0 {
		return id.String()
	}
	return h.rows[i].replica.Name
}
