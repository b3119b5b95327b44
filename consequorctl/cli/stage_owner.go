package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// A stage is cleared away by whoever set it. If that is killed, nobody is left to
// do so: so the supervisors of its clusters notice, take these down, and remove
// the stage. They hold no descriptor of it; what tells them is a lock on a file
// of the stage, which the system takes off the dead.

// stageVariable names the stage to all that is started on it.
const stageVariable = "CONSEQUOR_STAGE"

func ownerPath(stage string) string { return filepath.Join(stage, "owner") }

// ownStage holds the lock until the file is closed.
func ownStage(dir string) (*os.File, error) {
	f, err := os.OpenFile(ownerPath(dir), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("own the stage %s: %w", dir, err), f.Close())
	}
	return f, nil
}

// followOwner ends this process in order when the owner of the stage that it was
// started on has died. Nothing can call off the wait for a lock: it ends with the
// process.
func followOwner() {
	dir := os.Getenv(stageVariable)
	if dir == "" {
		return
	}
	go func() {
		if ownerDied(dir, 0) {
			_ = syscall.Kill(os.Getpid(), syscall.SIGTERM)
		}
	}()
}

// removeOrphaned removes the stage that this process was started on, if there is
// nobody else to do so.
func removeOrphaned() error {
	dir := os.Getenv(stageVariable)
	if dir == "" || !ownerDied(dir, syscall.LOCK_NB) {
		return nil
	}
	return os.RemoveAll(dir)
}

// ownerDied reports whether nobody holds the lock, though the stage is there: an
// owner that lives removes it first. Without LOCK_NB it waits for that.
func ownerDied(dir string, flag int) bool {
	f, err := os.Open(ownerPath(dir))
	if err != nil {
		return false
	}
	defer f.Close()
	for {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_SH|flag)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err != nil {
		return false
	}
	_, err = os.Stat(ownerPath(dir))
	return err == nil
}
