package record

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
)

// Pen writes down what one process asks of a cluster, as long as that is
// recorded. It is safe for concurrent use.
type Pen struct {
	path string
	name string // in the names of operations

	mu      sync.Mutex
	count   uint64
	file    *os.File // nil: the cluster was not recorded when it was looked at last
	inode   uint64
	queue   []byte // lines that are not written yet
	digests digests
}

// queueSizeMax bounds the lines that nobody waits for; beyond, whoever adds one
// writes them.
const queueSizeMax = 64 << 10

// Open gives a pen for the cluster whose record lies in folder, if there is one.
func Open(folder string) *Pen {
	return &Pen{path: filepath.Join(folder, fileName), name: rand.Text()[:10]}
}

// Close writes what is left.
func (p *Pen) Close() error {
	if p == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.file == nil {
		return nil
	}
	err := p.flush()
	err = errors.Join(err, p.file.Close())
	p.file = nil
	return err
}

// on looks whether the cluster is recorded just now. It may have begun, ended
// and begun again since the last look: each record is a file of its own.
func (p *Pen) on() (bool, error) {
	info, err := os.Stat(p.path)
	p.mu.Lock()
	defer p.mu.Unlock()
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look whether the cluster is recorded: %w", err)
	}
	inode := info.Sys().(*syscall.Stat_t).Ino
	if p.file != nil && p.inode == inode {
		return true, nil
	}
	return p.reopen()
}

func (p *Pen) reopen() (bool, error) {
	if p.file != nil {
		_ = p.flush() // that record has ended: whoever reads it has what counts
		p.file.Close()
		p.file = nil
	}
	f, err := os.OpenFile(p.path, os.O_WRONLY|os.O_APPEND, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("open the record: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return false, fmt.Errorf("open the record: %w", err)
	}
	p.file, p.inode = f, info.Sys().(*syscall.Stat_t).Ino
	return true, nil
}

// next names an operation.
func (p *Pen) next() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.count++
	return p.name + "." + strconv.FormatUint(p.count, 10)
}

// add appends a line. When now is set it is written before add returns, with all
// that were added before; else that can wait for the next one.
func (p *Pen) add(l line, now bool) error {
	text, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("write into the record: %w", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.file == nil {
		return errors.New("write into the record: it is closed")
	}
	if len(p.queue) == 0 {
		p.queue = append(p.queue, '\n')
	}
	p.queue = append(append(p.queue, text...), '\n')
	if now || len(p.queue) > queueSizeMax {
		return p.flush()
	}
	return nil
}

// flush writes what is queued, in one write. It begins with the end of a line, so
// that a write which was cut short by the death of another process spoils no
// line but its own.
func (p *Pen) flush() error {
	if len(p.queue) == 0 {
		return nil
	}
	_, err := p.file.Write(p.queue)
	p.queue = p.queue[:0]
	if err != nil {
		return fmt.Errorf("write into the record: %w", err)
	}
	return nil
}
