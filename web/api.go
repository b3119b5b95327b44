package web

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// The HTTP API. What changes something is a POST of application/json: a form or
// a script of another site cannot send that without asking first, and nobody
// answers.

//go:embed openapi.json
var openAPI []byte

// endpoint is one path of the API.
type endpoint struct {
	method string
	path   string
	query  []string // the parameters that it knows; any other is refused
	answer func(*call) (any, error)
}

var endpoints = []endpoint{
	{http.MethodGet, "/api/read", []string{"at", "token", "fresh", "all", "after", "since", "n"}, apiRead},
	{http.MethodGet, "/api/choose/{id}", []string{"at", "token", "fresh", "after", "n"}, apiChoose},
	{http.MethodPost, "/api/post", nil, apiPost},
	{http.MethodPost, "/api/reply/{id}", nil, apiReply},
	{http.MethodPost, "/api/sync", nil, apiSync},
	{http.MethodGet, "/api/status", nil, apiStatus},
	{http.MethodGet, "/api/openapi.json", nil, apiDocument},
}

// routeAPI adds the paths that are for programs: the API's, and the feeds.
func (s *Server) routeAPI(mux *http.ServeMux) {
	doubts := newDoubts()
	for _, e := range endpoints {
		mux.HandleFunc(e.path, func(w http.ResponseWriter, r *http.Request) { e.serve(&call{s: s, w: w, r: r, doubts: doubts}) })
	}
	mux.HandleFunc("GET /feed.atom", s.atom(atomBoard))
	mux.HandleFunc("GET /feed/{name}", s.atom(atomThread))
	mux.HandleFunc("/api/", func(w http.ResponseWriter, r *http.Request) {
		writeProblem(w, &problem{code: http.StatusNotFound, Kind: "usage", Message: "there is nothing at " + cut(r.URL.Path, 80), Hint: "/api/openapi.json tells what there is"})
	})
}

// call is one request of the API.
type call struct {
	s      *Server
	w      http.ResponseWriter
	r      *http.Request
	ctx    context.Context // ends when the answer has taken too long
	doubts *doubts
	query  url.Values
}

func (e *endpoint) serve(c *call) {
	ctx, cancel := context.WithTimeout(c.r.Context(), askTimeout)
	defer cancel()
	c.ctx = ctx
	result, err := e.run(c)
	if err != nil {
		writeProblem(c.w, problemOf(err))
		return
	}
	writeJSON(c.w, http.StatusOK, result)
}

func (e *endpoint) run(c *call) (any, error) {
	get := e.method == http.MethodGet
	if c.r.Method != e.method && !(get && c.r.Method == http.MethodHead) {
		c.w.Header().Set("Allow", e.method)
		return nil, &problem{code: http.StatusMethodNotAllowed, Kind: "usage", Message: c.r.Method + " " + c.r.URL.Path + ": want " + e.method, Hint: documentHint}
	}
	if err := c.readQuery(e.query); err != nil {
		return nil, err
	}
	if !get {
		if err := c.checkType(); err != nil {
			return nil, err
		}
	}
	return e.answer(c)
}

const documentHint = "/api/openapi.json tells what each path takes"

// readQuery takes the parameters that are known; any other, and any that comes
// twice, is an error: a misspelt one must not be passed over.
func (c *call) readQuery(known []string) error {
	query, err := url.ParseQuery(c.r.URL.RawQuery)
	if err != nil {
		return usagef("query: %v", err)
	}
	for name, values := range query {
		if !slices.Contains(known, name) {
			p := usagef("there is no parameter %q", cut(name, 40))
			if p.Hint = "there are " + strings.Join(known, ", "); len(known) == 0 {
				p.Hint = "what there is goes into the body, as JSON"
			}
			return p
		}
		if len(values) > 1 {
			return usagef("parameter %s comes %d times", name, len(values))
		}
	}
	c.query = query
	return nil
}

// checkType wants JSON, said to be JSON: what a form can send is something else.
func (c *call) checkType() error {
	kind, _, err := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if err == nil && kind == "application/json" {
		return nil
	}
	return &problem{code: http.StatusUnsupportedMediaType, Kind: "usage", Message: "the body must be JSON, and say so",
		Hint: "send the header Content-Type: application/json"}
}

// readBody reads the one JSON object that the body is; none stands for {}.
func (c *call) readBody(to any) error {
	text, err := io.ReadAll(c.r.Body) // the guard has bounded it
	var size *http.MaxBytesError
	switch {
	case errors.As(err, &size):
		return &problem{code: http.StatusRequestEntityTooLarge, Kind: "usage", Message: fmt.Sprintf("the body has more than %d KiB", size.Limit>>10),
			Hint: "an article's body has 64 KiB at most"}
	case err != nil:
		return usagef("read the body: %v", err)
	case !utf8.Valid(text):
		return usagef("the body is not valid UTF-8")
	case len(bytes.TrimSpace(text)) == 0:
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(to); err != nil {
		return usagef("the body: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	if _, err := decoder.Token(); err != io.EOF {
		return usagef("the body: something follows the JSON object")
	}
	return nil
}

func apiDocument(*call) (any, error) { return json.RawMessage(openAPI), nil }

// writeJSON answers with one object. It is whole, or it is an error.
func writeJSON(w http.ResponseWriter, code int, v any) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false) // as the command line has it; nothing takes it for HTML
	if err := encoder.Encode(v); err != nil {
		panic("web: an answer that is no JSON: " + err.Error()) // our own structs
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_, _ = w.Write(out.Bytes()) // an error is the reader's end
}
