package supervisor

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
)

// The paths of the control API. Streams are JSON lines; an error is a body
// {"error":{"kind","message","hint"}} with a status of 400 or more.
const (
	pathStatus = "/v1/status" // GET: ClusterStatus
	pathWatch  = "/v1/watch"  // GET: a stream of ClusterStatus
	pathEvent  = "/v1/events" // GET ?since=N: a stream of Event
	pathAct    = "/v1/act"    // POST actRequest: ActResult
	pathSwap   = "/v1/swap"   // POST SwapRequest: a stream of SwapProgress
	pathLinks  = "/v1/links"  // GET: LinksResult
	pathFault  = "/v1/fault"  // POST FaultRequest: FaultResult
	pathTrace  = "/v1/trace"  // POST traceRequest: a stream of traceLine
	pathDown   = "/v1/down"   // POST downRequest: a stream of Progress
)

func pathEvents(since uint64) string {
	return pathEvent + "?since=" + strconv.FormatUint(since, 10)
}

type actRequest struct {
	Verb    Verb       `json:"verb"`
	Target  string     `json:"target"`
	Options ActOptions `json:"options"`
}

type downRequest struct {
	Now bool `json:"now"`
}

type httpClient = *http.Client

// newClient uses one connection per request: commands are few, and a kept one
// would hold up the supervisor's end.
func newClient(home string) *Client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		d := net.Dialer{Timeout: dialLimit}
		return d.DialContext(ctx, "unix", socketPath(home))
	}
	return &Client{home, &http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}}
}

// answerSizeMax bounds one answer, and one line of a stream: the status of
// some thousands of replicas.
const answerSizeMax = 16 << 20

// do sends one request. The caller closes the body.
func (c *Client) do(ctx context.Context, method, path string, body any) (io.ReadCloser, error) {
	var reader io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return nil, fmt.Errorf("encode request: %w", err)
		}
		reader = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://supervisor"+path, reader)
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.lost(ctx, err)
	}
	if resp.StatusCode >= 400 {
		defer resp.Body.Close()
		return nil, decodeError(resp)
	}
	return resp.Body, nil
}

func decodeError(resp *http.Response) error {
	var body errorBody
	err := json.NewDecoder(io.LimitReader(resp.Body, answerSizeMax)).Decode(&body)
	if err != nil || body.Error == nil {
		return &Error{Kind: KindInternal, Message: "the supervisor answered " + resp.Status}
	}
	return body.Error
}

// lost says what a broken connection means: the caller's own end, or the
// supervisor's.
func (c *Client) lost(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	e := notRunning(c.Name())
	e.Message += " (any more): " + err.Error()
	return e
}

func (c *Client) call(ctx context.Context, method, path string, body, answer any) error {
	r, err := c.do(ctx, method, path, body)
	if err != nil {
		return err
	}
	defer r.Close()
	if err := json.NewDecoder(io.LimitReader(r, answerSizeMax)).Decode(answer); err != nil {
		return c.lost(ctx, err)
	}
	return nil
}

// stream calls f with each line of an answer, until it ends.
func stream[T any](ctx context.Context, c *Client, method, path string, body any, f func(*T) error) error {
	r, err := c.do(ctx, method, path, body)
	if err != nil {
		return err
	}
	defer r.Close()
	d := json.NewDecoder(r)
	for {
		line := new(T)
		if err := d.Decode(line); err != nil {
			return c.lost(ctx, err)
		}
		if err := f(line); err != nil {
			return err
		}
	}
}

// down ends well only when the supervisor said that nothing is left.
func (c *Client) down(ctx context.Context, now bool, f func(Progress)) error {
	s, err := c.Status(ctx)
	if err != nil {
		return err
	}
	gone := watchProcess(s.SupervisorPID)
	defer gone.close()
	done := false
	err = stream(ctx, c, "POST", pathDown, downRequest{now}, func(p *Progress) error {
		done = p.Done
		if f != nil {
			f(*p)
		}
		return nil
	})
	var e *Error
	if !done || !errors.As(err, &e) || e.Kind != KindNotRunning {
		return err
	}
	gone.wait(exitLimit)
	return nil
}
