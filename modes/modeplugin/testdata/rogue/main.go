// Command rogue is a mode plugin that breaks the protocol below the level at
// which package modeplugin lets a mode do so: it writes to its host's socket by
// itself. It behaves until a post with the title "now"; then it does what its
// option "how" says.
package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	"time"

	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"consequor/modes/modeplugin/internal/modepb"
)

func main() {
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig: plugin.HandshakeConfig{
			ProtocolVersion: 1, MagicCookieKey: "CONSEQUOR_MODE_PLUGIN", MagicCookieValue: "a mode of consequor",
		},
		Plugins:    plugin.PluginSet{"mode": &adapter{}},
		GRPCServer: plugin.DefaultGRPCServer,
	})
}

type adapter struct{ plugin.NetRPCUnsupportedPlugin }

func (*adapter) GRPCServer(_ *plugin.GRPCBroker, s *grpc.Server) error {
	modepb.RegisterModeServer(s, &server{})
	return nil
}

func (*adapter) GRPCClient(context.Context, *plugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	panic("the host's part")
}

type server struct {
	modepb.UnimplementedModeServer
}

func (*server) Describe(context.Context, *modepb.DescribeRequest) (*modepb.Description, error) {
	return &modepb.Description{Name: "rogue"}, nil
}

func (*server) Control(_ *modepb.ControlRequest, stream grpc.ServerStreamingServer[modepb.ControlEvent]) error {
	<-stream.Context().Done()
	return nil
}

func (*server) Open(_ context.Context, r *modepb.OpenRequest) (*modepb.OpenResponse, error) {
	conn, err := net.Dial("unix", r.Socket)
	if err != nil {
		return nil, err
	}
	go serve(conn)
	return &modepb.OpenResponse{}, nil
}

// serve answers batches until the host has had enough.
func serve(conn net.Conn) {
	defer conn.Close()
	how := ""
	for {
		batch, err := next(conn)
		if err != nil {
			return
		}
		answer := &modepb.Effects{Number: batch.Number}
		for _, event := range batch.Events {
			if start := event.GetStart(); start != nil {
				how = start.Options[0].Value
				answer.Effects = append(answer.Effects, caughtUp())
			}
			if event.GetStop() != nil {
				answer.Effects = append(answer.Effects, &modepb.Effect{Effect: &modepb.Effect_Stopped{Stopped: &modepb.Stopped{}}})
			}
			if event.GetRequest().GetArticle().GetTitle() == "now" {
				misbehave(conn, how, batch.Number)
			}
		}
		if send(conn, answer) != nil {
			return
		}
	}
}

func caughtUp() *modepb.Effect {
	status := &modepb.Status{Joined: true, CaughtUp: true}
	return &modepb.Effect{Effect: &modepb.Effect_Report{Report: &modepb.Report{Status: status}}}
}

func misbehave(conn net.Conn, how string, number uint64) {
	switch how {
	case "gigabyte": // and it has that much to say
		conn.Write(binary.BigEndian.AppendUint32(nil, 1<<30))
		for zeros := make([]byte, 1<<16); ; {
			if _, err := conn.Write(zeros); err != nil {
				return
			}
		}
	case "unasked": // answers to what nobody has asked
		for {
			number++
			if send(conn, &modepb.Effects{Number: number}) != nil {
				return
			}
		}
	case "garbage":
		frame := bytes.Repeat([]byte{0xff}, 104)
		binary.BigEndian.PutUint32(frame, 100)
		conn.Write(frame)
	case "half":
		conn.Write([]byte{0, 0, 1, 0, 8, 1})
		time.Sleep(time.Hour)
	}
}

func next(conn net.Conn) (*modepb.Batch, error) {
	var header [4]byte
	if _, err := io.ReadFull(conn, header[:]); err != nil {
		return nil, err
	}
	message := make([]byte, binary.BigEndian.Uint32(header[:]))
	if _, err := io.ReadFull(conn, message); err != nil {
		return nil, err
	}
	batch := new(modepb.Batch)
	return batch, proto.Unmarshal(message, batch)
}

func send(conn net.Conn, answer *modepb.Effects) error {
	message, err := proto.Marshal(answer)
	if err != nil {
		return err
	}
	_, err = conn.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(message))), message...))
	return err
}
