// Package report draws a run as one HTML page that needs nothing else: no
// network, no tool, no library. It opens from a file.
//
//	Report ──modelOf──> what the page is told, as JSON ──┐
//	  what failed, the operations that prove it           ├─Write──> one file
//	  events, operations, faults, verdicts                │
//	page.html, style.css, *.js ───────────────────────────┘
//
// The page opens with what a reader wants first: the sentence of the verdict,
// the operations that prove it, and the command that repeats the run. Below is
// the run itself as a space-time diagram (Lamport 1978): a column for each
// replica, time downward, messages as slanted lines, operations as bars beside
// the replica that was asked first. Whatever takes time to work out is worked
// out here; the scripts place and draw what they are told.
//
// # What is not trusted
//
// Titles, notes and errors come from articles and modes, and may be anything.
// In the page they are only ever text: escaped where the template puts them,
// JSON without a "<" where the scripts read them, and shown by textContent. The
// page's Content-Security-Policy lets nothing run and nothing style it but its
// own script and sheet, by their digests, and lets nothing be fetched at all.
package report

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"strings"

	"consequor/sim/cluster"
	"consequor/sim/history"
)

// Report is what a page shows.
type Report struct {
	Title    string   // "sequential, 5 replicas, seed 17"
	Lines    []string // under it: the options, the command that repeats the run
	Replicas int
	History  *history.History
	Verdicts history.Verdicts
	Failure  string          // an assertion that broke, if one did
	Events   []cluster.Event // what was traced, by time; a real cluster's history has none
}

//go:embed page.html style.css *.js
var files embed.FS

// scripts are the page's, in the order in which they need each other.
var scripts = []string{
	"run.js", "axis.js", "shapes.js",
	"diagram.js", "labels.js", "faults.js", "messages.js", "bars.js", "marks.js", "map.js",
	"lists.js", "details.js", "page.js", "input.js", "open.js",
}

var page = template.Must(template.ParseFS(files, "page.html"))

// head is what the page says without its scripts.
type head struct {
	Title    string
	Lines    []line
	Summary  summary
	Verdicts []verdict
	LeftOut  string

	Style, Script template.HTML
	Policy        string
	Model         template.HTML
}

// line is one of a Report's lines; a command can be copied.
type line struct {
	Text    string
	Command bool
}

// Write writes the page.
func Write(w io.Writer, r *Report) error {
	m := modelOf(r)
	data, err := encode(m)
	if err != nil {
		return fmt.Errorf("report of %s: %w", r.Title, err)
	}
	style, script := source("style.css"), program()
	h := head{
		Title:    m.Title,
		Summary:  m.Summary,
		Verdicts: m.Verdicts,
		LeftOut:  m.LeftOut,
		Style:    element("style", style),
		Script:   element("script", script),
		Policy: "default-src 'none'; base-uri 'none'; form-action 'none'; style-src " + digest(style) +
			"; script-src " + digest(script),
		Model: template.HTML(`<script type="application/json" id="run">` + data + `</script>`),
	}
	for _, text := range r.Lines {
		h.Lines = append(h.Lines, line{clean(text), strings.Contains(text, "consequorctl ")})
	}
	return page.Execute(w, h)
}

// encode writes the model as JSON in which no "<" is left: nothing in it can
// end the element that it stands in.
func encode(m *model) (string, error) {
	data, err := json.Marshal(m) // escapes <, > and &
	if err == nil && bytes.ContainsAny(data, "<>") {
		err = fmt.Errorf("its JSON contains markup")
	}
	return string(data), err
}

// program is all scripts as one, with no name left behind in the window.
func program() string {
	var b strings.Builder
	b.WriteString("(() => {\n\"use strict\";\n")
	for _, name := range scripts {
		b.WriteString(source(name))
	}
	b.WriteString("})();\n")
	return b.String()
}

func source(name string) string {
	text, err := files.ReadFile(name)
	if err != nil {
		panic(err) // it is embedded, or the package would not compile
	}
	return string(text)
}

func element(name, text string) template.HTML {
	return template.HTML("<" + name + ">" + text + "</" + name + ">")
}

// digest names an inline script or sheet in a Content-Security-Policy.
func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// clean makes a text valid UTF-8 without the characters that would turn the
// direction of what follows.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069' {
			return '\ufffd'
		}
		return r
	}, strings.ToValidUTF8(text, "\ufffd"))
}
