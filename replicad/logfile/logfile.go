package logfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
)

// Limits says how much of one log is kept. The zero value is the default.
type Limits struct {
	Size int64 `json:"size"` // of one file, in bytes; default: SizeDefault
	Keep int   `json:"keep"` // so many files beside the one that is written; default and most: KeepMax
}

// The limits of a log, if nobody says otherwise.
const (
	SizeDefault = 10 << 20
	KeepMax     = 3
)

func (l Limits) orDefault() Limits {
	if l.Size <= 0 {
		l.Size = SizeDefault
	}
	if l.Keep <= 0 || l.Keep > KeepMax {
		l.Keep = KeepMax
	}
	return l
}

// name is the file's that was set aside n rotations ago; 0: the one that is
// written.
func name(path string, n int) string {
	if n == 0 {
		return path
	}
	return path + "." + strconv.Itoa(n)
}

// Open opens a log for appending, for a process that is about to start. One
// that has its size is set aside first.
func Open(path string, l Limits) (*os.File, error) {
	l = l.orDefault()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("make the folder for logs: %w", err)
	}
	info, err := os.Stat(path)
	if err == nil && info.Size() >= l.Size {
		err = shift(path, l.Keep)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("set a log aside: %w", err)
	}
	return open(path)
}

func open(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open a log: %w", err)
	}
	return f, nil
}

// shift makes room for a fresh file at path. It begins at the oldest, so that
// what ends in the middle of it has lost nothing that is still to be kept.
func shift(path string, keep int) error {
	for n := KeepMax; n > keep; n-- { // of a time with other limits
		if err := os.Remove(name(path, n)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	for n := keep; n > 0; n-- {
		if err := os.Rename(name(path, n-1), name(path, n)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// Chain opens all that is kept of a log and was not read yet, the oldest file
// first. last is the file that was read to its end; nil: none was. whole is false
// if last is no longer kept: then lines may be missing between it and the first
// of the chain. The caller closes what it is given.
func Chain(path string, last fs.FileInfo) (files []*os.File, whole bool, err error) {
	// From the newest to the oldest: while files are renamed, one may be seen
	// twice, but none is passed over.
	var seen []fs.FileInfo
	for n := 0; n <= KeepMax; n++ {
		f, info, err := openToRead(name(path, n))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue // there is none, or it is just being renamed
		case err != nil:
			return nil, false, errors.Join(err, closeAll(files))
		case last != nil && os.SameFile(info, last):
			return files, true, f.Close()
		case slices.ContainsFunc(seen, func(s fs.FileInfo) bool { return os.SameFile(s, info) }):
			f.Close() // it was only read
			continue
		}
		seen = append(seen, info)
		files = slices.Insert(files, 0, f)
	}
	return files, last == nil, nil
}

func openToRead(path string) (*os.File, fs.FileInfo, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	return f, info, nil
}

func closeAll(files []*os.File) error {
	var errs []error
	for _, f := range files {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}

// Place is a place in a log, for example where a process's life begins in it.
type Place struct {
	file   fs.FileInfo
	offset int64
}

// End is the place behind what an open log has by now.
func End(f *os.File) (Place, error) {
	info, err := f.Stat()
	if err != nil {
		return Place{}, fmt.Errorf("look at a log: %w", err)
	}
	return Place{info, info.Size()}, nil
}

// Tail returns the last bytes of a log that were written after from, at most
// sizeMax of them.
func Tail(path string, from Place, sizeMax int64) ([]byte, error) {
	var tail []byte
	for n := 0; n <= KeepMax && int64(len(tail)) < sizeMax; n++ {
		data, first, err := tailOf(name(path, n), from, sizeMax-int64(len(tail)))
		if err != nil {
			return nil, err
		}
		tail = append(data, tail...)
		if first {
			break
		}
	}
	return tail, nil
}

// tailOf is Tail for one file; first says that from is in it.
func tailOf(path string, from Place, sizeMax int64) (data []byte, first bool, err error) {
	f, info, err := openToRead(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	defer f.Close()
	var begin int64
	if first = from.file != nil && os.SameFile(info, from.file); first {
		begin = from.offset
	}
	begin = max(begin, info.Size()-sizeMax)
	if begin >= info.Size() {
		return nil, first, nil
	}
	data = make([]byte, info.Size()-begin)
	n, err := f.ReadAt(data, begin)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return data[:n], first, err
}
