//go:build browser

package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"consequor/board"

	"github.com/chromedp/chromedp"
)

// Words that would do something if a page took them for more than words.
var hostile = []struct{ name, title, body string }{
	{"script", "<script>alert(document.title='pwned')</script>", "before <script>alert(document.title='pwned')</script> after"},
	{"image", "<img src=x onerror=alert(document.title='pwned')>", "before <img src=x onerror=\"alert(document.title='pwned')\"> after ![x](x\" onerror=\"alert(document.title='pwned'))"},
	{"link", "javascript:alert(document.title='pwned')", "[a link](javascript:alert(document.title='pwned')) <a href=\"javascript:alert(document.title='pwned')\">another</a> [third](JaVaScRiPt:alert(document.title='pwned')) <javascript:alert(document.title='pwned')>"},
	{"markup", "</title></h1><svg onload=alert(document.title='pwned')>", "</div></article><svg onload=alert(document.title='pwned')><style>body{display:none}</style><iframe src=\"javascript:alert(document.title='pwned')\"></iframe>"},
	{"data", "data:text/html,<script>alert(document.title='pwned')</script>", "[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==) <meta http-equiv=refresh content=\"0;url=/post\">"},
	{"right to left", "שלום עולם \u202eabc", "مرحبا بالعالم"},
	{"emoji", "👩‍👩‍👧‍👦 🏳️‍🌈 e\u0301 𝒳", "🧨🧯 " + strings.Repeat("🎉", 50)},
}

// inert is what must be so on any page, whatever was posted.
const inert = `!document.title.startsWith("pwned") &&
	document.querySelectorAll("main script, main img, main iframe, main style, main meta, main object, main svg:not([role=img])").length === 0 &&
	[...document.querySelectorAll("main *")].every(e => [...e.attributes].every(a => !a.name.startsWith("on"))) &&
	[...document.querySelectorAll("a[href]")].every(a => ["http:", "https:", "mailto:"].includes(a.protocol))`

// Whatever is posted is shown as it was written, and nothing of it runs.
func TestBrowserHostileArticles(t *testing.T) {
	chromium(t)
	r := up(t)
	b := r.open()
	b.signIn("<b onclick=alert(1)>\u202eeve</b>")
	for i, h := range hostile {
		b.get("/post")
		b.fill("#title", h.title)
		b.fill("#body", h.body)
		b.press("form.editor button.main")
		b.checkInert(h.name)
		if got := b.shown("article.whole h1"); got != h.title {
			t.Errorf("%s: the title is %q, want %q", h.name, got, h.title)
		}
		if want := fmt.Sprintf("%d · %s · three", i+1, h.title); !b.is(fmt.Sprintf("document.title === %s", quoted(want))) {
			t.Errorf("%s: the page's title is not %q", h.name, want)
		}
	}
	b.get("/a/1")
	b.wants("article.whole .body", "before <script>alert(document.title='pwned')</script> after")
	b.get("/a/2")
	b.wants("article.whole .body", `before <img src=x onerror="alert(document.title='pwned')"> after`)
	b.get("/a/3")
	b.wants("article.whole .body", "a link", `<a href="javascript:alert(document.title='pwned')">another</a>`)
	b.fill("#body", hostile[0].body)
	b.press("form.editor button.main")

	for _, path := range []string{"/", "/?order=oldest", "/?q=pwned", "/?q=%3Cscript%3Ealert(1)%3C/script%3E", "/a/1", "/a/3", "/compare?a=r1&b=r2", "/cluster"} {
		b.get(path)
		b.checkInert(path)
	}
	b.get("/")
	for _, h := range hostile {
		b.wants("#list", h.title)
	}
	b.quiet()
}

func (b *tab) checkInert(where string) {
	b.t.Helper()
	if !b.is(inert) {
		b.t.Errorf("%s: the page has more than words of an article: %s", where, b.shown("main"))
	}
}

// quoted is a text in JavaScript.
func quoted(text string) string {
	out, _ := json.Marshal(text) // of a string: cannot fail
	return string(out)
}

// A body as long as may be is taken from a form and shown whole.
func TestBrowserLongestBody(t *testing.T) {
	chromium(t)
	b := up(t).open()
	b.signIn("alice")
	var long strings.Builder
	for n := 0; ; n++ {
		line := fmt.Sprintf("line %d 🎉 of a long text\n", n)
		if long.Len()+len(line) > board.BodyLenMax {
			break
		}
		long.WriteString(line)
	}
	long.WriteString(strings.Repeat("x", board.BodyLenMax-long.Len()))
	b.get("/post")
	b.fill("#title", "Long")
	b.do("set the body", chromedp.SetValue(chromedp.CSS("#body"), long.String()))
	b.press("form.editor button.main")
	b.wants(".notice", "is posted")
	if got, want := b.shown("article.whole .body"), strings.Join(strings.Fields(long.String()), " "); got != want {
		t.Errorf("of %d bytes %d are shown", len(want), len(got))
	}
	b.get("/")
	b.press("#a1 .title a")
	b.wants("article.whole .body", "line 0 ")
	b.quiet()
}

// A page of another port, in a browser that is signed in here and may control
// the cluster, can neither post nor kill nor read; nor can one that has led a
// name of its own to this machine.
func TestBrowserForeignPage(t *testing.T) {
	chromium(t)
	r := up(t)
	b := r.open(chromedp.Flag("host-resolver-rules", "MAP evil.example 127.0.0.1"))
	b.get(strings.TrimPrefix(r.Control, r.Web))
	b.signIn("alice")
	b.get("/post")
	b.fill("#body", "a form that is never sent by its owner")

	stolen := formOf(b)
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, foreignPage, r.Web, stolen)
	}))
	defer elsewhere.Close()
	own := b.web
	b.web = elsewhere.URL
	for _, form := range []string{"#post", "#kill"} {
		b.get("/")
		if code := b.press(form + " button"); code != http.StatusForbidden {
			t.Errorf("%s from another page: status %d, want 403", form, code)
		}
	}
	b.get("/")
	for _, request := range []string{
		`fetch(own + "/", {credentials: "include"}).then(a => a.text())`,
		`fetch(own + "/api/read")`,
		`fetch(own + "/api/post", {method: "POST", headers: {"Content-Type": "application/json"}, body: '{"author":"eve","body":"hello"}'})`,
		`fetch(own + "/cluster/do", {method: "POST", credentials: "include", body: new URLSearchParams({verb: "kill", target: "r1"})})`,
	} {
		if !b.settles(fmt.Sprintf("const own = %s; %s", quoted(own), request), "rejected") {
			t.Errorf("answered: %s", request)
		}
	}
	for _, request := range []string{ // the answer cannot be seen, but a deed could be done
		`fetch(own + "/api/post", {method: "POST", mode: "no-cors", body: '{"author":"eve","body":"hello"}'})`,
		`fetch(own + "/post", {method: "POST", mode: "no-cors", credentials: "include", body: new URLSearchParams(new FormData(document.querySelector("#post")))})`,
	} {
		b.settles(fmt.Sprintf("const own = %s; %s", quoted(own), request), "")
	}

	b.web = strings.Replace(own, "127.0.0.1", "evil.example", 1)
	if code := b.get("/"); code != http.StatusMisdirectedRequest {
		t.Errorf("by another name: status %d, want 421", code)
	}
	r.look()
	for _, replica := range r.Replicas {
		if replica.State != "serving" || replica.Articles != 0 {
			t.Errorf("%s is %s and has %d articles", replica.Name, replica.State, replica.Articles)
		}
	}

	// What was refused was refused for where it came from: it is done from here.
	b.web = own
	b.get("/post")
	b.fill("#body", "sent by its owner")
	b.press("form.editor button.main")
	b.wants(".notice", "is posted")
}

// foreignPage posts and kills with a form's token that it should not have.
const foreignPage = `<!doctype html><title>elsewhere</title>
<form id="post" method="post" action="%[1]s/post">%[2]s<input name="body" value="from elsewhere"><button>post</button></form>
<form id="kill" method="post" action="%[1]s/cluster/do">%[2]s<input name="verb" value="kill"><input name="target" value="r1"><button>kill</button></form>`

// formOf are the hidden fields of the page's editor, as a thief would have them.
func formOf(b *tab) string {
	var fields strings.Builder
	for _, name := range []string{"form", "back", "key", "life"} {
		value := b.value(fmt.Sprintf("document.querySelector('form.editor [name=%s]').value", name))
		fmt.Fprintf(&fields, `<input type="hidden" name=%q value=%q>`, name, value)
	}
	return fields.String()
}
