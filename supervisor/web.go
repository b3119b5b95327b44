package supervisor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
)

// openWeb opens the web client's listener, if there is to be one. A port that was
// asked for must be free. One that was chosen before is taken again, so that
// what a browser has open goes on; if it is gone, another is chosen. taken are
// the ports that are not to be chosen.
func (s *supervisor) openWeb(taken map[int]bool) error {
	if s.config.Web == nil {
		return nil
	}
	host, port, err := net.SplitHostPort(s.config.WebAddr)
	if err != nil {
		return fmt.Errorf("web client: %w", err)
	}
	if port != "0" {
		s.web, err = listenWeb(s.config.WebAddr)
		return err
	}
	if oldHost, _, err := net.SplitHostPort(s.state.Web); err == nil && oldHost == host {
		if s.web, err = listenWeb(s.state.Web); err == nil {
			return nil
		}
	}
	b := &binder{taken: taken}
	addPorts(b.taken, s.state.Replicas) // nobody listens there yet
	if s.state.Web, err = b.choose(host, webPort); err != nil {
		return err
	}
	s.web = b.held[0]
	if len(s.state.Served) == 0 {
		return nil // the state is kept with the first replica that serves
	}
	return s.state.save(s.base)
}

const webPort = "web client: port"

func listenWeb(address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if err == nil {
		return l, nil
	}
	err = portError(address, webPort, err)
	var e *Error
	if errors.As(err, &e) {
		e.Hint = "give another with --web ADDR (port 0: a free one), or none with --no-web"
	}
	return nil, err
}

// webURL is where the web client is; nil: there is none.
func (s *supervisor) webURL() *string {
	if s.web == nil {
		return nil
	}
	url := "http://" + s.web.Addr().String()
	return &url
}

// webControl is where the web client is for who may control; nil: nowhere.
func (s *supervisor) webControl() *string {
	if s.web == nil || s.config.WebControl == "" {
		return nil
	}
	url := *s.webURL() + s.config.WebControl
	return &url
}

// serveWeb runs the web client until the end begins: whoever looks on is told
// so by a stream that ends, and not by replicas that do not answer.
func (s *supervisor) serveWeb() {
	if s.web == nil {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	var watch sync.WaitGroup
	watch.Go(func() {
		select {
		case <-s.closing:
			cancel()
		case <-ctx.Done():
		}
	})
	err := s.config.Web(ctx, s.web, newClient(s.home))
	cancel()
	watch.Wait()
	if err != nil {
		s.hub.webGone(err)
	}
}

// webGone tells that there is no web client any more.
func (h *hub) webGone(err error) {
	h.update(func() {
		h.cluster.Web = nil
		h.event(EventWeb, "", "the web client is gone: "+err.Error())
	})
}
