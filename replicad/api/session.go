package api

import (
	"context"
	"fmt"
	"sync"

	"consequor/board"
)

// Session is one client's sequence of requests. It keeps the token that goes
// along, so that what the session has written and read is in what it reads
// next, at whichever replica. It is safe for concurrent use; requests that run
// at the same time do not see each other.
type Session struct {
	client *Client

	mu    sync.Mutex
	token board.Token
	first int // the replica that answered last; another session begins elsewhere
}

// NewSession begins a session that has seen what token says; the zero Token is
// nothing. Sessions begin at the replicas in turn and stay where they are
// answered.
func (c *Client) NewSession(token board.Token) *Session {
	return &Session{client: c, token: token, first: int(c.next.Add(1)-1) % len(c.links)}
}

// Token is what the session has written and read.
func (s *Session) Token() board.Token {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.token
}

// Do carries out r with the session's token: at the replica that r names, and
// nowhere else, or at any that answers if it names none. An error is an
// *Error.
func (s *Session) Do(ctx context.Context, r Request) (*Answer, error) {
	links, first, e := s.begin(&r)
	if e != nil {
		return nil, e
	}
	answer, at, err := s.client.run(ctx, r, links, first)
	if err != nil {
		return nil, err
	}
	if e := s.end(r.Verb, answer, at, len(links) > 1); e != nil {
		return nil, e
	}
	return answer, nil
}

// begin adds the session's token to r and says where to go with it.
func (s *Session) begin(r *Request) ([]*link, int, *Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	token, err := r.Token.Join(s.token)
	if err != nil {
		return nil, 0, refused(KindOtherCluster, "%s: %v", r.Verb, err)
	}
	r.Token = token
	if r.Replica == "" {
		return s.client.links, s.first, nil
	}
	i, e := s.client.find(r.Replica)
	if e != nil {
		return nil, 0, e
	}
	return s.client.links[i : i+1], 0, nil
}

// end joins an answer's token to the session's.
func (s *Session) end(verb Verb, answer *Answer, at int, free bool) *Error {
	s.mu.Lock()
	defer s.mu.Unlock()
	token, err := s.token.Join(answer.Token)
	if err != nil {
		return &Error{Outcome: doubtful(verb), Kind: KindOtherCluster, Message: fmt.Sprintf("%s: answer of %s: %v", verb, answer.Replica, err)}
	}
	s.token = token
	if free {
		s.first = at
	}
	return nil
}
