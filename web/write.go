package web

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"consequor/board"
	"consequor/replicad/api"
)

// form is what posts an article. It has its key from the moment it is shown, so
// that whatever is done with it makes one article.
type form struct {
	Action string
	Author string // asked for as long as the visitor has no name
	Title  string
	Body   string
	Key    string
	Life   string // in which Key was made
	Again  bool   // an earlier try may have been done
	Reply  bool

	target board.ArticleID
}

// postPage is the form alone.
type postPage struct{ Form *form }

// homeTimeout is how long a key's home may take to show that it is there.
const homeTimeout = 500 * time.Millisecond

// onPostForm shows the form that posts a root.
func onPostForm(v *visit) {
	v.show("post", "Post", &postPage{Form: v.newForm("/post")}, nil)
}

// newForm is an empty form with a key of its own.
func (v *visit) newForm(action string) *form {
	return &form{Action: action, Key: v.makeKey(), Life: v.visitor.life, Reply: action != "/post"}
}

// laterPrefix begins what stands for a key in a form that was made while no
// replica was there: its key is made when it is sent.
const laterPrefix = "later-"

// makeKey makes the key of a form.
func (v *visit) makeKey() string {
	_, at := v.visitor.choices()
	return cmp.Or(v.keyOf(at), laterPrefix+newID())
}

// keyOf asks a replica for a key; an empty name: any. It is empty when nobody is
// there.
func (v *visit) keyOf(home string) string {
	if v.client == nil {
		return ""
	}
	ctx, cancel := context.WithTimeout(v.ctx, homeTimeout)
	defer cancel()
	key, err := v.client.MakeKey(ctx, v.visitor.seen(), home)
	if err != nil {
		return ""
	}
	return key
}

// sentForm is the form that has come.
func (v *visit) sentForm() *form {
	f := &form{
		Action: v.r.URL.Path, Author: v.form.Get("author"), Title: v.form.Get("title"), Body: v.form.Get("body"),
		Key: v.form.Get("key"), Life: v.form.Get("life"), Again: v.form.Get("again") != "",
	}
	f.Reply = f.Action != "/post"
	return f
}

// onPost is POST.
func onPost(v *visit) {
	v.write(v.sentForm(), func(f *form) { v.show("post", "Post", &postPage{Form: f}, nil) })
}

// onReply is REPLY.
func onReply(v *visit) {
	id, ok := v.target()
	if !ok {
		return
	}
	f := v.sentForm()
	f.target = id
	v.write(f, func(f *form) { v.showThread(id, f) })
}

// write posts what f says and leads to the article, or shows the form again with
// all that was written in it.
func (v *visit) write(f *form, show func(*form)) {
	if v.trouble != nil { // the form is not of this session
		f.Key, f.Life, f.Again = v.makeKey(), v.visitor.life, false
		show(f)
		return
	}
	author, _ := v.visitor.choices()
	if author == "" {
		if author = cleanName(f.Author); author == "" {
			v.trouble = &trouble{http.StatusUnprocessableEntity, "Who posts this?", "An article has an author's name: any, nobody checks it.", "Give a name and send it again."}
			show(f)
			return
		}
		if !v.signIn(author) {
			show(f)
			return
		}
	}
	answer, err := v.send(f, author)
	if err != nil {
		show(f)
		return
	}
	v.posted(f, author, answer, show)
}

// send carries out the post. On an error, trouble tells it and f has the key with
// which to go on.
func (v *visit) send(f *form, author string) (*api.Answer, error) {
	sending := v.keyFor(f)
	r := api.Request{Verb: api.Post, Author: author, Title: f.Title, Body: newlines(f.Body), Key: sending.key}
	if f.Reply {
		r.Verb, r.Target = api.Reply, f.target
	}
	answer, err := v.ask(r)
	if err == nil {
		return answer, nil
	}
	var e *api.Error
	unknown := errors.As(err, &e) && e.Outcome == api.Unknown
	sending.doubt = sending.doubt || unknown
	if unknown && sending.key == "" {
		sending.key = e.Key
	}
	v.visitor.keep(sending)
	v.trouble = describeWrite(err, sending.doubt)
	f.Again = sending.doubt
	if f.Key = sending.key; !sending.doubt {
		f.Key, f.Life = v.makeKey(), v.visitor.life
	}
	return nil, err
}

// keyFor is the key that f is sent with: its own, but for one that was surely
// never sent and whose home is gone. Nobody could answer that one where keys
// have homes.
func (v *visit) keyFor(f *form) sending {
	s, known, unsent := v.visitor.sent(f.Key, f.Life)
	later := strings.HasPrefix(f.Key, laterPrefix)
	if !known && (later || unsent && !f.Again && v.homeless(f.Key)) {
		_, at := v.visitor.choices()
		s.key = v.keyOf(at) // if it is empty, the client makes one
	}
	s = v.visitor.claim(s)
	s.doubt = s.doubt || f.Again
	return s
}

// homeless reports whether the home that a key names does not answer.
func (v *visit) homeless(key string) bool {
	home := board.ParseKey(key).Home
	if v.status == nil || v.client == nil {
		return false
	}
	for i, r := range v.status.Replicas {
		if numberOf(r.Name, i+1) == home {
			return v.keyOf(r.Name) == ""
		}
	}
	return false
}

// newlines undoes what browsers do to a text's lines.
func newlines(text string) string { return crlf.Replace(text) }

// posted leads to the article that an answer names, if it is the one that was
// written: a form that was sent before, with other words, is that article.
func (v *visit) posted(f *form, author string, answer *api.Answer, show func(*form)) {
	id := answer.ID.String()
	line := fmt.Sprintf("%s · on %d %s", lineOf(answer), answer.Copies, plural(answer.Copies, "disk"))
	there, err := v.ask(api.Request{Verb: api.Choose, Target: answer.ID, Count: 1})
	if err == nil && (there.Article.Title != f.Title || there.Article.Body != newlines(f.Body) || there.Article.Parent != f.target) {
		v.trouble = &trouble{http.StatusConflict, "This form was posted before, as article " + id,
			"That article has the words of then. What the form says now has not been posted.", "Send it again to post it as an article of its own."}
		f.Key, f.Life, f.Again = v.makeKey(), v.visitor.life, false
		show(f)
		return
	}
	v.redirect("/a/"+url.PathEscape(id), &notice{Text: "Article " + id + " is posted.", Line: line, Sent: f.Action})
}

func plural(n int, noun string) string {
	if n == 1 {
		return noun
	}
	return noun + "s"
}

// onSync is SYNC.
func onSync(v *visit) {
	if v.trouble != nil {
		v.fail(v.trouble)
		return
	}
	answer, err := v.ask(api.Request{Verb: api.Sync})
	if err != nil {
		v.fail(describe(err))
		return
	}
	v.redirect(v.back(), &notice{Text: syncText(answer), Line: lineOf(answer)})
}
