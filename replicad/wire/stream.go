package wire

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
)

const (
	// writeLenMax is the most that is given to yamux at once. All streams share
	// one connection, first come, first served: this is how long a message can
	// wait for bulk that came before it.
	writeLenMax = 64 << 10

	// readLen is how much of a stream is read ahead.
	readLen = 64 << 10
)

// traffic counts what has passed in one direction of one stream.
type traffic struct{ frames, bytes atomic.Uint64 }

func (t *traffic) count(f *Frame) {
	t.frames.Add(1)
	t.bytes.Add(uint64(f.size()))
}

// lane is both directions of one stream of a link, over the lives of its connections.
type lane struct {
	link           *link
	out            *outbox
	sent, received traffic
	spare          []Frame // for the outbox, in exchange for its frames
}

// send writes the outbox to dst until either ends. All that waits goes out in
// one write, if it is not too much.
func (l *lane) send(dst io.Writer) error {
	w := bufio.NewWriterSize(pieces{dst}, writeLenMax)
	for {
		batch, ok := l.out.take(l.spare)
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

func (l *lane) sendBatch(w *bufio.Writer, batch []Frame) error {
	frames, bytes := 0, 0 // written, and still counted by the outbox
	for i := range batch {
		if err := l.transmit(w, &batch[i]); err != nil {
			return err
		}
		frames, bytes = frames+1, bytes+batch[i].size()
		if bytes >= writeLenMax {
			l.out.release(frames, bytes)
			frames, bytes = 0, 0
		}
	}
	err := w.Flush()
	l.out.release(frames, bytes)
	return err
}

// transmit puts one frame on its way. Everything that one replica says to
// another in another process passes here, one frame at a time and in order.
func (l *lane) transmit(w *bufio.Writer, f *Frame) error {
	l.sent.count(f)
	return writeFrame(w, f)
}

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

// deliver hands one frame on. Everything that another process's replicas say
// to ours passes here.
func (l *lane) deliver(f Frame) {
	l.received.count(&f)
	l.link.node.cfg.Handler.OnFrame(f)
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
