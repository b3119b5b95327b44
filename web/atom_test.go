package web

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"consequor/board"
)

// readAtom is a feed as a reader takes it: by namespaces, and with nothing made
// up that is not there.
type readAtom struct {
	XMLName  xml.Name   `xml:"http://www.w3.org/2005/Atom feed"`
	ID       string     `xml:"http://www.w3.org/2005/Atom id"`
	Title    string     `xml:"http://www.w3.org/2005/Atom title"`
	Subtitle string     `xml:"http://www.w3.org/2005/Atom subtitle"`
	Updated  string     `xml:"http://www.w3.org/2005/Atom updated"`
	Links    []readLink `xml:"http://www.w3.org/2005/Atom link"`
	Entries  []struct {
		ID        string     `xml:"http://www.w3.org/2005/Atom id"`
		Title     readText   `xml:"http://www.w3.org/2005/Atom title"`
		Authors   []string   `xml:"http://www.w3.org/2005/Atom author>name"`
		Published string     `xml:"http://www.w3.org/2005/Atom published"`
		Updated   string     `xml:"http://www.w3.org/2005/Atom updated"`
		Links     []readLink `xml:"http://www.w3.org/2005/Atom link"`
		Summary   *readText  `xml:"http://www.w3.org/2005/Atom summary"`
		Content   *readText  `xml:"http://www.w3.org/2005/Atom content"`
		Answers   *struct {
			Ref string `xml:"ref,attr"`
		} `xml:"http://purl.org/syndication/thread/1.0 in-reply-to"`
	} `xml:"http://www.w3.org/2005/Atom entry"`
}

type readText struct {
	Type string `xml:"type,attr"`
	Text string `xml:",chardata"`
}

type readLink struct {
	Rel  string `xml:"rel,attr"`
	Href string `xml:"href,attr"`
}

// readFeed wants what RFC 4287 asks of every feed.
func readFeed(t *testing.T, c *caller, path string) *readAtom {
	t.Helper()
	c.get(path)
	if kind := c.head.Get("Content-Type"); c.code != http.StatusOK || kind != "application/atom+xml; charset=utf-8" {
		t.Fatalf("%s: status %d, %s: %s", path, c.code, kind, c.text)
	}
	f := new(readAtom)
	if err := xml.Unmarshal([]byte(c.text), f); err != nil {
		t.Fatalf("%s: %v: %s", path, err, c.text)
	}
	wantTime(t, "feed", f.Updated)
	if !strings.HasPrefix(f.ID, "tag:") || f.Title == "" || linkOf(f.Links, "self") != c.base+path || linkOf(f.Links, "alternate") == "" {
		t.Errorf("feed's id %q, title %q, links %v", f.ID, f.Title, f.Links)
	}
	ids := map[string]bool{f.ID: true}
	for _, e := range f.Entries {
		wantTime(t, e.ID, e.Updated)
		wantTime(t, e.ID, e.Published)
		if ids[e.ID] {
			t.Errorf("id %s comes twice", e.ID)
		}
		if ids[e.ID] = true; !strings.HasPrefix(e.ID, "tag:") || e.Title.Text == "" || e.Title.Type != "text" || len(e.Authors) != 1 || e.Authors[0] == "" || len(e.Links) != 1 {
			t.Errorf("entry %+v", e)
		}
		if (e.Content == nil) == (e.Summary == nil) {
			t.Errorf("entry %s: content %v, summary %v", e.ID, e.Content, e.Summary)
		}
	}
	return f
}

func wantTime(t *testing.T, what, text string) {
	t.Helper()
	if _, err := time.Parse(time.RFC3339, text); err != nil {
		t.Errorf("%s: %v", what, err)
	}
}

func linkOf(links []readLink, rel string) string {
	for _, l := range links {
		if l.Rel == rel {
			return l.Href
		}
	}
	return ""
}

// putAt adds a root of a certain time.
func (vl *village) putAt(at time.Time, title string) board.ArticleID {
	vl.mu.Lock()
	defer vl.mu.Unlock()
	a := board.Article{ID: board.ArticleID{Seq: uint64(vl.board.Len() + 1)}, Author: "alice", Title: title, Body: "body", Time: at.UnixNano()}
	if err := vl.board.Put(a); err != nil {
		panic(err)
	}
	return a.ID
}

// The board's feed has the newest fifty roots, newest first, and is as new as
// the newest of them; on an empty board it is a feed as well.
func TestAtomBoard(t *testing.T) {
	vl := newVillage(t, 2)
	url, _ := vl.serve(t, nil)
	c := newCaller(t, url)
	if f := readFeed(t, c, "/feed.atom"); len(f.Entries) != 0 || f.Updated != "1970-01-01T00:00:00Z" {
		t.Errorf("of an empty board: %+v", f)
	}
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range 60 {
		root := vl.putAt(begin.Add(time.Duration(i)*time.Hour), fmt.Sprintf("Root %d", i))
		vl.put(root.Seq, "bob", "", "a reply is no root")
	}
	vl.putAt(begin, "Late, with an early clock")
	f := readFeed(t, c, "/feed.atom")
	if len(f.Entries) != atomCount || f.Entries[0].Title.Text != "Late, with an early clock" || f.Entries[1].Title.Text != "Root 59" || f.Entries[49].Title.Text != "Root 11" {
		t.Errorf("%d entries, the first is %+v", len(f.Entries), f.Entries[0])
	}
	if want := begin.Add(59 * time.Hour).Format(time.RFC3339); f.Updated != want || f.Entries[1].Updated != want {
		t.Errorf("updated %s, want %s", f.Updated, want)
	}
	e := f.Entries[1]
	if want := "tag:consequor.invalid,2026:" + vl.id + "/article/119"; e.ID != want || e.Links[0] != (readLink{"alternate", url + "/a/119"}) || e.Answers != nil || e.Authors[0] != "alice" {
		t.Errorf("entry %+v, want id %s", e, want)
	}
}

// Ids are the same from another server of the cluster, at another port.
func TestAtomIDsStay(t *testing.T) {
	vl := newVillage(t, 1)
	vl.put(0, "alice", "First", "body")
	var ids []string
	for range 2 {
		url, stop := vl.serve(t, nil)
		f := readFeed(t, newCaller(t, url), "/feed.atom")
		ids = append(ids, f.ID+" "+f.Entries[0].ID)
		stop()
	}
	if ids[0] != ids[1] {
		t.Errorf("ids %v", ids)
	}
}

// A thread's feed has the article and what is beneath it at any depth, newest
// first; each reply names what it answers.
func TestAtomThread(t *testing.T) {
	vl := newVillage(t, 2)
	vl.put(0, "alice", "Root", "body")     // 1
	vl.put(1, "bob", "", "first reply")    // 2
	vl.put(0, "carol", "Another", "x")     // 3
	vl.put(2, "dave", "", "deeper")        // 4
	vl.put(4, "erin", "", "deeper still")  // 5
	vl.put(1, "bob", "", "a second reply") // 6
	url, _ := vl.serve(t, nil)
	c := newCaller(t, url)
	f := readFeed(t, c, "/feed/1.atom")
	var got []string
	for _, e := range f.Entries {
		line := e.ID[strings.LastIndexByte(e.ID, '/')+1:]
		if e.Answers != nil {
			line += " answers " + e.Answers.Ref[strings.LastIndexByte(e.Answers.Ref, '/')+1:]
		}
		got = append(got, line)
	}
	if text := strings.Join(got, ", "); text != "6 answers 1, 5 answers 4, 4 answers 2, 2 answers 1, 1" || f.Subtitle != "" {
		t.Errorf("thread: %s (%s)", text, f.Subtitle)
	}
	if !strings.HasSuffix(f.ID, vl.id+"/thread/1") || linkOf(f.Links, "alternate") != url+"/a/1" {
		t.Errorf("id %s, links %v", f.ID, f.Links)
	}
	for _, path := range []string{"/feed/99.atom", "/feed/x.atom", "/feed/1", "/feed/.atom"} {
		if c.get(path); c.code != http.StatusNotFound {
			t.Errorf("%s: status %d", path, c.code)
		}
	}
}

// A thread that is too long is cut off, and its feed says so.
func TestAtomLongThread(t *testing.T) {
	vl := newVillage(t, 1)
	for i := range uint64(threadAsksMax + 5) {
		vl.put(i, "alice", "", "deeper")
	}
	url, _ := vl.serve(t, nil)
	f := readFeed(t, newCaller(t, url), "/feed/1.atom")
	if len(f.Entries) != atomCount || !strings.Contains(f.Subtitle, "not all of it") {
		t.Errorf("%d entries, subtitle %q", len(f.Entries), f.Subtitle)
	}
	if n := len(vl.requests()); n > threadAsksMax {
		t.Errorf("%d requests for one feed", n)
	}
}

// Who has a feed already is told so, until an article comes.
func TestAtomETag(t *testing.T) {
	vl := newVillage(t, 2)
	vl.put(0, "alice", "First", "body")
	url, _ := vl.serve(t, nil)
	c := newCaller(t, url)
	for _, path := range []string{"/feed.atom", "/feed/1.atom"} {
		tag := c.get(path).head.Get("ETag")
		if tag == "" || c.head.Get("Last-Modified") != "" {
			t.Fatalf("%s: ETag %q, %q", path, tag, c.head.Get("Last-Modified"))
		}
		for _, have := range []string{tag, "W/" + tag, `"other", ` + tag} {
			if c.do("GET", path, "", "If-None-Match", have); c.code != http.StatusNotModified || c.text != "" || c.head.Get("ETag") != tag {
				t.Errorf("%s with %s: status %d, %q", path, have, c.code, c.text)
			}
		}
		if c.do("GET", path, "", "If-None-Match", `"other"`); c.code != http.StatusOK {
			t.Errorf("%s with another: status %d", path, c.code)
		}
		if path == "/feed.atom" {
			vl.put(0, "bob", "Second", "body")
		} else {
			vl.put(1, "bob", "", "reply")
		}
		if c.do("GET", path, "", "If-None-Match", tag); c.code != http.StatusOK || c.head.Get("ETag") == tag {
			t.Errorf("%s after an article: status %d", path, c.code)
		}
	}
}

// Whatever an article holds, the feed is well-formed, and its HTML does nothing.
func TestAtomIsInert(t *testing.T) {
	vl := newVillage(t, 1)
	nasty := []string{
		"<script>alert(1)</script>", `<img src=x onerror="alert(1)">`, "[x](javascript:alert(1))", "]]> </content></entry> <!-- &amp; &#0;",
		"control \x00\x01\x1b[31m \x0b", "\ufffe\uffff \u202ertl שלום 🎈", "![i](http://evil.example/i.png)", strings.Repeat("<b>long</b> ", 6000)[:board.BodyLenMax],
		"<?xml version='1.0'?><!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>&e;", "",
	}
	for _, text := range nasty {
		vl.put(0, cutBytes(text, board.AuthorLenMax), cutBytes(text, board.TitleLenMax), text)
	}
	url, _ := vl.serve(t, nil)
	c := newCaller(t, url)
	f := readFeed(t, c, "/feed.atom")
	if len(f.Entries) != len(nasty) {
		t.Fatalf("%d entries of %d", len(f.Entries), len(nasty))
	}
	for i, e := range f.Entries {
		source := nasty[len(nasty)-1-i]
		body := e.Content
		if len(source) > branchBodyMax {
			body = e.Summary
		}
		if body == nil || body.Type != "html" {
			t.Fatalf("body of %.20q is %v", source, body)
		}
		wantInert(t, body.Text)
	}
	if title := f.Entries[len(nasty)-1].Title.Text; title != nasty[0] {
		t.Errorf("title %q, want it whole", title)
	}
	if len(c.text) > 256<<10 {
		t.Errorf("the feed has %d bytes", len(c.text))
	}
	readFeed(t, c, "/feed/8.atom")
}

// wantInert checks that a reader who shows this HTML runs and fetches nothing.
func wantInert(t *testing.T, text string) {
	t.Helper()
	page, err := html.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	for n := range page.Descendants() {
		switch n.Data {
		case "script", "img", "iframe", "style", "object", "svg", "link", "form":
			if n.Type == html.ElementNode {
				t.Errorf("<%s> in %.80q", n.Data, text)
			}
		}
		for _, a := range n.Attr {
			if strings.HasPrefix(a.Key, "on") || a.Key == "src" || a.Key == "style" || a.Key == "href" && !strings.HasPrefix(a.Val, "http") {
				t.Errorf("%s=%q in %.80q", a.Key, a.Val, text)
			}
		}
	}
}

// A feed that cannot be had is an error, not an empty board.
func TestAtomNobodyThere(t *testing.T) {
	url, _ := serve(t, Config{Source: nowhere{}})
	c := newCaller(t, url)
	for _, path := range []string{"/feed.atom", "/feed/1.atom"} {
		if c.get(path); c.code != http.StatusServiceUnavailable || c.head.Get("ETag") != "" {
			t.Errorf("%s: status %d", path, c.code)
		}
	}
}
