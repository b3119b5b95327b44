package supervisor

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// The limits of the control socket. Only the cluster's owner can reach it;
// they guard against accidents.
const (
	connectionsMax = 128              // more wait
	headerLimit    = 5 * time.Second  // for a request to arrive
	bodySizeMax    = 64 << 10         // of a request
	lineLimit      = 10 * time.Second // for a reader to take a line of a stream; then it is dropped
	watchPause     = 50 * time.Millisecond
	flushLimit     = time.Second // at the end, for readers to take what is left
)

// server answers on the control socket.
type server struct {
	s        *supervisor
	http     *http.Server
	handlers sync.WaitGroup
}

func newServer(s *supervisor) *server {
	srv := &server{s: s}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+pathStatus, srv.onStatus)
	mux.HandleFunc("GET "+pathWatch, srv.onWatch)
	mux.HandleFunc("GET "+pathEvent, srv.onEvents)
	mux.HandleFunc("POST "+pathAct, srv.onAct)
	mux.HandleFunc("POST "+pathSwap, srv.onSwap)
	mux.HandleFunc("GET "+pathLinks, srv.onLinks)
	mux.HandleFunc("POST "+pathFault, srv.onFault)
	mux.HandleFunc("POST "+pathTrace, srv.onTrace)
	mux.HandleFunc("POST "+pathDown, srv.onDown)
	srv.http = &http.Server{
		Handler:           srv.count(mux),
		ReadHeaderTimeout: headerLimit,
	}
	return srv
}

// count lets close wait for requests that are under way, and bounds the size
// of each.
func (srv *server) count(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		srv.handlers.Add(1)
		defer srv.handlers.Done()
		r.Body = http.MaxBytesReader(w, r.Body, bodySizeMax)
		next.ServeHTTP(w, r)
	})
}

// serve returns when the control socket is closed.
func (srv *server) serve() {
	err := srv.http.Serve(&limitListener{srv.s.control, make(chan struct{}, connectionsMax)})
	if !errors.Is(err, net.ErrClosed) && !errors.Is(err, http.ErrServerClosed) {
		srv.s.hub.note(EventNote, "", "the control socket is lost: "+err.Error())
	}
}

// close gives requests under way a moment to end by themselves, and ends the
// others.
func (srv *server) close() {
	ctx, cancel := context.WithTimeout(context.Background(), flushLimit)
	defer cancel()
	if srv.http.Shutdown(ctx) != nil {
		srv.http.Close()
	}
	srv.handlers.Wait()
}

func (srv *server) onStatus(w http.ResponseWriter, _ *http.Request) {
	status, _, _ := srv.s.hub.status()
	answer(w, status)
}

func (srv *server) onWatch(w http.ResponseWriter, r *http.Request) {
	lines := newLineWriter(w)
	for {
		status, closed, changed := srv.s.hub.status()
		if lines.write(status) != nil || closed {
			return
		}
		select {
		case <-changed:
		case <-r.Context().Done():
			return
		}
		select { // a busy cluster changes more often than anyone can read
		case <-time.After(watchPause):
		case <-srv.s.cleaned:
		case <-r.Context().Done():
			return
		}
	}
}

func (srv *server) onEvents(w http.ResponseWriter, r *http.Request) {
	seq, err := strconv.ParseUint(r.FormValue("since"), 10, 64)
	if err != nil {
		fail(w, &Error{Kind: KindBadTarget, Message: "since: want the number of an event"})
		return
	}
	lines := newLineWriter(w)
	for {
		events, lost, closed, changed := srv.s.hub.eventsAfter(seq)
		if lost && seq > 0 {
			lines.write(droppedEvent())
			return
		}
		for _, e := range events {
			if lines.write(e) != nil {
				return
			}
			seq = e.Seq
		}
		if closed || r.URL.Query().Has("kept") {
			return
		}
		select {
		case <-changed:
		case <-r.Context().Done():
			return
		}
	}
}

func (srv *server) onAct(w http.ResponseWriter, r *http.Request) {
	var a actRequest
	if err := json.NewDecoder(r.Body).Decode(&a); err != nil {
		fail(w, &Error{Kind: KindBadTarget, Message: "read the request: " + err.Error()})
		return
	}
	result, err := srv.s.act(r.Context(), a)
	if err != nil {
		fail(w, err)
		return
	}
	answer(w, result)
}

// onDown begins the end and tells how far it is. Done comes when nothing is
// left but this very answer.
func (srv *server) onDown(w http.ResponseWriter, r *http.Request) {
	var d downRequest
	if err := json.NewDecoder(r.Body).Decode(&d); err != nil {
		fail(w, &Error{Kind: KindBadTarget, Message: "read the request: " + err.Error()})
		return
	}
	srv.s.down(d.Now)
	lines := newLineWriter(w)
	told := Progress{Text: "-"}
	for {
		status, _, changed := srv.s.hub.status()
		if p := progress(status); p.Text != told.Text {
			if told = p; lines.write(p) != nil {
				return
			}
		}
		select {
		case <-srv.s.cleaned:
			lines.write(Progress{Waiting: []string{}, Text: "down", Done: true})
			return
		case <-changed:
		case <-r.Context().Done():
			return
		}
	}
}

func progress(s *ClusterStatus) Progress {
	p := Progress{Waiting: []string{}, Text: "cleaning up"}
	for _, r := range s.Replicas {
		if r.PID != 0 {
			p.Waiting = append(p.Waiting, r.Name)
		}
	}
	if len(p.Waiting) > 0 {
		p.Text = "waiting for " + strings.Join(p.Waiting, ", ")
	}
	return p
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(v) // an error here is the reader's end
}

// statuses of errors; all others are 409, refused.
var errorStatus = map[Kind]int{
	KindBadTarget: http.StatusBadRequest,
	KindInternal:  http.StatusInternalServerError,
	KindStopping:  http.StatusServiceUnavailable,
	KindBusy:      http.StatusTooManyRequests,
}

func fail(w http.ResponseWriter, err error) {
	var e *Error
	if !errors.As(err, &e) {
		e = &Error{Kind: KindInternal, Message: err.Error()}
	}
	code, ok := errorStatus[e.Kind]
	if !ok {
		code = http.StatusConflict
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	w.Write(e.encode())
}

// lineWriter writes a stream of JSON lines, each at once.
type lineWriter struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

func newLineWriter(w http.ResponseWriter) lineWriter {
	w.Header().Set("Content-Type", "application/jsonl")
	return lineWriter{w, http.NewResponseController(w)}
}

func (l lineWriter) write(v any) error {
	if err := l.control.SetWriteDeadline(time.Now().Add(lineLimit)); err != nil {
		return err
	}
	if err := json.NewEncoder(l.w).Encode(v); err != nil {
		return err
	}
	return l.control.Flush()
}

// limitListener accepts no more than cap(slots) connections at a time.
type limitListener struct {
	net.Listener
	slots chan struct{}
}

func (l *limitListener) Accept() (net.Conn, error) {
	l.slots <- struct{}{}
	c, err := l.Listener.Accept()
	if err != nil {
		<-l.slots
		return nil, err
	}
	return &limitConn{Conn: c, release: sync.OnceFunc(func() { <-l.slots })}, nil
}

type limitConn struct {
	net.Conn
	release func()
}

func (c *limitConn) Close() error {
	defer c.release()
	return c.Conn.Close()
}
