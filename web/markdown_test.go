package web

import (
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"consequor/board"
)

// hostile are bodies that would do something, were they taken for HTML.
var hostile = []string{
	`<script>alert(1)</script>`,
	"<script>\nalert(1)\n</script>",
	`<img src=x onerror=alert(1)>`,
	`[click](javascript:alert(1))`,
	`[click](JaVaScRiPt:alert(1))`,
	"[click](java\tscript:alert(1))",
	`[click](&#106;avascript:alert(1))`,
	`[click](data:text/html,<script>alert(1)</script>)`,
	`<javascript:alert(1)>`,
	`![pic](https://evil.example/p.png)`,
	`![pic](x" onerror="alert(1))`,
	`[x](https://a.example "t\" onmouseover=\"alert(1)")`,
	`<a href="https://a.example" onclick=alert(1)>x</a>`,
	`<style>*{display:none}</style>`,
	`<svg/onload=alert(1)>`,
	`<iframe src=//evil.example>`,
	"```<script>\nalert(1)\n```",
	"    <script>alert(1)</script>",
	`<!-- <script>alert(1)</script> -->`,
	`&lt;script&gt;alert(1)&lt;/script&gt;`,
	"</article></main><form action=//evil.example><input name=form>",
	"| <script> |\n|---|\n| <img src=x onerror=alert(1)> |",
	"[ref]\n\n[ref]: javascript:alert(1)",
	"https://a.example/<script>alert(1)</script>",
}

// No body, title or name makes an element that runs, fetches or sends anything,
// in any of the places where it is shown.
func TestHostileArticlesAreInert(t *testing.T) {
	vl := newVillage(t, 1)
	for _, text := range hostile {
		root := vl.put(0, cutBytes(text, board.AuthorLenMax), cutBytes(text, board.TitleLenMax), text)
		vl.put(root.Seq, text[:min(len(text), 60)], "", text)
	}
	url, _ := vl.serve(t, nil)
	b := newBrowser(t, url)
	paths := []string{"/", "/?order=oldest", "/?q=alert", "/?q=%3Cscript%3Ealert(1)%3C/script%3E"}
	for i := range vl.count() {
		paths = append(paths, "/a/"+board.ArticleID{Seq: uint64(i + 1)}.String())
	}
	for _, path := range paths {
		inert(t, path, b.get(path).wants(200).page)
	}
	b.signIn(`"><script>alert(1)</script>`)
	inert(t, "signed in", b.page)
	b.get("/post").submit("/post", "title", `"><script>`, "body", "</textarea><script>alert(1)</script>", "form", "")
	inert(t, "form that came back", b.page)
}

// inert fails the test if a page has anything that a page of ours does not have.
func inert(t *testing.T, where string, page *html.Node) {
	t.Helper()
	forms := map[string]bool{"/": true, "/name": true, "/replica": true, "/sync": true, "/post": true}
	find(page, func(n *html.Node) bool {
		switch n.Data {
		case "script":
			if !strings.HasPrefix(attr(n, "src"), "/assets/") || n.FirstChild != nil {
				t.Errorf("%s: script %v", where, n.Attr)
			}
		case "img", "svg", "iframe", "object", "embed", "style", "base", "video", "audio":
			t.Errorf("%s: element %s %v", where, n.Data, n.Attr)
		case "form":
			if a := attr(n, "action"); !forms[a] && !(strings.HasPrefix(a, "/a/") && strings.HasSuffix(a, "/reply")) {
				t.Errorf("%s: form %v", where, n.Attr)
			}
		case "a":
			href := attr(n, "href")
			if strings.HasPrefix(href, "/") || strings.HasPrefix(href, "#") {
				break
			}
			if rel := attr(n, "rel"); !strings.Contains(rel, "nofollow") || !strings.Contains(rel, "noopener") {
				t.Errorf("%s: link %v", where, n.Attr)
			}
			if !strings.HasPrefix(href, "http://") && !strings.HasPrefix(href, "https://") && !strings.HasPrefix(href, "mailto:") {
				t.Errorf("%s: link %v", where, n.Attr)
			}
		}
		for _, a := range n.Attr {
			if strings.HasPrefix(strings.ToLower(a.Key), "on") || a.Key == "style" {
				t.Errorf("%s: attribute %s on %s", where, a.Key, n.Data)
			}
		}
		return false
	})
}

// What looks like HTML is shown as the text that it is; Markdown is rendered;
// an image becomes a link to it; headings are below the page's own.
func TestMarkdown(t *testing.T) {
	for _, c := range []struct{ body, want string }{
		{"a <b>c</b> & d", "<p>a &lt;b&gt;c&lt;/b&gt; &amp; d</p>"},
		{"**bold** _em_ `code` ~~gone~~", "<p><strong>bold</strong> <em>em</em> <code>code</code> <del>gone</del></p>"},
		{"# Top\n\n###### Deep", "<h3>Top</h3><h6>Deep</h6>"},
		{"1. a\n2. b\n\n> q", "<ol><li>a</li><li>b</li></ol><blockquote><p>q</p></blockquote>"},
		{"one\ntwo", "<p>one<br>two</p>"},
		{"![a pic](https://x.example/p.png)", `<p><a href="https://x.example/p.png" rel="nofollow noreferrer noopener" target="_blank">a pic (image)</a></p>`},
		{"see https://x.example/a?b=c&d", `<p>see <a href="https://x.example/a?b=c&amp;d" rel="nofollow noreferrer noopener" target="_blank">https://x.example/a?b=c&amp;d</a></p>`},
		{"[local](/name)", "<p>local</p>"},
		{"<script>\nx\n</script>", "<p>&lt;script&gt;<br>x<br>&lt;/script&gt;</p>"},
		{"שלום 🎉", "<p>שלום 🎉</p>"},
	} {
		got := strings.ReplaceAll(string(theMarkdown().render(c.body)), "\n", "")
		if got != c.want {
			t.Errorf("%q\n got %s\nwant %s", c.body, got, c.want)
		}
	}
}

// No body of 64 KiB takes long, or becomes much more, whatever it is made of.
func TestMarkdownIsBounded(t *testing.T) {
	for _, unit := range []string{">", "> ", "[", "![", "]", "*", "**a", "_a ", "`", "<", "- ", "1. ", "|a", "|\n", "#", "\\", "&#x", "[a](", "a\n===\n",
		"<a ", "http://a.", "~", "~~a", "[a]: b\n", "- a\n", " - a\n\n", "| a |\n|---|\n", "\t", "***a ", "a@b.", "www.a.", "(", "[](", "`` ` "} {
		body := strings.Repeat(unit, board.BodyLenMax/len(unit))
		began := time.Now()
		out := theMarkdown().render(body)
		if took := time.Since(began); took > 3*time.Second || len(out) > 60*len(body) {
			t.Errorf("%q: %v, %d bytes", unit, took, len(out))
		} else if took > 200*time.Millisecond {
			t.Logf("%q: %v, %d bytes", unit, took, len(out))
		}
	}
}

// Titles and names of any direction keep to their places.
func TestBidi(t *testing.T) {
	vl := newVillage(t, 1)
	vl.put(0, "נועה", "שלום 🎉 world", "גוף")
	url, _ := vl.serve(t, nil)
	b := newBrowser(t, url).get("/").wants(200, "שלום 🎉 world")
	for _, want := range []string{"<bdi>שלום 🎉 world</bdi>", `<bdi class="author">נועה</bdi>`} {
		if !strings.Contains(b.text, want) {
			t.Errorf("the list has no %s", want)
		}
	}
	if b.get("/a/1"); !strings.Contains(b.text, `<h1 dir="auto">שלום 🎉 world</h1>`) {
		t.Error("the article's title has no direction of its own")
	}
}
