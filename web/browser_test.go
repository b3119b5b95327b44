package web

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// browser is one without JavaScript.
type browser struct {
	t      testing.TB
	base   string
	client *http.Client
	header http.Header // sent with each request

	page *html.Node
	text string
	code int
	path string // where it is after all redirects
}

func newBrowser(t testing.TB, base string) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	b := &browser{t: t, base: base, client: &http.Client{Jar: jar, Transport: &http.Transport{}}, header: make(http.Header)}
	t.Cleanup(b.client.CloseIdleConnections)
	return b
}

func (b *browser) get(path string) *browser {
	b.t.Helper()
	r, err := http.NewRequest("GET", b.base+path, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.do(r)
}

func (b *browser) do(r *http.Request) *browser {
	b.t.Helper()
	for k, v := range b.header {
		r.Header[k] = v
	}
	resp, err := b.client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	b.text, b.code, b.path = string(text), resp.StatusCode, resp.Request.URL.Path
	if b.page, err = html.Parse(strings.NewReader(b.text)); err != nil {
		b.t.Fatal(err)
	}
	return b
}

// fill returns what the form of this action would send, with some fields
// changed.
func (b *browser) fill(action string, changed ...string) url.Values {
	b.t.Helper()
	form := find(b.page, func(n *html.Node) bool { return n.Data == "form" && attr(n, "action") == action })
	if len(form) == 0 {
		b.t.Fatalf("no form %s on this page:\n%s", action, b.text)
	}
	values := make(url.Values)
	for _, n := range find(form[0], func(n *html.Node) bool { return n.Data == "input" || n.Data == "textarea" }) {
		value := attr(n, "value")
		if n.Data == "textarea" {
			value = strings.ReplaceAll(textOf(n), "\n", "\r\n")
		}
		values.Set(attr(n, "name"), value)
	}
	for i := 0; i < len(changed); i += 2 {
		values.Set(changed[i], changed[i+1])
	}
	return values
}

// submit sends a form of this page as a browser does.
func (b *browser) submit(action string, changed ...string) *browser {
	b.t.Helper()
	return b.send(action, b.fill(action, changed...))
}

func (b *browser) send(action string, values url.Values) *browser {
	b.t.Helper()
	r, err := http.NewRequest("POST", b.base+action, strings.NewReader(values.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", b.base)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return b.do(r)
}

func (b *browser) signIn(name string) *browser {
	b.t.Helper()
	return b.get("/").submit("/name", "name", name)
}

// wants fails the test unless the page has this code and all these texts.
func (b *browser) wants(code int, texts ...string) *browser {
	b.t.Helper()
	if b.code != code {
		b.t.Errorf("%s: status %d, want %d", b.path, b.code, code)
	}
	shown := strings.Join(strings.Fields(textOf(b.page)), " ")
	for _, text := range texts {
		if !strings.Contains(shown, text) {
			b.t.Errorf("%s does not show %q:\n%s", b.path, text, shown)
		}
	}
	return b
}

// links are the texts and targets of the links within the element id.
func (b *browser) links(id string) (texts, targets []string) {
	b.t.Helper()
	for _, root := range find(b.page, func(n *html.Node) bool { return attr(n, "id") == id }) {
		for _, a := range find(root, func(n *html.Node) bool { return n.Data == "a" }) {
			texts, targets = append(texts, strings.TrimSpace(textOf(a))), append(targets, attr(a, "href"))
		}
	}
	return texts, targets
}

// rows are the ids of the articles that the page lists.
func (b *browser) rows() []string {
	var ids []string
	for _, n := range find(b.page, func(n *html.Node) bool { return n.Data == "li" && strings.HasPrefix(attr(n, "id"), "a") }) {
		ids = append(ids, attr(n, "id")[1:])
	}
	return ids
}

// next is the target of the link to the next page; empty: there is none.
func (b *browser) next() string {
	for _, n := range find(b.page, func(n *html.Node) bool { return n.Data == "a" && attr(n, "rel") == "next" }) {
		return attr(n, "href")
	}
	return ""
}

func find(n *html.Node, want func(*html.Node) bool) []*html.Node {
	var list []*html.Node
	if n.Type == html.ElementNode && want(n) {
		list = append(list, n)
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		list = append(list, find(c, want)...)
	}
	return list
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func textOf(n *html.Node) string {
	if n.Type == html.TextNode {
		return n.Data
	}
	var text strings.Builder
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		text.WriteString(textOf(c))
	}
	return text.String()
}
