package api

import (
	"context"
	"fmt"
	"slices"

	"google.golang.org/grpc"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"

	pb "consequor/replicad/api/consequorpb"
)

// gRPC answers a message that it cannot decode (a text that is not UTF-8) with
// an internal error of the server, before any of our code has seen it. Here
// the decoding always succeeds, the error is kept beside the message, and our
// code says whose fault it is.

// incoming is a message on its way in.
type incoming struct {
	message any
	err     error // why it could not be decoded
}

// keepingCodec is gRPC's own codec, but that it keeps the errors of incoming.
type keepingCodec struct{ encoding.CodecV2 }

func newKeepingCodec() keepingCodec { return keepingCodec{encoding.GetCodecV2(proto.Name)} }

func (c keepingCodec) Unmarshal(data mem.BufferSlice, v any) error {
	in, ok := v.(*incoming)
	if !ok {
		return c.CodecV2.Unmarshal(data, v)
	}
	in.err = c.CodecV2.Unmarshal(data, in.message)
	return nil
}

// take receives one message; decode is what gRPC offers for it.
func take(message any, decode func(any) error) error {
	in := incoming{message: message}
	if err := decode(&in); err != nil {
		return err
	}
	if in.err != nil {
		return invalid(fmt.Errorf("message: %w", in.err)).toStatus()
	}
	return nil
}

// boardDescription is the generated one, but that requests are taken.
func boardDescription() *grpc.ServiceDesc {
	d := pb.Board_ServiceDesc
	d.Methods = slices.Clone(d.Methods)
	for i := range d.Methods {
		handle := d.Methods[i].Handler
		d.Methods[i].Handler = func(srv any, ctx context.Context, decode func(any) error, icpt grpc.UnaryServerInterceptor) (any, error) {
			return handle(srv, ctx, func(m any) error { return take(m, decode) }, icpt)
		}
	}
	return &d
}

// takingStream is a stream whose messages are taken.
type takingStream struct{ grpc.ServerStream }

func (s takingStream) RecvMsg(m any) error { return take(m, s.ServerStream.RecvMsg) }

func interceptStream(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handle grpc.StreamHandler) error {
	return handle(srv, takingStream{stream})
}
