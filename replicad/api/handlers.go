package api

import (
	"context"
	"time"

	"consequor/board"
	pb "consequor/replicad/api/consequorpb"
)

// handlers is the server as gRPC calls it.
type handlers struct {
	pb.UnimplementedBoardServer
	s *Server
}

var _ pb.BoardServer = (*handlers)(nil)

func (h *handlers) Do(ctx context.Context, m *pb.Request) (*pb.Answer, error) {
	if e := h.s.begin(); e != nil {
		return nil, e.toStatus()
	}
	defer h.s.end()
	ctx, cancel := h.limit(ctx)
	defer cancel()
	answer, e := h.s.do(ctx, m)
	if e != nil {
		return nil, e.toStatus()
	}
	return answer, nil
}

func (h *handlers) Status(ctx context.Context, _ *pb.StatusRequest) (*pb.StatusAnswer, error) {
	ctx, cancel := h.limit(ctx)
	defer cancel()
	list, err := h.s.service.Status(ctx)
	if err != nil {
		return nil, asError("", err).toStatus()
	}
	m := &pb.StatusAnswer{Replicas: make([]*pb.ReplicaStatus, len(list))}
	for i := range list {
		m.Replicas[i] = encodeStatus(&list[i])
	}
	return m, nil
}

// limit gives ctx the deadline of a request.
func (h *handlers) limit(ctx context.Context) (context.Context, context.CancelFunc) {
	var want time.Duration
	if deadline, ok := ctx.Deadline(); ok {
		want = max(time.Until(deadline), 1)
	}
	return context.WithTimeout(ctx, h.s.timeout(want))
}

func (h *handlers) Pipe(stream pb.Board_PipeServer) error {
	if h.s.isStopping() {
		return refused(KindStopping, "the replica is leaving").toStatus()
	}
	mark, err := h.mark(stream.Context())
	if err != nil {
		return err
	}
	if err := stream.Send(&pb.Results{Mark: mark}); err != nil {
		return err
	}
	return newServerPipe(h.s, stream, h.mark).run()
}

// mark is the highest seq on the boards of this process: what a client that
// has seen nothing yet writes into its keys.
func (h *handlers) mark(ctx context.Context) (uint64, error) {
	m, err := h.Status(ctx, nil)
	if err != nil {
		return 0, err
	}
	var highest uint64
	for _, replica := range m.GetReplicas() {
		vector, err := board.ParseVector(replica.GetVector())
		if err == nil { // otherwise it has no board yet
			highest = max(highest, vector.SeqMax())
		}
	}
	return highest, nil
}
