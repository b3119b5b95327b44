package web

import (
	"bytes"
	"html/template"
	"regexp"
	"strings"
	"sync"

	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/util"
)

// A body that nests deeper, or has more brackets that could be links, is shown
// as plain text: to take such a one apart takes a time that grows with its
// square.
const (
	nestingMax  = 50
	bracketsMax = 2000
)

// markdown turns bodies into HTML that does nothing. It is safe for concurrent
// use.
type markdown struct {
	goldmark goldmark.Markdown
	policy   *bluemonday.Policy
}

var theMarkdown = sync.OnceValue(newMarkdown)

// newMarkdown knows no HTML in Markdown: what looks like a tag is text, and is
// shown. What comes out passes a list of what is allowed, in case that the
// first rule is ever broken.
func newMarkdown() *markdown {
	p := parser.NewParser(
		parser.WithBlockParsers(
			util.Prioritized(parser.NewSetextHeadingParser(), 100),
			util.Prioritized(parser.NewThematicBreakParser(), 200),
			util.Prioritized(parser.NewListParser(), 300),
			util.Prioritized(parser.NewListItemParser(), 400),
			util.Prioritized(parser.NewCodeBlockParser(), 500),
			util.Prioritized(parser.NewATXHeadingParser(), 600),
			util.Prioritized(parser.NewFencedCodeBlockParser(), 700),
			util.Prioritized(parser.NewBlockquoteParser(), 800),
			util.Prioritized(parser.NewParagraphParser(), 1000),
		),
		parser.WithInlineParsers(
			util.Prioritized(parser.NewCodeSpanParser(), 100),
			util.Prioritized(parser.NewLinkParser(), 200),
			util.Prioritized(parser.NewAutoLinkParser(), 300),
			util.Prioritized(parser.NewEmphasisParser(), 500),
		),
		parser.WithParagraphTransformers(parser.DefaultParagraphTransformers()...),
	)
	g := goldmark.New(
		goldmark.WithParser(p),
		goldmark.WithExtensions(extension.Table, extension.Strikethrough, extension.Linkify),
		goldmark.WithRendererOptions(html.WithHardWraps(), renderer.WithNodeRenderers(util.Prioritized(quiet{}, 100))),
	)
	policy := bluemonday.NewPolicy()
	policy.AllowElements("p", "br", "hr", "h3", "h4", "h5", "h6", "strong", "em", "del", "code", "pre", "blockquote", "ul", "ol", "li",
		"table", "thead", "tbody", "tr", "th", "td")
	policy.AllowAttrs("start").Matching(bluemonday.Integer).OnElements("ol")
	policy.AllowAttrs("href").OnElements("a")
	policy.AllowURLSchemes("http", "https", "mailto")
	policy.RequireParseableURLs(true)
	policy.AllowRelativeURLs(false)
	policy.RequireNoFollowOnLinks(true)
	policy.RequireNoReferrerOnLinks(true)
	policy.AddTargetBlankToFullyQualifiedLinks(true) // with rel noopener: a draft stays where it is
	return &markdown{g, policy}
}

// render returns a body as HTML.
func (m *markdown) render(body string) template.HTML {
	if tooKnotty(body) {
		return plain(body)
	}
	var out bytes.Buffer
	if err := m.goldmark.Convert([]byte(body), &out); err != nil {
		return plain(body)
	}
	return template.HTML(m.policy.SanitizeBytes(out.Bytes())) //nolint:gosec // this is what the policy is for
}

// plain shows a text as it is written.
func plain(body string) template.HTML {
	return template.HTML(`<pre class="plain">` + template.HTMLEscapeString(body) + `</pre>`) //nolint:gosec // it is escaped
}

func tooKnotty(body string) bool {
	if strings.Count(body, "[")+strings.Count(body, "]") > bracketsMax {
		return true
	}
	for line := range strings.Lines(body) {
		if nesting(line) > nestingMax || indented(line) > 4*nestingMax {
			return true
		}
	}
	return false
}

// container is the mark of a quote or of a list's item.
var container = regexp.MustCompile(`^[ \t]*(>|([-*+]|[0-9]{1,9}[.)])[ \t])`)

// nesting counts the quotes and lists that a line opens.
func nesting(line string) int {
	n := 0
	for n <= nestingMax {
		mark := container.FindString(line)
		if mark == "" {
			break
		}
		line, n = line[len(mark):], n+1
	}
	return n
}

func indented(line string) int {
	return len(line) - len(strings.TrimLeft(line, " \t"))
}

// quiet writes what could fetch something, or break the page's outline, in
// another way than Markdown means it: an image is a link to it, and headings
// begin below the page's own.
type quiet struct{}

func (quiet) RegisterFuncs(r renderer.NodeRendererFuncRegisterer) {
	r.Register(ast.KindImage, writeImage)
	r.Register(ast.KindHeading, writeHeading)
}

func writeImage(w util.BufWriter, source []byte, node ast.Node, entering bool) (ast.WalkStatus, error) {
	n := node.(*ast.Image)
	if !entering {
		_, err := w.WriteString(" (image)</a>")
		return ast.WalkContinue, err
	}
	var url []byte
	if !html.IsDangerousURL(n.Destination) {
		url = util.EscapeHTML(util.URLEscape(n.Destination, true))
	}
	_, err := w.WriteString(`<a href="` + string(url) + `">`)
	return ast.WalkContinue, err
}

func writeHeading(w util.BufWriter, source []byte, node ast.Node, entering bool) (ast.WalkStatus, error) {
	level := min(node.(*ast.Heading).Level+2, 6)
	tag := "<h"
	if !entering {
		tag = "</h"
	}
	_, err := w.WriteString(tag + string(rune('0'+level)) + ">")
	return ast.WalkContinue, err
}
