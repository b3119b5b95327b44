package modeplugin

import (
	"context"

	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"consequor/modes"
	"consequor/modes/modeplugin/internal/modepb"
)

// What both sides must agree on before they speak; mode.proto documents it.
var handshake = plugin.HandshakeConfig{
	ProtocolVersion:  1,
	MagicCookieKey:   "CONSEQUOR_MODE_PLUGIN",
	MagicCookieValue: "a mode of consequor",
}

const (
	pluginName  = "mode"
	lifelineEnv = "CONSEQUOR_LIFELINE"
)

// adapter shows the Mode service to go-plugin.
type adapter struct {
	plugin.NetRPCUnsupportedPlugin
	server *server // on the plugin's side only
}

var _ plugin.GRPCPlugin = (*adapter)(nil)

// GRPCServer offers the service.
func (a *adapter) GRPCServer(_ *plugin.GRPCBroker, s *grpc.Server) error {
	modepb.RegisterModeServer(s, a.server)
	return nil
}

// GRPCClient returns a client of the service.
func (a *adapter) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return modepb.NewModeClient(conn), nil
}

func descriptionToWire(d modes.Description) *modepb.Description {
	w := &modepb.Description{
		Name: d.Name, Version: d.Version, Promise: d.Promise, Survives: d.Survives,
		ReplicasMax: uint32(d.ReplicasMax),
	}
	for _, o := range d.Options {
		w.Options = append(w.Options, &modepb.OptionDescription{Name: o.Name, Default: o.Default, Meaning: o.Meaning})
	}
	return w
}

func descriptionFromWire(w *modepb.Description) modes.Description {
	d := modes.Description{
		Name: w.Name, Version: w.Version, Promise: w.Promise, Survives: w.Survives,
		ReplicasMax: int(w.ReplicasMax),
	}
	for _, o := range w.Options {
		d.Options = append(d.Options, modes.OptionDescription{Name: o.Name, Default: o.Default, Meaning: o.Meaning})
	}
	return d
}
