package api_test

import (
	"context"
	"net"
	"testing"
	"time"

	"consequor/replicad/api"
)

// patience bounds every wait of a test for what must happen.
const patience = 10 * time.Second

// fake is a Service made of two functions.
type fake struct {
	do     func(context.Context, api.Request) (*api.Answer, error)
	status func(context.Context) ([]api.Status, error)
}

func (f *fake) Do(ctx context.Context, r api.Request) (*api.Answer, error) { return f.do(ctx, r) }

func (f *fake) Status(ctx context.Context) ([]api.Status, error) {
	if f.status == nil {
		return nil, nil
	}
	return f.status(ctx)
}

// serve runs a server on loopback until the test ends, and returns its address.
func serve(t testing.TB, svc api.Service, o api.ServerOptions) string {
	t.Helper()
	l := listen(t)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	server := api.NewServer(svc, o)
	go func() { ended <- server.Run(ctx, l) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("server: %v", err)
		}
	})
	return l.Addr().String()
}

func listen(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// dial makes a client that is closed when the test ends.
func dial(t testing.TB, target api.Target) *api.Client {
	t.Helper()
	c, err := api.Dial(target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// waitFor asks again and again until ok says yes, or patience ends.
func waitFor(t testing.TB, what string, ok func() bool) {
	t.Helper()
	again := time.NewTicker(time.Millisecond)
	defer again.Stop()
	end := time.After(patience)
	for !ok() {
		select {
		case <-again.C:
		case <-end:
			t.Fatalf("waited %v for %s", patience, what)
		}
	}
}
