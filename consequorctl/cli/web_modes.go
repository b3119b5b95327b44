package cli

import (
	"context"

	"consequor/supervisor"
	"consequor/topologies"
	"consequor/web"
)

// webModes are the modes that the web client offers: those of mode list.
type webModes struct{ console *Console }

var _ web.Modes = webModes{}

func (m webModes) Names(_ context.Context, status *supervisor.ClusterStatus) []string {
	s := surroundings{cluster: status}
	if _, t, err := loadTopology(m.console, status.Topology, topologies.Options{}); err == nil {
		s.topology = t // else the built-in ones can be had
	}
	return s.names()
}

// Swap is the request of mode swap.
func (m webModes) Swap(ctx context.Context, status *supervisor.ClusterStatus, mode string, options []string) (*supervisor.SwapRequest, error) {
	parsed, err := parseOptions(options)
	if err != nil {
		return nil, err
	}
	resolved, err := resolveMode(ctx, m.console, status, mode, parsed)
	if err != nil {
		return nil, err
	}
	return &supervisor.SwapRequest{Mode: *resolved}, nil
}
