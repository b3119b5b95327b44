package web

import (
	"net"
	"net/http"
	"slices"
	"strings"
)

// policy lets a page use our own files and nothing else: no script or style
// within a page, nothing from elsewhere, no page around ours.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// guard turns away what does not come from our own pages. A page elsewhere
// that is open in the same browser can send requests here, and by a name of its
// own that it has lead to 127.0.0.1 could even read the answers.
type guard struct {
	hosts   []string // that we are asked by
	origins []string // of our own pages
	next    http.Handler
}

// newGuard knows the names of a listener at addr: what it listens on and, on
// loopback, localhost.
func newGuard(addr net.Addr, next http.Handler) *guard {
	g := &guard{next: next, hosts: []string{addr.String()}}
	host, port, err := net.SplitHostPort(addr.String())
	if ip := net.ParseIP(host); err == nil && ip != nil && ip.IsLoopback() {
		g.hosts = append(g.hosts, "localhost:"+port)
	}
	if port == "80" { // browsers leave it out
		for _, h := range slices.Clone(g.hosts) {
			g.hosts = append(g.hosts, strings.TrimSuffix(h, ":80"))
		}
	}
	for _, h := range g.hosts {
		g.origins = append(g.origins, "http://"+h)
	}
	return g
}

func (g *guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	setHeaders(w.Header())
	switch {
	case !slices.Contains(g.hosts, strings.ToLower(r.Host)):
		turnAway(w, r, "this server is "+g.origins[0]+", not "+r.Host, http.StatusMisdirectedRequest)
	case !g.comesFromUs(r):
		turnAway(w, r, "refused: the request comes from another site's page", http.StatusForbidden)
	default:
		r.Body = http.MaxBytesReader(w, r.Body, bodySizeMax)
		g.next.ServeHTTP(w, r)
	}
}

// turnAway tells why, in the API's words to those who use it.
func turnAway(w http.ResponseWriter, r *http.Request, why string, code int) {
	if strings.HasPrefix(r.URL.Path, "/api/") {
		writeProblem(w, &problem{code: code, Kind: "foreign", Message: cut(why, 200), Hint: "ask by the address that up prints, from no page of another site"})
		return
	}
	http.Error(w, why, code)
}

func setHeaders(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
}

// comesFromUs reports whether a page of ours, or no page at all, has made the
// request. A link elsewhere may lead here; that alone does nothing. What changes
// something must say where it comes from, as every browser does, but for those
// who are no browsers and use the API.
func (g *guard) comesFromUs(r *http.Request) bool {
	origin, site := r.Header.Get("Origin"), r.Header.Get("Sec-Fetch-Site")
	ours := site == "" || site == "same-origin" || site == "none"
	switch {
	case origin != "" && !slices.Contains(g.origins, origin):
		return false
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		return ours || r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document"
	case origin == "" && site == "":
		return strings.HasPrefix(r.URL.Path, "/api/")
	}
	return ours
}

// fromElsewhere reports whether a link of another site has led here: the
// browser keeps our cookie back then, which does not mean that there is none.
func fromElsewhere(r *http.Request) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	return site == "cross-site" || site == "same-site"
}
