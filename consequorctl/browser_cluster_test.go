//go:build browser

package main

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

const (
	postsAfterDeath = 3
	sendsMax        = 20 // of one form, until it is posted
)

// control opens a browser that may control the cluster, at the cluster's page.
func (r *rig) control() *tab {
	r.t.Helper()
	b := r.open()
	b.get(strings.TrimPrefix(r.Control, r.Web))
	b.wants(".notice", "This browser may control the cluster now.")
	return b
}

// confirm goes through with a deed whose page is shown, if it names the command
// that does the same.
func (b *tab) confirm(command string) {
	b.t.Helper()
	if got := b.shown(".command"); got != command {
		b.t.Errorf("the page says it is %q, want %q", got, command)
	}
	b.press("form[action='/cluster/do'] button.main")
	b.wants(".notice", command)
}

// 1. One tab posts, form after form. 2. The other one kills the coordinator.
// 3. All that was posted is there once, and posts go on; the page of the cluster
// tells what happened without being loaded. 4. The dead one comes back by a click.
func TestBrowserCoordinatorKilled(t *testing.T) {
	chromium(t)
	r := up(t)
	dead := r.inRole("coordinator")
	b := r.control()
	writer := b.another()
	writer.signIn("alice")

	b.press(fmt.Sprintf("button[aria-label='kill %s']", dead))
	b.wants("main", "Kill "+dead+"?", dead+" is serving, coordinator.")
	if got, want := b.shown(".command"), "consequorctl kill "+dead; got != want {
		t.Errorf("the page says it is %q, want %q", got, want)
	}
	sent := writer.post("post-0000")
	writer.write("post-0001")
	killed := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(b.ctx, browserWait)
		defer cancel()
		_, err := chromedp.RunResponse(ctx, chromedp.Click(chromedp.CSS("form[action='/cluster/do'] button.main")))
		killed <- err
	}()
	sent += writer.send() // while it dies
	if err := <-killed; err != nil {
		t.Fatal(err)
	}
	posted := 2
	for range postsAfterDeath {
		sent += writer.post(fmt.Sprintf("post-%04d", posted))
		posted++
	}
	t.Logf("%d articles took %d forms", posted, sent)

	b.wants(".notice", "Killed "+dead)
	b.awaits("#v-state-"+dead, "killed")
	b.awaits("#v-events", "elected")
	list := r.must("read", "--fresh", "-n", "500")
	for i := range posted {
		if n := strings.Count(list, fmt.Sprintf("post-%04d", i)); n != 1 {
			t.Errorf("post %d is %d times on the board", i, n)
		}
	}
	if now := r.inRole("coordinator"); now == dead {
		t.Errorf("%s coordinates, and is dead", now)
	}

	b.press(fmt.Sprintf("button[aria-label='restart %s']", dead))
	b.confirm("consequorctl restart " + dead)
	b.awaits("#v-state-"+dead, "serving")
	b.awaits("#v-articles-"+dead, fmt.Sprint(posted))
	b.quiet()
}

func (b *tab) signIn(name string) {
	b.t.Helper()
	b.get("/")
	b.fill("#name", name)
	b.press("form[action='/name'] button")
}

// post posts an article, and returns how often its form was sent.
func (b *tab) post(title string) int {
	b.t.Helper()
	b.write(title)
	return b.send()
}

func (b *tab) write(title string) {
	b.t.Helper()
	b.get("/post")
	b.fill("#title", title)
	b.fill("#body", "the body of "+title)
}

// send sends the form, and again as long as the page asks for that.
func (b *tab) send() int {
	b.t.Helper()
	for sent := 1; sent <= sendsMax; sent++ {
		b.press("form.editor button.main")
		if strings.Contains(b.shown(".notice"), "is posted") {
			return sent
		}
	}
	b.t.Fatalf("not posted after %d times: %s", sendsMax, b.shown("main"))
	return 0
}

// A follower is cut off, the boards differ and the page shows where; once the
// links are healed they become equal.
func TestBrowserCutCompareHeal(t *testing.T) {
	chromium(t)
	r := up(t)
	coordinator, far := r.inRole("coordinator"), r.inRole("follower")
	b := r.control()
	r.must("post", "-t", "Before", "all have it", "--at", coordinator)
	compare := fmt.Sprintf("/compare?a=%s&b=%s", coordinator, far)
	equal := coordinator + " and " + far + " have the same board."
	eventually(t, "the boards are equal", func() bool { b.get(compare); return b.shown("#verdict") == equal })

	b.get("/cluster")
	b.do("choose "+far, chromedp.Click(chromedp.CSS(fmt.Sprintf("input[name='a'][value='%s']", far))))
	b.choose("select[name='b']", "rest")
	b.press("fieldset button[value='cut']")
	b.confirm("consequorctl cut " + far + " rest")
	b.awaits("#v-ring", "cut")
	b.awaits("#v-links .faulty", "cut")

	r.must("post", "-t", "Meanwhile", "a majority has it", "--at", coordinator)
	b.get(compare)
	b.wants("#verdict", far+" lacks 1 article")
	b.wants("tr td.only", "Meanwhile")
	b.wants("tr td.lacks", "lacks it")

	b.get("/cluster")
	b.press("form.act:not(:has(fieldset)) button[value='heal']")
	b.confirm("consequorctl heal")
	eventually(t, "the boards are equal again", func() bool { b.get(compare); return b.shown("#verdict") == equal })
	b.wants("tbody", "Meanwhile")
	if b.is("document.querySelector('.lacks, .only')") {
		t.Error("equal boards have a difference")
	}
	b.quiet()
}

// The mode is changed by a click; what was posted before is there after it.
func TestBrowserSwap(t *testing.T) {
	chromium(t)
	r := up(t)
	b := r.control()
	b.signIn("alice")
	b.post("Before")
	b.get("/cluster")
	b.choose("select[name='mode']", "read-your-write")
	b.press("button[value='swap']")
	b.confirm("consequorctl mode swap read-your-write")
	b.wants(".notice", "Mode read-your-write runs in epoch 2, after sequential")
	b.awaits("#v-head", "mode read-your-write")
	b.awaits("#v-events", "swap")
	b.post("After")
	b.wants(".notice", "read-your-write", "epoch 2")
	b.get("/")
	b.wants("#list", "Before", "After")
	if r.look(); r.Mode != "read-your-write" || r.Epoch != 2 {
		t.Errorf("status: mode %s in epoch %d", r.Mode, r.Epoch)
	}
	b.quiet()
}

// What happens to the cluster shows on a page that nobody loads again.
func TestBrowserClusterByItself(t *testing.T) {
	chromium(t)
	r := up(t)
	follower := r.inRole("follower")
	b := r.open()
	b.get("/cluster")
	b.wants("#v-state-"+follower, "serving")
	if !b.is("window.loaded = true") {
		t.Fatal("cannot mark the page")
	}
	r.must("pause", follower)
	b.awaits("#v-state-"+follower, "paused")
	r.must("resume", follower)
	b.awaits("#v-state-"+follower, "serving")
	b.awaits("#v-events", "resumed")
	if !b.is("window.loaded") {
		t.Error("the page has been loaded again")
	}
	if b.is("document.querySelector('#cluster button')") {
		t.Error("who was not shown the token is offered control")
	}
	b.quiet()
}
