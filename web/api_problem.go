package web

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"

	"consequor/replicad/api"
)

// problem is the bad end of a call, as the command line tells it:
//
//	{"error":{"kind":"not_found","message":"...","hint":"..."}}
type problem struct {
	code int // HTTP's

	Kind    string      `json:"kind"`
	Message string      `json:"message"`
	Hint    string      `json:"hint"`              // the next thing to do; may be empty
	Outcome api.Outcome `json:"outcome,omitempty"` // of one of the five requests: refused or unknown
	Key     string      `json:"key,omitempty"`     // post, reply: what it was sent with; the same key makes a retry safe
}

func (p *problem) Error() string { return p.Message }

func usagef(format string, args ...any) *problem {
	return &problem{code: http.StatusBadRequest, Kind: "usage", Message: fmt.Sprintf(format, args...), Hint: documentHint}
}

// retryAfter is when who was told 503 may try again, in seconds.
const retryAfter = "1"

// problemOf is the one place where errors become HTTP's codes. 504 says unknown,
// and nothing else does; all else was surely not done.
func problemOf(err error) *problem {
	var (
		p *problem
		e *api.Error
	)
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, &e):
		p := &problem{refusedCode(e), e.Kind, e.Error(), cmp.Or(e.Hint, hintFor(e.Kind)), e.Outcome, e.Key}
		if e.Outcome == api.Unknown && e.Key != "" {
			p.Hint = againHint
		}
		return p
	}
	return &problem{code: http.StatusServiceUnavailable, Kind: api.KindNotConnected, Message: err.Error(), Hint: absentHint, Outcome: api.Refused}
}

const againHint = "send it again with this key: it is never done twice"

const absentHint = "see which replicas serve: /api/status, or consequorctl status"

func hintFor(kind string) string {
	switch kind {
	case api.KindNotFound:
		return "another replica may have it already; sync brings this one up to date"
	case api.KindNotConnected, api.KindUnreachable, api.KindNoSuchReplica:
		return absentHint
	}
	return ""
}

func refusedCode(e *api.Error) int {
	if e.Outcome == api.Unknown {
		return http.StatusGatewayTimeout
	}
	switch e.Kind {
	case api.KindNotFound:
		return http.StatusNotFound
	case api.KindInvalid, api.KindNoSuchReplica:
		return http.StatusBadRequest
	case api.KindNotConnected, api.KindConnection, api.KindDeadline, api.KindCanceled, api.KindClosed:
		return http.StatusServiceUnavailable
	case api.KindInternal:
		return http.StatusInternalServerError
	}
	return http.StatusConflict
}

func writeProblem(w http.ResponseWriter, p *problem) {
	if p.code == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", retryAfter)
	}
	writeJSON(w, p.code, map[string]*problem{"error": p})
}
