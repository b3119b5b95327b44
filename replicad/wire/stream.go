package wire

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"time"
)

const (
	// writeLenMax is the most that is given to yamux at once. All streams share
	// one connection, first come, first served: this is how long a message can
	// wait for bulk that came before it.
	writeLenMax = 64 << 10

	// readLen is how much of a stream is read ahead.
	readLen = 64 << 10
)

// lane is both directions of one stream of a link, over the lives of its connections.
type lane struct {
	link   *link
	stream Stream
	out    *outbox
	spare  []Frame // for the outbox, in exchange for its frames
	late   delayed // frames of the connection that a fault holds back

	// Between which replicas frames go, and how that is going.
	ways struct{ out, in ways }
	gate gate // where frames come in
}

func newLane(l *link, stream Stream, out *outbox) *lane {
	return &lane{link: l, stream: stream, out: out, gate: gate{left: make(chan struct{}, 1)}}
}

// send writes the outbox to dst until either ends. All that waits goes out in
// one write, if it is not too much.
func (l *lane) send(dst io.Writer) error {
	w := bufio.NewWriterSize(pieces{dst}, writeLenMax)
	defer l.late.drop()
	for {
		batch, ok := l.out.take(l.spare, l.late.alarm())
		if !ok {
			return nil
		}
		err := l.sendBatch(w, batch)
		clear(batch) // drop the bodies
		l.spare = batch
		if err != nil {
			return err
		}
	}
}

// sendBatch writes the batch, and what was late and is due.
func (l *lane) sendBatch(w *bufio.Writer, batch []Frame) error {
	done := progress{out: l.out}
	for i := range batch {
		held, err := l.transmit(w, &batch[i])
		if err != nil {
			return err
		}
		if !held {
			done.count(&batch[i])
		}
	}
	if err := l.sendLate(w, &done); err != nil {
		return err
	}
	err := w.Flush()
	done.release()
	return err
}

// sendLate writes those delayed frames whose time has come, unless they have
// been cut off meanwhile.
func (l *lane) sendLate(w *bufio.Writer, done *progress) error {
	if !l.late.any() {
		return nil
	}
	for now := time.Now(); ; {
		f, way, ok := l.late.next(now)
		if !ok {
			return nil
		}
		if way.look(l.faults()); way.fault.Cut {
			way.lost.Add(1)
		} else if err := way.write(w, &f); err != nil {
			return err
		}
		done.count(&f)
	}
}

// progress gives back an outbox's room, every now and then.
type progress struct {
	out           *outbox
	frames, bytes int // written or lost, and still counted by the outbox
}

func (p *progress) count(f *Frame) {
	p.frames, p.bytes = p.frames+1, p.bytes+f.size()
	if p.bytes >= writeLenMax {
		p.release()
	}
}

func (p *progress) release() {
	p.out.release(p.frames, p.bytes)
	p.frames, p.bytes = 0, 0
}

// transmit puts one frame on its way, loses it, or holds it back: then its time
// in the outbox is not over. Everything that one replica says to another in
// another process passes here, one frame at a time and in order.
func (l *lane) transmit(w *bufio.Writer, f *Frame) (held bool, err error) {
	way := l.ways.out.of(f)
	way.number++
	way.look(l.faults())
	if way.whole && way.waiting == 0 {
		return false, way.write(w, f)
	}
	lost, delay := way.fault.Fate(way.table.Seed, way.Direction, l.stream, way.number)
	switch {
	case lost || way.fault.Cut:
		way.lost.Add(1)
		return false, nil
	case delay == 0 && way.waiting == 0:
		return false, way.write(w, f)
	}
	way.late.Add(1)
	l.late.hold(f, way, time.Now().Add(delay))
	return true, nil
}

func (l *lane) faults() *Faults { return l.link.node.faults.Load() }

// receive reads frames from src and delivers them until it ends. What had
// arrived when the connection broke is still delivered.
func (l *lane) receive(src io.Reader) error {
	r := bufio.NewReaderSize(src, readLen)
	for {
		f, err := readFrame(r)
		if err != nil {
			return err
		}
		if err := l.link.checkFrame(&f); err != nil {
			return err
		}
		l.deliver(f)
	}
}

// deliver hands one frame on, unless it is cut off. Everything that another
// process's replicas say to ours passes here.
func (l *lane) deliver(f Frame) {
	l.gate.enter()
	way := l.ways.in.of(&f)
	if way.look(l.faults()); way.fault.Cut {
		way.lost.Add(1)
	} else {
		way.passed.count(&f)
		l.link.node.cfg.Handler.OnFrame(f)
	}
	l.gate.leave()
}

// checkFrame reports a frame that cannot be the peer's, or not for us.
func (l *link) checkFrame(f *Frame) error {
	if l.node.byReplica[f.From] != l {
		return &FrameError{fmt.Sprintf("it is from %s, which %s does not host", f.From, l.peer.Process)}
	}
	if !l.node.hosted[f.To] {
		return &FrameError{fmt.Sprintf("it is for %s, which is not hosted here", f.To)}
	}
	return nil
}

// pieces cuts what is written into pieces of at most writeLenMax.
type pieces struct{ dst io.Writer }

func (p pieces) Write(b []byte) (n int, err error) {
	for len(b) > 0 {
		piece := b[:min(len(b), writeLenMax)]
		m, err := p.dst.Write(piece)
		n += m
		if err != nil {
			return n, err
		}
		b = b[len(piece):]
	}
	return n, nil
}

// streamError makes of what ended a stream what the log should say.
func streamError(err error) error {
	if errors.Is(err, io.EOF) {
		return errClosed
	}
	return err
}
