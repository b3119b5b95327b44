package web

import (
	"net/url"
	"strings"
	"sync"
	"testing"

	"consequor/board"
	"consequor/replicad/api"
)

func mustURL(t testing.TB, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func writes(r *api.Request) bool { return r.Verb.Writes() }

// alice is signed in and has the form to post before her.
func alice(t *testing.T, vl *village) *browser {
	t.Helper()
	url, _ := vl.serve(t, nil)
	return newBrowser(t, url).signIn("alice").get("/post")
}

// Who goes back and posts the same form again gets the same article.
func TestPostedTwiceIsOnce(t *testing.T) {
	vl := newVillage(t, 2)
	b := alice(t, vl)
	form := b.fill("/post", "title", "Once", "body", "only")
	for range 3 {
		if b.send("/post", form).wants(200, "Once"); b.path != "/a/1" {
			t.Errorf("leads to %s", b.path)
		}
	}
	if n := vl.count(); n != 1 {
		t.Errorf("%d articles", n)
	}
	// Other words in that form are no article yet, and are not lost.
	form.Set("body", "changed")
	b.send("/post", form).wants(409, "This form was posted before, as article 1", "changed")
	b.submit("/post").wants(200, "changed", "Article 2 is posted.")
}

// A post without an answer comes back filled, is sent again with its key, and is
// there once; a refusal after that is no "surely not".
func TestUnknownPostIsRetriedWithItsKey(t *testing.T) {
	vl := newVillage(t, 1)
	b := alice(t, vl)
	vl.when(nil, writes)
	key := b.fill("/post").Get("key")
	b.submit("/post", "title", "Lost?", "body", "two\r\nlines").wants(504, "Unknown: it may have been posted", "Send it again", "never posted twice", "two lines")
	if again := b.fill("/post"); again.Get("key") != key || again.Get("title") != "Lost?" || again.Get("again") == "" {
		t.Errorf("the form comes back as %v, its key was %s", again, key)
	}
	vl.when(func(r *api.Request) *api.Error {
		if writes(r) {
			return &api.Error{Outcome: api.Refused, Kind: api.KindInvalid, Message: "too long"}
		}
		return nil
	}, nil)
	b.submit("/post").wants(422, "Unknown: it may have been posted")
	vl.when(nil, nil)
	b.submit("/post").wants(200, "Lost?", "Article 1 is posted.")
	if n := vl.count(); n != 1 {
		t.Errorf("%d articles", n)
	}
}

// A refused post comes back filled, says that it was surely not done, and has a
// new key: its home may have been the reason.
func TestRefusedPostComesBack(t *testing.T) {
	vl := newVillage(t, 1)
	b := alice(t, vl)
	key := b.fill("/post").Get("key")
	b.submit("/post", "title", strings.Repeat("x", board.TitleLenMax+1), "body", "kept <words>").
		wants(422, "Refused: it was surely not posted", "kept <words>", "Change it and send it again.")
	if again := b.fill("/post").Get("key"); again == "" || again == key {
		t.Errorf("key %q, then %q", key, again)
	}
	b.submit("/post", "title", "short").wants(200, "Article 1 is posted.")
	// A reply to what is not there keeps its words as well.
	b.get("/a/1")
	form := b.fill("/a/1/reply", "body", "to nobody")
	b.send("/a/77/reply", form).wants(404, "Refused: it was surely not posted", "to nobody", "sync")
}

// A form whose key was never sent, and whose home is gone, is posted with another
// key: where keys have homes nobody could answer the first one.
func TestHomeIsGone(t *testing.T) {
	vl := newVillage(t, 2)
	b := alice(t, vl)
	key := board.ParseKey(b.fill("/post").Get("key"))
	if key.Home == 0 {
		t.Fatalf("key %v has no home", key)
	}
	vl.stops[key.Home-1]()
	form := b.fill("/post", "title", "elsewhere")
	var clicks sync.WaitGroup
	for range 4 { // in a hurry
		clicks.Go(func() {
			again := *b
			again.send("/post", form)
		})
	}
	clicks.Wait()
	b.send("/post", form).wants(200, "Article 1 is posted.")
	if n := vl.count(); n != 1 {
		t.Errorf("%d articles", n)
	}
	for _, r := range vl.requests() {
		if home := board.ParseKey(r.Key).Home; r.Verb == api.Post && home == key.Home {
			t.Errorf("sent with key %s of a home that is gone", r.Key)
		}
	}
}

// Without a name there is no post, and with one given in the form there is.
func TestNameInForm(t *testing.T) {
	vl := newVillage(t, 1)
	url, _ := vl.serve(t, nil)
	b := newBrowser(t, url).get("/post").submit("/post", "title", "Who?", "author", " \x07 ").wants(422, "Who posts this?")
	b.submit("/post", "author", strings.Repeat("n", board.AuthorLenMax+1)).wants(422, "The name is too long")
	b.submit("/post", "author", "bob").wants(200, "Who?", "as bob")
	newBrowser(t, url).signIn(strings.Repeat("n", board.AuthorLenMax+1)).wants(422, "The name is too long")
}

// A body of 64 KiB goes through a form and comes back whole.
func TestLargestBody(t *testing.T) {
	vl := newVillage(t, 1)
	b := alice(t, vl)
	body := strings.Repeat("é", board.BodyLenMax/2) // %XX%XX each
	b.submit("/post", "body", body).wants(200)
	if !strings.Contains(b.text, body) {
		t.Error("the body is not shown whole")
	}
	b.get("/post").submit("/post", "body", body+"é").wants(422, "Refused: it was surely not posted")
	if got := b.fill("/post").Get("body"); got != body+"é" {
		t.Errorf("of a body that is too long %d bytes come back", len(got))
	}
	b.get("/post").submit("/post", "body", strings.Repeat("é", bodySizeMax)).wants(413, "Too long: it was not posted")
}

// Session tokens never go back: what was posted in one tab is in what the other
// reads, though the replica asked is another one.
func TestTokenGoesAlong(t *testing.T) {
	vl := newVillage(t, 2)
	b := alice(t, vl)
	b.submit("/post", "title", "mine")
	vl.requests()
	b.get("/").submit("/replica", "at", "r2")
	asked := vl.requests()
	if last := asked[len(asked)-1]; last.Token.Seen.SeqMax() != 1 {
		t.Errorf("read at r2 with token %v", last.Token)
	}
}

// A form that was shown while nobody was there is sent with a key that is made
// then, and posts once as well.
func TestFormWithoutKey(t *testing.T) {
	vl := newVillage(t, 1)
	b := alice(t, vl)
	form := b.fill("/post", "title", "later", "key", laterPrefix+newID())
	for range 2 {
		b.send("/post", form).wants(200, "Article 1 is posted.")
	}
	form.Set("key", laterPrefix+newID())
	b.send("/post", form).wants(200, "Article 2 is posted.")
	for _, r := range vl.requests() {
		if r.Verb == api.Post && (r.Key == "" || strings.HasPrefix(r.Key, laterPrefix)) {
			t.Errorf("sent with key %q", r.Key)
		}
	}
}
