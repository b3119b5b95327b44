package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"

	"consequor/replicad/api"
	"consequor/supervisor"
)

// visit is one request of a browser.
type visit struct {
	s       *Server
	w       http.ResponseWriter
	r       *http.Request
	ctx     context.Context // ends when the page has taken too long
	visitor *visitor
	had     string // the cookie's value that came

	client *api.Client
	status *supervisor.ClusterStatus // nil: not known

	form    url.Values  // of a submission
	anew    atomic.Bool // the session began anew: the cluster is another one
	trouble *trouble    // told at the page's head
}

// reload has the browser ask again, this time as from a page of ours.
const reload = `<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0"><title>consequor</title>`

// visit has a page made for the visitor whose cookie came.
func (s *Server) visit(page func(*visit)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), pageTimeout)
		defer cancel()
		v := &visit{s: s, w: w, r: r, ctx: ctx}
		if c, err := r.Cookie(s.cookie); err == nil {
			v.had = c.Value
		}
		w.Header().Set("Cache-Control", "private, no-cache") // not no-store: who goes back finds the form with its key
		if v.had == "" && fromElsewhere(r) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = w.Write([]byte(reload)) // an error is the reader's end
			return
		}
		v.visitor = s.visitors.find(v.had)
		v.client, v.status, _ = s.cluster.reach(ctx) // what is asked of no client says why
		page(v)
	}
}

// submit is visit for what changes something: it comes as a form of this
// visitor's.
func (s *Server) submit(act func(*visit)) http.HandlerFunc {
	return s.visit(func(v *visit) {
		if err := v.r.ParseForm(); err != nil {
			v.fail(unreadable(err))
			return
		}
		v.form = v.r.PostForm
		if !s.visitors.formTokenFits(v.visitor, v.form.Get("form")) {
			v.trouble = &trouble{Code: http.StatusForbidden, Title: "Not done: the form is not of this session",
				Text: "It was shown before your browser's session began, or cookies are off. Nothing was posted.", Hint: "Look it over and send it again from here."}
		}
		act(v)
	})
}

// ask carries out one of the five requests for the visitor, at the replica that
// it chose or at any. An error is an *api.Error, but for one: the cluster is not
// there.
func (v *visit) ask(r api.Request) (*api.Answer, error) {
	if v.client == nil {
		return nil, errAbsent
	}
	ctx, cancel := context.WithTimeout(v.ctx, askTimeout)
	defer cancel()
	if r.Replica == "" {
		_, r.Replica = v.visitor.choices()
	}
	do := v.client.DoAny
	if r.Replica != "" {
		do = v.client.Do
	}
	r.Token = v.visitor.seen()
	answer, err := do(ctx, r)
	if isKind(err, api.KindOtherCluster) && !v.anew.Load() && r.Token.Cluster != "" {
		v.anew.Store(true)
		v.visitor.forget()
		r.Token = v.visitor.seen()
		answer, err = do(ctx, r)
	}
	if err != nil {
		return nil, err
	}
	if !v.visitor.join(answer.Token) {
		v.anew.Store(true)
	}
	v.s.top.raise(answer.Token.Seen.SeqMax())
	return answer, nil
}

var errAbsent = errors.New("the cluster does not answer")

func isKind(err error, kind string) bool {
	var e *api.Error
	return errors.As(err, &e) && e.Kind == kind
}

// back is the page of ours that a form came from.
func (v *visit) back() string {
	if to := v.form.Get("back"); strings.HasPrefix(to, "/") && !strings.HasPrefix(to, "//") && !strings.ContainsAny(to, "\\\r\n\t") {
		return to
	}
	return "/"
}

// redirect ends a submission: the browser asks for another page, so that to
// load it again sends nothing twice.
func (v *visit) redirect(to string, n *notice) {
	if n != nil {
		u, err := url.Parse(to)
		if err != nil {
			u = &url.URL{Path: "/"}
		}
		q := u.Query()
		q.Set("told", v.visitor.tell(*n))
		u.RawQuery = q.Encode()
		to = u.String()
	}
	v.s.visitors.set(v.w, v.s.cookie, v.had, v.visitor)
	http.Redirect(v.w, v.r, to, http.StatusSeeOther)
}
