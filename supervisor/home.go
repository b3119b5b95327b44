package supervisor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// lock is the right to be the supervisor of the cluster in a home. It ends
// with the process that holds it, however that ends.
type lock struct{ file *os.File }

// lockTries bounds how often a lock file that was wiped between opening and
// locking it is opened again.
const lockTries = 10

// lockHome takes the lock on home, which it makes if need be. If another
// supervisor has it, the error's kind is KindRunning.
func lockHome(home string) (*lock, error) {
	for range lockTries {
		if err := os.MkdirAll(home, 0o700); err != nil {
			return nil, fmt.Errorf("make the cluster's folder: %w", err)
		}
		l, err := tryLock(filepath.Join(home, lockName))
		if l != nil || err != nil {
			return l, err
		}
	}
	return nil, fmt.Errorf("lock %s: it is wiped again and again", home)
}

// tryLock returns nil and no error when the file it locked is no longer the
// one at path.
func tryLock(path string) (*lock, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("lock the cluster: %w", err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		defer f.Close()
		return nil, runningError(path)
	}
	if err == nil && sameFile(f, path) {
		err = writePID(f)
		if err == nil {
			return &lock{f}, nil
		}
	}
	f.Close()
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return nil, nil
}

func sameFile(f *os.File, path string) bool {
	mine, err := f.Stat()
	if err != nil {
		return false
	}
	there, err := os.Stat(path)
	return err == nil && os.SameFile(mine, there)
}

func writePID(f *os.File) error {
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err := f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return err
}

func runningError(path string) error {
	name := filepath.Base(filepath.Dir(path))
	who := ""
	if pid, err := os.ReadFile(path); err == nil && len(pid) > 0 {
		who = ": its supervisor has pid " + strings.TrimSpace(string(pid))
	}
	return &Error{Kind: KindRunning, Message: "cluster " + name + " is running already" + who,
		Hint: "see it with: consequorctl status --cluster " + name}
}

// release unlocks by name: closing alone would leave the lock to a child that
// is just then between fork and exec, and still has the file open.
func (l *lock) release() error {
	return errors.Join(syscall.Flock(int(l.file.Fd()), syscall.LOCK_UN), l.file.Close())
}

// runLenMax bounds the path of the folder for sockets: below it come a
// process's number and the name of a plugin's socket, and all of it must stay
// below the 108 bytes of a unix socket's address.
const runLenMax = 70

// shortPrefix begins the names of folders for sockets outside of a home.
const shortPrefix = "consequor-"

// makeRun makes an empty folder for sockets and returns its path: home/run, or
// a short one that home/run links to.
func makeRun(home string) (string, error) {
	if err := removeRun(home); err != nil {
		return "", err
	}
	run := filepath.Join(home, runName)
	if len(run) <= runLenMax {
		return run, os.Mkdir(run, 0o700)
	}
	short, err := os.MkdirTemp(shortParent(), shortPrefix) // 0700
	if err != nil {
		return "", fmt.Errorf("make a folder for sockets: %w", err)
	}
	if err := os.Symlink(short, run); err != nil {
		return "", errors.Join(fmt.Errorf("make a folder for sockets: %w", err), os.Remove(short))
	}
	return short, nil
}

// randomLen is how much os.MkdirTemp adds at most.
const randomLen = 10

func shortParent() string {
	for _, dir := range []string{os.Getenv("XDG_RUNTIME_DIR"), os.TempDir()} {
		info, err := os.Stat(dir)
		if err == nil && info.IsDir() && filepath.IsAbs(dir) && len(dir)+len(shortPrefix)+randomLen < runLenMax {
			return dir
		}
	}
	return "/tmp"
}

// removeRun removes the folder for sockets, also one that a supervisor which
// was killed has left.
func removeRun(home string) error {
	run := filepath.Join(home, runName)
	if short, err := os.Readlink(run); err == nil && strings.HasPrefix(filepath.Base(short), shortPrefix) {
		if err := os.RemoveAll(short); err != nil {
			return fmt.Errorf("remove sockets: %w", err)
		}
	}
	if err := os.RemoveAll(run); err != nil {
		return fmt.Errorf("remove sockets: %w", err)
	}
	return nil
}

// Wipe removes all of a cluster that is not running: data, certificates, logs,
// sessions. If it is running, the error's kind is KindRunning.
func Wipe(home string) error {
	if !exists(filepath.Join(home, lockName)) {
		return &Error{Kind: KindNoSuchCluster, Message: "there is no cluster " + clusterName(home), Hint: upHint}
	}
	l, err := lockHome(home)
	if err != nil {
		return err
	}
	err = errors.Join(removeRun(home), os.RemoveAll(home))
	return errors.Join(err, l.release())
}
