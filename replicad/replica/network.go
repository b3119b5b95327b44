package replica

import (
	"context"
	"sync"

	"consequor/board"
	"consequor/replicad/host"
	"consequor/replicad/wire"
)

// spanQueueMax bounds the spans that wait to be sent to one peer; beyond it
// they are lost, and the modes time them out.
const spanQueueMax = 64

// network is the host's view of the peers.
type network struct{ p *process }

func toWire(f host.Frame) wire.Frame {
	return wire.Frame{From: f.From, To: f.To, Kind: uint8(f.Kind), Epoch: f.Epoch, Incarnation: f.Incarnation, Body: f.Body}
}

// Send passes a frame on, or drops it when the peer is away or its outbox full.
func (n network) Send(f host.Frame) {
	n.p.tap.on().sent(&f)
	if l := n.p.local(f.To); l != nil {
		l.arrived(f)
		return
	}
	n.p.node.Send(toWire(f))
}

// span is one that waits to be sent.
type span struct {
	disk        *loop
	header      host.Frame
	since, upTo board.Vector
	message     []byte
}

// SendSpan queues a span for the goroutine that reads the board for its peer.
func (n network) SendSpan(to board.ReplicaID, header host.Frame, since, upTo board.Vector, message []byte) {
	from := n.p.local(header.From)
	select {
	case n.p.spans[to] <- span{from, header, since, upTo, message}:
	default:
		if from.losses.allow(from.log) {
			from.log.Warn("span dropped: too many wait", "to", n.p.replicaName(to))
		}
	}
}

// sendSpans sends one peer's spans, one after the other, until ctx ends.
func (p *process) sendSpans(ctx context.Context, queue <-chan span, ended *sync.WaitGroup) {
	defer ended.Done()
	for {
		select {
		case s := <-queue:
			if err := p.sendSpan(ctx, s); err != nil && ctx.Err() == nil {
				s.disk.log.Info("span not sent", "to", p.replicaName(s.header.To), "err", err)
			}
		case <-ctx.Done():
			return
		}
	}
}

// sendSpan reads the span from the board and sends it in chunks. Each chunk
// builds on the one before, so it is sent once it is known not to be the last.
func (p *process) sendSpan(ctx context.Context, s span) error {
	chunk := host.SpanChunk{Since: s.since}
	err := s.disk.disk.Span(s.since, s.upTo, host.SpanChunkSize, func(articles []board.Article) error {
		if len(chunk.Articles) > 0 {
			if err := p.sendChunk(ctx, s.header, &chunk); err != nil {
				return err
			}
			chunk = host.SpanChunk{Since: chunk.UpTo}
		}
		chunk.Articles, chunk.UpTo = articles, chunk.Since
		for i := range articles {
			chunk.UpTo = chunk.UpTo.With(articles[i].ID)
		}
		return nil
	})
	if err != nil {
		return err
	}
	chunk.Last, chunk.Message, chunk.UpTo = true, s.message, s.upTo
	return p.sendChunk(ctx, s.header, &chunk)
}

func (p *process) sendChunk(ctx context.Context, header host.Frame, chunk *host.SpanChunk) error {
	header.Body = chunk.Encode()
	p.tap.on().sent(&header)
	if l := p.local(header.To); l != nil {
		l.arrived(header)
		return nil
	}
	return p.node.SendBulk(ctx, toWire(header))
}

// OnFrame takes a frame from a peer; see wire.Handler.
func (p *process) OnFrame(f wire.Frame) {
	if l := p.local(f.To); l != nil {
		l.arrived(host.Frame{From: f.From, To: f.To, Kind: host.Kind(f.Kind), Epoch: f.Epoch, Incarnation: f.Incarnation, Body: f.Body})
	}
}

// arrived passes a frame on to the host.
func (l *loop) arrived(f host.Frame) {
	l.process.tap.on().arrived(&f)
	l.in.putFrame(len(f.Body), func() { l.host.Frame(f) })
}

// OnUp tells every hosted replica that the peers of that process can be
// reached.
func (p *process) OnUp(name string) {
	p.log.Info("peer connected", "peer", name)
	p.peersChanged(+1)
	p.eachPeer(name, (*host.Host).LinkUp)
}

// OnDown tells them that they can't.
func (p *process) OnDown(name string, why error) {
	p.log.Info("peer disconnected", "peer", name, "why", why)
	p.peersChanged(-1)
	p.eachPeer(name, (*host.Host).LinkDown)
}

func (p *process) eachPeer(name string, tell func(*host.Host, board.ReplicaID)) {
	for _, l := range p.loops {
		l.in.put(func() {
			for _, r := range p.config.Replicas {
				if r.Process == name {
					tell(l.host, r.ID)
				}
			}
		})
	}
}
