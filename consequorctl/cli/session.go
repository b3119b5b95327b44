package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"consequor/board"
	"consequor/supervisor"
)

// pendingCountMax bounds the unanswered keys of a session; beyond, the oldest is
// forgotten.
const pendingCountMax = 64

// session is what one user's commands carry from one to the next, in a file of
// the cluster's folder:
//
//	NAME/sessions/alice.json   {"token": ..., "pending": [{"key", "digest", "pid"}]}
//	NAME/ephemeral/sessions/   instead, of a cluster that is up with --ephemeral
//
// The token is joined in, never overwritten. A post's key stands in pending
// from before it is sent until an answer is there, so a command that died or
// ended unknown can be given again and still be the same post.
type session struct {
	path string // empty: nothing is kept
}

type sessionFile struct {
	Token   string    `json:"token"`
	Pending []pending `json:"pending,omitempty"`
}

// pending is a post without an answer. As long as the process that sent it
// lives, a second post of equal content is a post of its own.
type pending struct {
	Key    string `json:"key"`
	Digest string `json:"digest"`         // of verb, parent, author, title and body
	PID    int    `json:"pid,omitempty"`  // who sent it; 0: it ended unknown
	Born   string `json:"born,omitempty"` // when that process began: pids are used again
}

// inFlight reports whether the process that sent the post still lives.
func (p pending) inFlight() bool {
	return p.PID != 0 && p.Born != "" && p.Born == born(p.PID)
}

// sessionHome is the folder that sessions are kept under. What has seen an
// ephemeral cluster must not outlive it: the next of its name is another one.
// The supervisor removes ephemeral/ at down, and at the next up.
func sessionHome(home string, status *supervisor.ClusterStatus) string {
	if status.Ephemeral {
		return filepath.Join(home, "ephemeral")
	}
	return home
}

// openSession names the session of a cluster's folder; nothing is made yet.
func openSession(home, name string) *session {
	return &session{path: filepath.Join(home, "sessions", sessionFileName(name))}
}

// Token returns what the session has seen.
func (s *session) Token() (board.Token, error) {
	if s.path == "" {
		return board.Token{}, nil
	}
	kept, err := s.read()
	if err != nil {
		return board.Token{}, err
	}
	return s.parse(kept.Token)
}

// Begin keeps a post's key until Answered. With no key given it takes that of
// an equal post that was left unanswered, else what fresh makes. again says
// that an earlier try of this key may have been done.
func (s *session) Begin(digest, given string, fresh func() (string, error)) (key string, again bool, err error) {
	if s.path == "" {
		if given == "" {
			given, err = fresh()
		}
		return given, false, err
	}
	key, again, err = s.claim(digest, given, given)
	if !errors.Is(err, errNeedsKey) {
		return key, again, err
	}
	made, err := fresh() // asks a replica, so not under the lock
	if err != nil {
		return "", false, err
	}
	return s.claim(digest, given, made)
}

var errNeedsKey = errors.New("a key is needed")

// claim takes the key of an equal post that was left unanswered, else the one
// that was given or made.
func (s *session) claim(digest, given, key string) (claimed string, again bool, err error) {
	err = s.change(func(kept *sessionFile) error {
		at := slices.IndexFunc(kept.Pending, func(p pending) bool {
			return !p.inFlight() && p.Digest == digest && (given == "" || p.Key == given)
		})
		switch again = at >= 0; {
		case again:
			key = kept.Pending[at].Key
			kept.Pending[at].PID, kept.Pending[at].Born = os.Getpid(), born(os.Getpid())
			return nil
		case key == "":
			return errNeedsKey
		}
		kept.Pending = append(kept.Pending, pending{key, digest, os.Getpid(), born(os.Getpid())})
		kept.Pending = kept.Pending[max(0, len(kept.Pending)-pendingCountMax):]
		return nil
	})
	return key, again, err
}

// Answered forgets a key: the post was done, or surely not done.
func (s *session) Answered(key string) error {
	return s.change(func(kept *sessionFile) error {
		kept.Pending = slices.DeleteFunc(kept.Pending, func(p pending) bool { return p.Key == key })
		return nil
	})
}

// Unanswered marks a key as one that the next equal post goes on with.
func (s *session) Unanswered(key string) error {
	return s.change(func(kept *sessionFile) error {
		for i := range kept.Pending {
			if kept.Pending[i].Key == key {
				kept.Pending[i].PID = 0
			}
		}
		return nil
	})
}

// Join adds what an answer showed to what the session has seen, and returns
// the whole.
func (s *session) Join(answer board.Token) (joined board.Token, err error) {
	if s.path == "" {
		return answer, nil
	}
	err = s.change(func(kept *sessionFile) error {
		token, err := s.parse(kept.Token)
		if err != nil {
			return err
		}
		if joined, err = token.Join(answer); err != nil {
			return &Failure{Code: ExitRefused, Kind: "other_cluster", Message: fmt.Sprintf("session %s: %v", s.path, err), Hint: "remove that file to start a new session"}
		}
		kept.Token = joined.String()
		return nil
	})
	return joined, err
}

func (s *session) parse(text string) (board.Token, error) {
	token, err := board.ParseToken(text)
	if err != nil {
		return board.Token{}, fmt.Errorf("session %s: %w", s.path, err)
	}
	return token, nil
}
