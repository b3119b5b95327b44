package modeplugin

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"syscall"
)

// binarySizeMax bounds a third party's binary.
const binarySizeMax = 1 << 30

// openBinary opens a third party's binary: a file with an end, and not a pipe
// or a device, whose opening or reading might never return.
func openBinary(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	switch {
	case err != nil:
	case !info.Mode().IsRegular():
		err = fmt.Errorf("%s: want a regular file", path)
	case info.Size() > binarySizeMax:
		err = fmt.Errorf("%s: %d bytes, the limit is %d", path, info.Size(), binarySizeMax)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// copyChecked copies the binary at path to a new private file, and returns its
// sum. What is summed is what is copied: to change the file at path meanwhile,
// or later, gains nothing.
func copyChecked(path, want, copyPath string) (string, error) {
	in, err := openBinary(path)
	if err != nil {
		return "", err
	}
	defer in.Close()
	// No process is started while the copy is open for writing: that one would
	// hold it open until its exec, and to run it would fail as "text file busy".
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	out, err := os.OpenFile(copyPath, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o700)
	if err != nil {
		return "", err
	}
	hash := sha256.New()
	_, err = io.Copy(io.MultiWriter(out, hash), io.LimitReader(in, binarySizeMax)) // it may grow meanwhile
	if closeErr := out.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return "", fmt.Errorf("copy %s: %w", path, err)
	}
	sum := hex.EncodeToString(hash.Sum(nil))
	if !strings.EqualFold(sum, want) {
		return "", &SumError{Path: path, Want: want, Have: sum}
	}
	return sum, nil
}

// SumError refuses a plugin that is not the one it should be.
type SumError struct{ Path, Want, Have string }

func (e *SumError) Error() string {
	return fmt.Sprintf("%s: its sha256 is %s, not %s", e.Path, e.Have, e.Want)
}

// fileIdentity tells an unchanged file: to sum the same binary again at every
// start of a plugin would cost more than the start.
type fileIdentity struct {
	device, inode uint64
	size, changed int64
}

var sums sync.Map // fileIdentity -> sum, of the few binaries that were ever run

func cachedSum(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	identity := fileIdentity{size: info.Size(), changed: info.ModTime().UnixNano()}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		identity.device, identity.inode = uint64(stat.Dev), uint64(stat.Ino)
	}
	if sum, ok := sums.Load(identity); ok {
		return sum.(string), nil
	}
	hash := sha256.New()
	if _, err := io.Copy(hash, f); err != nil {
		return "", err
	}
	sum := hex.EncodeToString(hash.Sum(nil))
	sums.Store(identity, sum)
	return sum, nil
}
