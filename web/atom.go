package web

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"net/http"
	"net/url"
	"strings"
	"time"

	"consequor/board"
	"consequor/replicad/api"
)

// The board, and each thread, as Atom (RFC 4287). Ids are tags (RFC 4151) that
// name the cluster and the article: they stay the same wherever the feed is
// served, and after a restart. What is in a feed is made of articles alone, so
// that it changes, and its ETag with it, only when they do.

// tagAuthority mints the ids: a name that nobody can own.
const tagAuthority = "tag:consequor.invalid,2026:"

const (
	atomNamespace   = "http://www.w3.org/2005/Atom"
	threadNamespace = "http://purl.org/syndication/thread/1.0" // RFC 4685
	atomType        = "application/atom+xml"
)

type atomFeed struct {
	XMLName   xml.Name    `xml:"feed"`
	Namespace string      `xml:"xmlns,attr"`
	Thread    string      `xml:"xmlns:thr,attr"`
	ID        string      `xml:"id"`
	Title     atomText    `xml:"title"`
	Subtitle  *atomText   `xml:"subtitle"`
	Updated   string      `xml:"updated"`
	Links     []atomLink  `xml:"link"`
	Generator string      `xml:"generator"`
	Entries   []atomEntry `xml:"entry"`
}

type atomEntry struct {
	ID        string       `xml:"id"`
	Title     atomText     `xml:"title"`
	Author    string       `xml:"author>name"`
	Published string       `xml:"published"`
	Updated   string       `xml:"updated"` // the same: articles do not change
	Link      atomLink     `xml:"link"`
	Answers   *atomAnswers `xml:"thr:in-reply-to"`
	Summary   *atomText    `xml:"summary"` // the beginning of a long body
	Content   *atomText    `xml:"content"`
}

type atomText struct {
	Type string `xml:"type,attr"`
	Text string `xml:",chardata"`
}

type atomLink struct {
	Rel  string `xml:"rel,attr"`
	Type string `xml:"type,attr"`
	Href string `xml:"href,attr"`
}

type atomAnswers struct {
	Ref  string `xml:"ref,attr"`
	Type string `xml:"type,attr"`
	Href string `xml:"href,attr"`
}

// atomPage is a feed that is being made.
type atomPage struct {
	base    string // http://host:port
	cluster string // its id
}

func (p *atomPage) tag(kind, id string) string {
	tag := tagAuthority + url.PathEscape(p.cluster) + "/" + kind
	if id != "" {
		tag += "/" + id
	}
	return tag
}

func (p *atomPage) pageOf(id string) string { return p.base + "/a/" + url.PathEscape(id) }

// feed makes a feed of articles, the newest first. self and page are paths.
func (p *atomPage) feed(id, title, self, page string, entries []board.Entry) *atomFeed {
	f := &atomFeed{Namespace: atomNamespace, Thread: threadNamespace, ID: id, Title: atomText{"text", title}, Generator: "consequor",
		Links: []atomLink{{"self", atomType, p.base + self}, {"alternate", "text/html", p.base + page}}}
	updated := int64(0) // of a board on which nobody has posted yet
	for i := range entries {
		f.Entries = append(f.Entries, p.entry(&entries[i]))
		updated = max(updated, entries[i].Time)
	}
	f.Updated = atomTime(updated)
	return f
}

// entry shows an article as its page does: the title as text, the body as HTML
// of which nothing runs.
func (p *atomPage) entry(e *board.Entry) atomEntry {
	a := branchOf(e)
	at := atomTime(e.Time)
	entry := atomEntry{ID: p.tag("article", a.ID), Title: atomText{"text", cmp.Or(strings.TrimSpace(a.Whole), a.Title)}, Author: cmp.Or(strings.TrimSpace(a.Author), "-"),
		Published: at, Updated: at, Link: atomLink{"alternate", "text/html", p.pageOf(a.ID)}}
	if a.Parent != "" {
		entry.Answers = &atomAnswers{p.tag("article", a.Parent), "text/html", p.pageOf(a.Parent)}
	}
	body := &atomText{"html", string(a.Body)}
	if a.Cut {
		entry.Summary = body
	} else {
		entry.Content = body
	}
	return entry
}

func atomTime(nanos int64) string { return time.Unix(0, nanos).UTC().Format(time.RFC3339Nano) }

// atom serves what compose makes. It is read without a session, at any replica.
func (s *Server) atom(compose func(*visit, *atomPage) (*atomFeed, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), pageTimeout)
		defer cancel()
		v := &visit{s: s, w: w, r: r, ctx: ctx, visitor: new(visitor)}
		v.client, v.status, _ = s.cluster.reach(ctx) // what is asked of no client says why
		feed, err := compose(v, &atomPage{base: "http://" + r.Host})
		if err != nil {
			t := describe(err)
			http.Error(w, t.Title+": "+t.Text, t.Code)
			return
		}
		v.sendAtom(feed)
	}
}

// sendAtom sends a feed to who does not have it yet.
func (v *visit) sendAtom(feed *atomFeed) {
	text, err := xml.MarshalIndent(feed, "", " ")
	if err != nil {
		v.s.config.Log.Error("make a feed", "err", err)
		http.Error(v.w, "the feed could not be made: see the log", http.StatusInternalServerError)
		return
	}
	text = append([]byte(xml.Header), append(text, '\n')...)
	sum := sha256.Sum256(text)
	h := v.w.Header()
	h.Set("Content-Type", atomType+"; charset=utf-8")
	h.Set("Cache-Control", "no-cache")
	h.Set("ETag", `"`+hex.EncodeToString(sum[:12])+`"`)
	http.ServeContent(v.w, v.r, "", time.Time{}, bytes.NewReader(text))
}

// atomCount is how many articles a feed has, the newest.
const atomCount = 50

// atomBoard is the feed of roots.
func atomBoard(v *visit, p *atomPage) (*atomFeed, error) {
	list := backward{v: v, count: atomCount}
	if err := list.run(); err != nil {
		return nil, err
	}
	p.cluster = list.first.Token.Cluster
	return p.feed(p.tag("board", ""), v.clusterName(), "/feed.atom", "/", list.found), nil
}

func (v *visit) clusterName() string {
	if v.status != nil && v.status.Cluster != "" {
		return v.status.Cluster
	}
	return "consequor"
}

// atomThread is the feed of an article and all beneath it.
func atomThread(v *visit, p *atomPage) (*atomFeed, error) {
	text, ok := strings.CutSuffix(v.r.PathValue("name"), ".atom")
	id, err := board.ParseArticleID(text)
	if !ok || err != nil {
		return nil, &api.Error{Outcome: api.Refused, Kind: api.KindNotFound, Message: "no such feed: one looks like /feed/17.atom"}
	}
	w := threadWalk{v: v}
	if err := w.run(id); err != nil {
		return nil, err
	}
	p.cluster = w.first.Token.Cluster
	title := v.clusterName() + ": " + rowOf(&w.first.Article).Title
	feed := p.feed(p.tag("thread", id.String()), title, "/feed/"+id.String()+".atom", "/a/"+id.String(), w.newest)
	if w.rest {
		feed.Subtitle = &atomText{"text", "The thread is long: not all of it was looked through for its newest replies."}
	}
	return feed, nil
}
