package web

import (
	"cmp"
	"context"
	"crypto/hmac"
	"net/http"
	"slices"

	"consequor/supervisor"
)

// Control is what the web client wants of a supervisor.
type Control interface {
	Act(ctx context.Context, verb supervisor.Verb, target string, o supervisor.ActOptions) (*supervisor.ActResult, error)
	ChangeLinks(ctx context.Context, r supervisor.FaultRequest) (*supervisor.FaultResult, error)
	Swap(ctx context.Context, r supervisor.SwapRequest, f func(supervisor.SwapProgress)) (*supervisor.SwapResult, error)
	Links(ctx context.Context) (*supervisor.LinksResult, error)
	KeptEvents(ctx context.Context) ([]supervisor.Event, error)
	Events(ctx context.Context, since uint64, f func(supervisor.Event) error) error
	WatchStatus(ctx context.Context, f func(*supervisor.ClusterStatus) error) error
}

var _ Control = (*supervisor.Client)(nil)

// Modes knows to which modes a cluster can be changed.
type Modes interface {
	// Names lists them.
	Names(ctx context.Context, status *supervisor.ClusterStatus) []string
	// Swap is the request for one of them. Options are NAME=VALUE.
	Swap(ctx context.Context, status *supervisor.ClusterStatus, mode string, options []string) (*supervisor.SwapRequest, error)
}

// controlParam is where an address has the token that lets its reader control
// the cluster.
const controlParam = "control"

// ControlURL is the address of a web client at url for who may control the
// cluster with this token.
func ControlURL(url, token string) string { return url + "/?" + controlParam + "=" + token }

// onFront is the board; with the token in its address, it lets this browser
// control the cluster, and leads on to an address that can be shown to others.
func onFront(v *visit) {
	q := v.r.URL.Query()
	if !q.Has(controlParam) {
		onBoard(v)
		return
	}
	token := v.s.config.ControlToken
	switch {
	case v.s.config.Source.Control() == nil:
		v.fail(noControl)
		return
	case token == "" || !hmac.Equal([]byte(q.Get(controlParam)), []byte(token)):
		v.fail(&trouble{http.StatusForbidden, "This address does not let you control the cluster",
			"Its token is of an earlier start, or not whole. You can read and post all the same.", tokenHint})
		return
	}
	http.SetCookie(v.w, &http.Cookie{Name: v.s.controlCookie(), Value: v.controlProof(), Path: "/",
		HttpOnly: true, SameSite: http.SameSiteStrictMode}) // until the browser ends
	v.redirect("/cluster", &notice{Text: "This browser may control the cluster now."})
}

const tokenHint = "Open the address with ?control= that up has printed; consequorctl status prints it again."

// noControl is for who wants to control a cluster of which only its replicas'
// addresses are known.
var noControl = &trouble{http.StatusForbidden, "Nobody can control the cluster from here",
	"This web client knows the addresses of replicas alone: there is no supervisor to ask.", "Where the cluster was brought up, its own web client can."}

func (s *Server) controlCookie() string { return s.cookie + "-control" }

// controlProof is what the cookie of a browser says that was shown the token. It
// is of this visitor, and of this start of the server.
func (v *visit) controlProof() string {
	return v.s.visitors.mac("control", v.s.config.ControlToken+"\x00"+v.visitor.id)
}

// mayControl reports whether this browser was shown the token.
func (v *visit) mayControl() bool {
	if v.s.config.ControlToken == "" || v.s.config.Source.Control() == nil {
		return false
	}
	c, err := v.r.Cookie(v.s.controlCookie())
	return err == nil && hmac.Equal([]byte(c.Value), []byte(v.controlProof()))
}

// controlled has a page made for those alone who may control.
func controlled(page func(*visit)) func(*visit) {
	return func(v *visit) {
		switch {
		case v.s.config.Source.Control() == nil:
			v.fail(noControl)
		case !v.mayControl():
			v.fail(&trouble{http.StatusForbidden, "This browser may not control the cluster",
				"That needs the token of this start. Nothing was done.", tokenHint})
		case v.trouble != nil:
			v.trouble.Text = "It was shown before your browser's session began, or cookies are off. Nothing was done."
			v.fail(v.trouble)
		default:
			page(v)
		}
	}
}

// confirmPage asks once more.
type confirmPage struct {
	Deed    *deed
	Title   string
	Effect  string
	Command string
	Now     string // what the target is just now; empty: nothing to say
	Fields  []field
}

type field struct{ Name, Value string }

// onConfirm shows what a deed would do, and its form.
func onConfirm(v *visit) {
	d, err := v.deed(v.r.URL.Query())
	if err != nil {
		v.fail(notThat(err))
		return
	}
	p := &confirmPage{Deed: d, Title: d.title(), Effect: d.effect(), Command: d.command(), Fields: d.fields()}
	if v.status != nil {
		if r := v.status.Replica(d.Target); r != nil {
			p.Now = r.Name + " is " + string(r.State)
			if r.Role != "" {
				p.Now += ", " + r.Role
			}
			p.Now += "."
		}
	}
	v.show("confirm", p.Title, p, nil)
}

// onDo does a deed.
func onDo(v *visit) {
	d, err := v.deed(v.form)
	if err != nil {
		v.fail(notThat(err))
		return
	}
	text, err := d.do(v)
	if err != nil {
		v.fail(describeControl(d, err))
		return
	}
	v.redirect("/cluster", &notice{Text: text, Line: d.command()})
}

func notThat(err error) *trouble {
	return &trouble{http.StatusBadRequest, "That cannot be done", err.Error() + ".", "Go back to the cluster's page and choose again."}
}

// deed reads what is to be done, and lets through only what names this cluster's
// replicas.
func (v *visit) deed(q map[string][]string) (*deed, error) {
	if err := v.renew(); err != nil {
		return nil, err
	}
	get := func(name string) string { return cmp.Or(append(slices.Clone(q[name]), "")...) }
	d := &deed{Verb: get("verb"), Target: get("target"), A: q["a"], B: q["b"], OneWay: get("one_way") != "", Mode: get("mode"), Options: get("options")}
	return d, d.check(v.status)
}
