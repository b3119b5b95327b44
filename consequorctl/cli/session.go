package cli

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"consequor/board"
	"consequor/supervisor"
)

// The limits of a kept session.
const (
	pendingCountMax     = 64              // unanswered keys; beyond, the oldest is forgotten
	sessionLockWait     = 2 * time.Second // the lock is held for a read and a rename, never over a request
	sessionLockInterval = 2 * time.Millisecond
)

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

// sessionFileName makes any name a file name: what is not a letter, a digit or
// one of -_@. becomes %XX, and so does a leading dot.
func sessionFileName(name string) string {
	const nameLenMax = 100
	if len(name) > nameLenMax {
		sum := sha256.Sum256([]byte(name))
		name = name[:nameLenMax/2] + "-" + hex.EncodeToString(sum[:8])
	}
	var b strings.Builder
	for i, c := range []byte(name) {
		plain := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-_@.", c) >= 0
		if plain && (c != '.' || i > 0) {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String() + ".json"
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
	key = given
	err = s.change(func(kept *sessionFile) error {
		at := slices.IndexFunc(kept.Pending, func(p pending) bool {
			return !p.inFlight() && p.Digest == digest && (given == "" || p.Key == given)
		})
		if again = at >= 0; again {
			key = kept.Pending[at].Key
			kept.Pending[at].PID, kept.Pending[at].Born = os.Getpid(), born(os.Getpid())
			return nil
		}
		if key == "" {
			if key, err = fresh(); err != nil {
				return err
			}
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
			return &Failure{ExitRefused, "other_cluster", fmt.Sprintf("session %s: %v", s.path, err), "remove that file to start a new session"}
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

// change reads the file, lets edit work on it, and renames the new one into
// place, all under a lock: two commands at once lose nothing of each other.
func (s *session) change(edit func(*sessionFile) error) error {
	if s.path == "" {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(s.path), 0o700); err != nil {
		return fmt.Errorf("make the folder of sessions: %w", err)
	}
	unlock, err := lockFile(s.path + ".lock")
	if err != nil {
		return err
	}
	defer unlock()
	kept, err := s.read()
	if err != nil {
		return err
	}
	if err := edit(kept); err != nil {
		return err
	}
	return s.write(kept)
}

func (s *session) read() (*sessionFile, error) {
	kept := new(sessionFile)
	data, err := os.ReadFile(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		return kept, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read session: %w", err)
	}
	if err := json.Unmarshal(data, kept); err != nil {
		return nil, fmt.Errorf("read session %s: %w", s.path, err)
	}
	return kept, nil
}

func (s *session) write(kept *sessionFile) error {
	data, err := json.Marshal(kept)
	if err != nil {
		return fmt.Errorf("write session %s: %w", s.path, err)
	}
	fresh := s.path + ".new" // under the lock: nobody else writes it
	if err := writeFileSync(fresh, append(data, '\n')); err != nil {
		return fmt.Errorf("write session: %w", err)
	}
	if err := os.Rename(fresh, s.path); err != nil {
		return fmt.Errorf("write session: %w", err)
	}
	return nil
}

// writeFileSync writes a file that is whole on disk before a rename can make
// it the one that counts.
func writeFileSync(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Sync(), f.Close())
}

func lockFile(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock session: %w", err)
	}
	deadline := time.Now().Add(sessionLockWait)
	for {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { _ = f.Close() }, nil // closing gives the lock back
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) || time.Now().After(deadline) {
			return nil, fmt.Errorf("lock session %s: %w", path, errors.Join(err, f.Close()))
		}
		time.Sleep(sessionLockInterval)
	}
}
