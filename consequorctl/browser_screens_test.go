//go:build browser

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// look is how a page is looked at.
type look struct {
	name          string
	width, height int64
	scheme        string
}

const narrowest = 360 // pixels: nothing may stick out of a page this wide

var looks = []look{
	{"light", 1000, 720, "light"},
	{"dark", 1000, 720, "dark"},
	{"narrow", narrowest, 720, "light"},
}

// The board, a thread, the cluster and a comparison, of a cluster with a replica that
// is cut off, fit on wide and narrow screens, light and dark. With -screens each is
// also a picture in docs/screens.
func TestBrowserScreens(t *testing.T) {
	chromium(t)
	r := up(t)
	coordinator, far := r.inRole("coordinator"), r.inRole("follower")
	b := r.control()
	b.signIn("alice")
	r.furnish(coordinator, far)
	scenes := []struct{ name, path, there string }{
		{"board", "/", "#list li"},
		{"thread", "/a/3", "#replies li"},
		{"cluster", "/cluster", "#v-ring svg"},
		{"compare", fmt.Sprintf("/compare?a=%s&b=%s", coordinator, far), ".lacks"},
	}
	for _, l := range looks {
		b.lookAs(l)
		for _, s := range scenes {
			b.get(s.path)
			if !b.is(fmt.Sprintf("document.querySelector(%q)", s.there)) {
				t.Fatalf("%s shows no %s: %s", s.path, s.there, b.shown("main"))
			}
			if wide := b.value("String(document.documentElement.scrollWidth)"); wide != fmt.Sprint(l.width) {
				t.Errorf("%s, %s: the page is %s pixels wide, want %d; first of what sticks out: %s", s.name, l.name, wide, l.width, b.value(fmt.Sprintf(
					"[...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > %d && !e.closest('.wide')).map(e => e.outerHTML.slice(0, 120))[0] || 'none'", l.width)))
			}
			if *screens && s.name != "thread" {
				b.picture(s.name + "-" + l.name)
			}
		}
	}
	b.quiet()
}

// furnish writes a little board, and cuts a replica off before its end.
func (r *rig) furnish(coordinator, far string) {
	r.t.Helper()
	post := func(as, title, body string) { r.must("post", "-t", title, body, "--as", as, "--at", coordinator) }
	reply := func(as, id, body string) { r.must("reply", id, body, "--as", as, "--at", coordinator) }
	post("alice", "Welcome", "This board runs on three replicas. Kill one and go on reading.")
	post("bob", "Which mode for a shopping list?", "Two phones, one list, and a cellar without reception.")
	post("carol", "What does a quorum cost?", "A read asks most replicas:\n\n- one round trip more\n- no coordinator that could be lost")
	reply("alice", "2", "`read-your-write`: each phone goes on alone, and the lists join when it is upstairs again.")
	reply("bob", "3", "And a minority that is cut off refuses, rather than showing what may be old.")
	reply("carol", "5", "Which is what I want of a seat plan.")
	reply("alice", "1", "Good to be here.")
	r.must("sync", "--at", far)
	r.must("cut", far, "rest")
	post("dave", "Seen by two of three", "Posted while "+far+" was cut off.")
	reply("erin", "8", "It finds this when the links are healed.")
}

// lookAs sets the size of the page and its colours.
func (b *tab) lookAs(l look) {
	b.t.Helper()
	b.do("look "+l.name, chromedp.EmulateViewport(l.width, l.height))
	ctx, cancel := context.WithTimeout(b.ctx, browserWait)
	defer cancel()
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: l.scheme}}}
	if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, media); err != nil {
		b.t.Fatal(err)
	}
}

func (b *tab) picture(name string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, browserWait)
	defer cancel()
	png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		b.t.Fatal(err)
	}
	folder := filepath.Join("..", "docs", "screens")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, name+".png"), png, 0o644); err != nil {
		b.t.Fatal(err)
	}
}
