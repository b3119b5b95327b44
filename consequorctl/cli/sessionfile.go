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
	"strings"
	"syscall"
	"time"
)

// The lock of a session's file is held for a read and a rename, never while a
// replica is asked.
const (
	sessionLockWait     = 2 * time.Second
	sessionLockInterval = 2 * time.Millisecond
)

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
