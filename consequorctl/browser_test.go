//go:build browser

// Tests of the web client in a real browser, headless Chromium, against real
// processes:
//
//	go test -tags browser ./consequorctl -run TestBrowser
//
// Where there is no browser they are skipped, and say so.

package main

import (
	"fmt"
	"strings"
	"testing"
)

// Somebody signs in and makes all five requests by mouse and keyboard; what
// another one posts appears by itself.
func TestBrowserFiveRequests(t *testing.T) {
	chromium(t)
	r := up(t)
	b := r.open()
	fiveRequests(b)
	if !keepsDraft(b) {
		t.Error("no script has run")
	}

	b.get("/")
	r.must("post", "-t", "By itself", "nobody has loaded the page again")
	b.awaits("#list", "By itself")
	b.quiet()
}

// The same, where no script runs.
func TestBrowserFiveRequestsWithoutScripts(t *testing.T) {
	chromium(t)
	b := up(t).open()
	b.noScripts()
	fiveRequests(b)
	if keepsDraft(b) {
		t.Error("a script has run")
	}
	b.quiet()
}

// keepsDraft reports whether a page's script runs: it keeps what is typed.
func keepsDraft(b *tab) bool {
	b.t.Helper()
	b.get("/post")
	b.fill("#body", "a draft")
	return b.is("sessionStorage.length > 0")
}

func fiveRequests(b *tab) {
	t := b.t
	t.Helper()
	b.get("/")
	b.wants("#list", "Nobody has posted yet")
	b.signIn("alice")
	b.wants(".who", "as alice")

	// post
	b.press("a.main[href='/post']")
	b.fill("#title", "First")
	b.fill("#body", "Hello from **alice**")
	b.press("form.editor button.main")
	b.wants("h1", "First")
	b.wants(".notice", "Article 1 is posted.", "sequential", "epoch 1")
	b.wants("article.whole .body strong", "alice")

	// reply, and a reply to it
	b.fill("#body", "An answer")
	b.press("form.editor button.main")
	b.wants(".notice", "Article 2 is posted.")
	b.wants(".up", "Answers 1 First")
	b.fill("#body", "An answer to the answer")
	b.press("form.editor button.main")

	// read, choose, parent
	b.press("a.brand")
	b.wants("#a1", "First", "1 reply", "alice")
	b.press("#a1 .title a")
	b.wants("#a1 #a2, #replies #a2", "An answer")
	b.wants("#a2 #a3", "An answer to the answer")
	b.press("#a3 a.id")
	b.press(".up a")
	b.wants("article.whole", "An answer")
	b.press(".up a")
	b.wants("h1", "First")

	// another replica, and sync
	for _, replica := range []string{"r2", "r3"} {
		b.choose("#at", replica)
		b.press("form[action='/replica'] button")
		b.press("form[action='/sync'] button")
		b.wants("h1", "First")
		b.get("/a/1")
		if line := b.shown("#line"); !strings.Contains(line, "This page is from: "+replica+" · ") {
			t.Errorf("after the choice of %s the page is from %q", replica, line)
		}
	}

	// and out
	b.press("form[action='/name'] button")
	if b.is("document.querySelector('.me')") {
		t.Error("still signed in: " + fmt.Sprint(b.shown(".who")))
	}
}
