//go:build browser

package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// tab is one page of a browser of its own, with what went wrong in it.
type tab struct {
	t   *testing.T
	web string
	ctx context.Context

	answers sync.WaitGroup // to dialogs

	mu      sync.Mutex
	trouble []string
}

// open starts a browser. It ends with the test, before the cluster does.
func (r *rig) open(flags ...chromedp.ExecAllocatorOption) *tab {
	r.t.Helper()
	profile := r.t.TempDir()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(chromium(r.t)), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(profile), chromedp.WindowSize(1100, 900))
	all, end := chromedp.NewExecAllocator(context.Background(), append(options, flags...)...)
	ctx, cancel := chromedp.NewContext(all)
	b := &tab{t: r.t, web: r.Web, ctx: ctx}
	r.t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil {
			r.t.Errorf("end the browser: %v", err)
		}
		cancel()
		end()
		b.answers.Wait()
		eventually(r.t, "the browser's last process leaves its profile", func() bool { return os.RemoveAll(profile) == nil })
	})
	if err := chromedp.Do(ctx); err != nil { // its context is the browser's: without a limit
		r.t.Fatalf("start the browser: %v", err)
	}
	if err := chromedp.Listen(ctx, b.hear); err != nil {
		r.t.Fatal(err)
	}
	return b
}

// another is a second tab of the same browser.
func (b *tab) another() *tab {
	b.t.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx)
	other := &tab{t: b.t, web: b.web, ctx: ctx}
	b.t.Cleanup(func() {
		cancel()
		other.answers.Wait()
	})
	if err := chromedp.Do(ctx); err != nil {
		b.t.Fatalf("open a tab: %v", err)
	}
	if err := chromedp.Listen(ctx, other.hear); err != nil {
		b.t.Fatal(err)
	}
	return other
}

// hear notes whatever a page should never cause.
func (b *tab) hear(event any) {
	switch e := event.(type) {
	case *page.EventJavascriptDialogOpening:
		b.note("dialog: " + e.Message)
		b.answers.Go(func() { // the page waits for it; an error is the browser's end
			_, _ = chromedp.Call(b.ctx, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{})
		})
	case *runtime.EventExceptionThrown:
		b.note("exception: " + e.ExceptionDetails.Text)
	case *runtime.EventConsoleAPICalled:
		b.note("console: " + string(e.Type))
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError {
			b.note("log: " + e.Entry.Text + " " + e.Entry.URL)
		}
	}
}

func (b *tab) note(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.trouble = append(b.trouble, text)
}

// quiet fails the test if anything went wrong in the page.
func (b *tab) quiet() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.trouble) > 0 {
		b.t.Errorf("the browser tells of\n%s", strings.Join(b.trouble, "\n"))
	}
}

// noScripts has pages loaded from now on run no script.
func (b *tab) noScripts() {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, browserWait)
	defer cancel()
	if _, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		b.t.Fatal(err)
	}
}

// get loads a page, and returns its status.
func (b *tab) get(path string) int64 {
	b.t.Helper()
	return b.load("load "+path, chromedp.Navigate(b.web+path))
}

// press clicks on what leads to another page, and returns that one's status.
func (b *tab) press(css string) int64 {
	b.t.Helper()
	return b.load("press "+css, chromedp.Click(chromedp.CSS(css)))
}

func (b *tab) load(what string, action chromedp.Action[chromedp.Void]) int64 {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, browserWait)
	defer cancel()
	response, err := chromedp.RunResponse(ctx, action)
	if err != nil {
		b.t.Fatalf("%s: %v\nat %s", what, err, b.shown("body"))
	}
	return response.Status
}

// fill types a text into an empty field.
func (b *tab) fill(css, text string) {
	b.t.Helper()
	b.do("fill "+css, chromedp.Focus(chromedp.CSS(css)))
	ctx, cancel := context.WithTimeout(b.ctx, browserWait)
	defer cancel()
	if _, err := chromedp.Call(ctx, input.InsertText, input.InsertTextParams{Text: text}); err != nil {
		b.t.Fatalf("fill %s: %v", css, err)
	}
}

func (b *tab) choose(css, value string) {
	b.t.Helper()
	b.do("choose "+value, chromedp.SetValue(chromedp.CSS(css), value))
}

func (b *tab) do(what string, actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, browserWait)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		b.t.Fatalf("%s: %v\nat %s", what, err, b.shown("body"))
	}
}

// is evaluates a condition; what cannot be evaluated, as a page is just being
// replaced, is false.
func (b *tab) is(condition string) bool {
	ctx, cancel := context.WithTimeout(b.ctx, browserWait)
	defer cancel()
	ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("!!("+condition+")"))
	return err == nil && ok
}

// shown is an element's text, with single spaces; empty: there is none.
func (b *tab) shown(css string) string {
	ctx, cancel := context.WithTimeout(b.ctx, browserWait)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](fmt.Sprintf("(document.querySelector(%q) || {textContent: ''}).textContent", css)))
	if err != nil {
		return err.Error()
	}
	return strings.Join(strings.Fields(text), " ")
}

// value is a text that the page's script computes.
func (b *tab) value(expression string) string {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, browserWait)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](expression))
	if err != nil {
		b.t.Fatalf("%s: %v", expression, err)
	}
	return text
}

// settles runs an expression that is a promise, and reports whether it ends as
// is wanted; an empty end: any.
func (b *tab) settles(expression, end string) bool {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, browserWait)
	defer cancel()
	script := fmt.Sprintf("(async () => { try { await eval(%q); return 'done' } catch { return 'rejected' } })()", expression)
	got, err := chromedp.Run(ctx, chromedp.Evaluate[string](script, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("%s: %v", expression, err)
	}
	return end == "" || got == end
}

// wants fails the test unless an element shows all these texts.
func (b *tab) wants(css string, texts ...string) {
	b.t.Helper()
	got := b.shown(css)
	for _, text := range texts {
		if !strings.Contains(got, text) {
			b.t.Errorf("%s does not show %q:\n%s", css, text, got)
		}
	}
}

// awaits is wants for what appears by itself.
func (b *tab) awaits(css, text string) {
	b.t.Helper()
	if !wait(func() bool { return strings.Contains(b.shown(css), text) }) {
		b.t.Fatalf("%s never shows %q:\n%s", css, text, b.shown("body"))
	}
}
