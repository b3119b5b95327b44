package modeplugin

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"sync/atomic"

	"consequor/board"
	"consequor/modes"
)

// sendDirectMax is how large a frame Send writes itself. It fits any socket
// buffer whole, and as only one batch is ever under way that buffer is empty:
// so Send does not block, not even on a plugin that is stopped. Larger ones are
// written by a goroutine of their own.
const sendDirectMax = 64 << 10

// Machine is the host's end of one replica's state machine. Send and Recv may
// be called by two goroutines; there is one batch under way at a time.
type Machine struct {
	replica board.ReplicaID
	owner   string // "mode plugin 4711", for errors
	conn    net.Conn
	frames  *frameReader
	out     []byte        // the last small frame that was sent
	pending atomic.Uint64 // number of the batch that is under way; 0: none
	writers sync.WaitGroup
	close   sync.Once
	closed  func() // tells the owner; may be nil
}

func newMachine(replica board.ReplicaID, owner string, conn net.Conn) *Machine {
	return &Machine{replica: replica, owner: owner, conn: conn, frames: newFrameReader(conn)}
}

// Step has the mode handle a batch, and returns its effects. After an error
// the state machine is gone.
func (m *Machine) Step(batch modes.Batch) (*modes.Effects, error) {
	if err := m.Send(batch); err != nil {
		return nil, err
	}
	_, effects, err := m.Recv()
	return effects, err
}

// Send hands the mode a batch; Recv returns its effects. Send does not block.
func (m *Machine) Send(batch modes.Batch) error {
	if batch.Number == 0 {
		return m.errorf("batch 0: batches are numbered from 1")
	}
	buf, err := appendBatch(beginFrame(m.out), &batch)
	if err == nil {
		err = endFrame(buf, "batch "+strconv.FormatUint(batch.Number, 10))
	}
	if err != nil {
		return m.errorf("%w", err)
	}
	if !m.pending.CompareAndSwap(0, batch.Number) {
		return m.errorf("batch %d: batch %d is not answered yet", batch.Number, m.pending.Load())
	}
	if len(buf) > sendDirectMax {
		m.out = nil
		m.writers.Go(func() { m.write(buf) })
		return nil
	}
	m.out = buf
	return m.write(buf)
}

// write sends one frame. A frame that is not sent whole ends the state
// machine: whoever waits in Recv is told at once.
func (m *Machine) write(buf []byte) error {
	if _, err := m.conn.Write(buf); err != nil {
		m.conn.Close()
		return m.errorf("send batch: %w", err)
	}
	return nil
}

// Recv waits for the effects of the batch that was sent, and returns them with
// its number. It fails at once when the state machine dies.
func (m *Machine) Recv() (number uint64, effects *modes.Effects, err error) {
	buf, err := m.frames.next()
	if err != nil {
		return 0, nil, m.errorf("receive effects: %w", errDied(err))
	}
	err = checkSize(buf)
	var a answer
	if err == nil {
		a, err = decodeEffects(buf)
	}
	if err != nil {
		return 0, nil, m.fail("%w", err)
	}
	if a.fault != "" {
		return 0, nil, m.fail("%s", a.fault)
	}
	if sent := m.pending.Swap(0); sent == 0 || a.number != sent {
		return 0, nil, m.fail("effects %d answer batch %d", a.number, sent)
	}
	return a.number, &a.effects, nil
}

// fail ends a state machine that broke the protocol.
func (m *Machine) fail(format string, args ...any) error {
	m.conn.Close()
	return m.errorf(format, args...)
}

func (m *Machine) errorf(format string, args ...any) error {
	return fmt.Errorf("%s: machine of %s: %w", m.owner, m.replica, fmt.Errorf(format, args...))
}

// ErrDied is in the error of a machine whose other end is gone.
var ErrDied = errors.New("the state machine is gone")

func errDied(err error) error { return fmt.Errorf("%w (%w)", ErrDied, err) }

// Close ends the state machine, and whoever waits in Recv. It may be called
// more than once.
func (m *Machine) Close() error {
	m.close.Do(func() {
		m.conn.Close() // the plugin's end of file; an error would say no more
		m.writers.Wait()
		if m.closed != nil {
			m.closed()
		}
	})
	return nil
}
