package web

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"

	"consequor/replicad/api"
	"consequor/supervisor"
)

// page is what every page has.
type page struct {
	Title   string
	Cluster string
	Mode    string
	Unsafe  bool
	Name    string // of the visitor; empty: not signed in
	At      string // its replica; empty: any
	Choices []choice
	Form    string // token
	Here    string // path and query
	Notices []*notice
	Trouble *trouble
	Line    string // where this page is from, and what it is worth; empty: from no replica
	Seen    string // the board's vector, as this page shows it
	Body    any
}

// choice is a replica that can be chosen.
type choice struct {
	Name, Label string
	Chosen      bool
}

// asset is one of our own files.
type asset struct{ text, kind, sum string }

type pages struct {
	templates map[string]*template.Template
	assets    map[string]asset
}

// started stands for when our own files were changed.
var started = time.Now()

var kinds = map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}

// parsePages reads what is embedded. Each page is a template of its own within
// the one frame.
func parsePages() (*pages, error) {
	p := &pages{templates: make(map[string]*template.Template), assets: make(map[string]asset)}
	assets, err := fs.Glob(files, "assets/*")
	if err != nil {
		return nil, err
	}
	for _, name := range assets {
		text, err := files.ReadFile(name)
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(text)
		p.assets[path.Base(name)] = asset{string(text), kinds[path.Ext(name)], hex.EncodeToString(sum[:6])}
	}
	frame, err := template.New("").Funcs(template.FuncMap{"asset": p.assetURL, "plural": plural}).ParseFS(files, "templates/frame/*.html")
	if err != nil {
		return nil, fmt.Errorf("read the pages' frame: %w", err)
	}
	names, err := fs.Glob(files, "templates/*.html")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		t, err := template.Must(frame.Clone()).ParseFS(files, name)
		if err != nil {
			return nil, fmt.Errorf("read page %s: %w", name, err)
		}
		p.templates[strings.TrimSuffix(path.Base(name), ".html")] = t
	}
	return p, nil
}

func (p *pages) assetURL(name string) (string, error) {
	a, ok := p.assets[name]
	if !ok {
		return "", fmt.Errorf("no asset %s", name)
	}
	return "/assets/" + name + "?v=" + a.sum, nil
}

// show answers with a page. answer, if any, is what it shows.
func (v *visit) show(name, title string, body any, answer *api.Answer) {
	p := &page{Title: title, Form: v.s.visitors.formToken(v.visitor), Here: v.here(), Trouble: v.trouble, Line: lineOf(answer), Body: body}
	p.Name, p.At = v.visitor.choices()
	if answer != nil {
		p.Mode, p.Seen = answer.Mode, answer.Token.Seen.String()
	}
	if v.status != nil {
		p.Cluster, p.Unsafe, p.Mode = v.status.Cluster, v.status.Unsafe, cmp.Or(p.Mode, v.status.Mode)
	}
	p.Choices = v.choices(p.At)
	p.Notices = v.notices()
	code := http.StatusOK
	if v.trouble != nil {
		code = v.trouble.Code
	}
	v.respond(name, code, p)
}

// fail answers with a page that tells of trouble alone.
func (v *visit) fail(t *trouble) {
	v.trouble = t
	v.show("trouble", t.Title, nil, nil)
}

// respond renders all of a page before any of it is sent: a page is whole, or
// it is an error.
func (v *visit) respond(name string, code int, p *page) {
	var out bytes.Buffer
	if err := v.s.pages.templates[name].ExecuteTemplate(&out, "page", p); err != nil {
		v.s.config.Log.Error("make a page", "page", name, "err", err)
		http.Error(v.w, "the page could not be made: see the log", http.StatusInternalServerError)
		return
	}
	v.s.visitors.set(v.w, v.s.cookie, v.had, v.visitor)
	v.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	v.w.WriteHeader(code)
	_, _ = v.w.Write(out.Bytes()) // an error is the reader's end
}

// here is this page's path and query, for forms to come back to.
func (v *visit) here() string {
	if v.r.Method != http.MethodGet {
		if to := v.back(); to != "/" {
			return to
		}
		return strings.TrimSuffix(v.r.URL.Path, "/reply")
	}
	u := *v.r.URL
	q := u.Query()
	q.Del("told")
	u.RawQuery = q.Encode()
	return u.RequestURI()
}

func (v *visit) choices(at string) []choice {
	list := []choice{{Label: "any that answers", Chosen: at == ""}}
	if v.status == nil {
		return list
	}
	for _, r := range v.status.Replicas {
		label := r.Name
		if r.Role != "" {
			label += " · " + r.Role
		}
		switch {
		case r.State == supervisor.StateServing:
		case v.s.config.Source.Control() == nil && r.Step == "":
			label += " · no answer" // which is all that is known
		default:
			label += " · " + string(r.State)
		}
		list = append(list, choice{r.Name, label, r.Name == at})
	}
	return list
}

func (v *visit) notices() []*notice {
	var list []*notice
	if n := v.visitor.told(v.r.URL.Query().Get("told")); n != nil {
		list = append(list, n)
	}
	if v.anew.Load() {
		list = append(list, &notice{Text: "This is not the cluster that your browser knew here: your session began anew."})
	}
	return list
}
