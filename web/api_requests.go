package web

import (
	"net/http"
	"strconv"
	"strings"

	"consequor/board"
	"consequor/replicad/api"
	"consequor/supervisor"
)

// apiRead lists articles, a page at a time.
func apiRead(c *call) (any, error) {
	r, err := c.listRequest(api.Read)
	if err != nil {
		return nil, err
	}
	if r.All, err = c.flag("all"); err != nil {
		return nil, err
	}
	r.Since = c.query.Get("since")
	if _, err := board.ParseToken(r.Since); err != nil {
		return nil, usagef("since: %v", err)
	}
	answer, err := c.ask(*r)
	if err != nil {
		return nil, err
	}
	return apiListing{api.JSONOfAll(answer.Articles), nextOf(answer), servedFor(r.Token, answer)}, nil
}

// apiChoose opens one article with its parent and replies.
func apiChoose(c *call) (any, error) {
	r, err := c.listRequest(api.Choose)
	if err != nil {
		return nil, err
	}
	if r.Target, err = c.target(); err != nil {
		return nil, err
	}
	answer, err := c.ask(*r)
	if err != nil {
		return nil, err
	}
	result := apiChosen{api.JSONOf(&answer.Article), nil, api.JSONOfAll(answer.Articles), nextOf(answer), servedFor(r.Token, answer)}
	if answer.Parent != nil {
		parent := api.JSONOf(answer.Parent)
		result.Parent = &parent
	}
	return result, nil
}

// writeBody is what post and reply take.
type writeBody struct {
	Author string `json:"author"`
	Title  string `json:"title"`
	Body   string `json:"body"`
	Key    string `json:"key"` // empty: one is made, and told
	syncBody
}

// syncBody is what sync takes.
type syncBody struct {
	At    string `json:"at"`
	Token string `json:"token"`
}

// apiPost adds a root.
func apiPost(c *call) (any, error) { return c.write(api.Request{Verb: api.Post}) }

// apiReply adds an article under another one.
func apiReply(c *call) (any, error) {
	id, err := c.target()
	if err != nil {
		return nil, err
	}
	return c.write(api.Request{Verb: api.Reply, Target: id})
}

func (c *call) write(r api.Request) (any, error) {
	var b writeBody
	if err := c.readBody(&b); err != nil {
		return nil, err
	}
	if strings.TrimSpace(b.Author) == "" {
		return nil, &problem{code: http.StatusBadRequest, Kind: "usage", Message: "author: who posts this?", Hint: "give any name, nobody checks it"}
	}
	if err := c.place(&r, b.syncBody); err != nil {
		return nil, err
	}
	r.Author, r.Title, r.Body, r.Key = b.Author, b.Title, b.Body, b.Key
	c.doubts.begin(r.Key)
	answer, err := c.ask(r)
	if err = c.doubts.end(r.Key, err); err != nil {
		return nil, err
	}
	return apiWritten{answer.ID.String(), answer.Key, servedFor(r.Token, answer), answer.Copies}, nil
}

// apiSync brings the replica, and where the mode says so all, up to date.
func apiSync(c *call) (any, error) {
	var b syncBody
	if err := c.readBody(&b); err != nil {
		return nil, err
	}
	r := api.Request{Verb: api.Sync}
	if err := c.place(&r, b); err != nil {
		return nil, err
	}
	answer, err := c.ask(r)
	if err != nil {
		return nil, err
	}
	return apiSynced{api.OrEmpty(answer.Reached), answer.Count, servedFor(r.Token, answer)}, nil
}

// apiStatus has a row per replica, as of now: a script that has killed one sees
// it killed.
func apiStatus(c *call) (any, error) {
	status, err := c.s.config.Source.Status(c.ctx)
	if err != nil {
		return nil, err
	}
	status.WebControl = nil // whoever asks need not be one who may control
	status.Options, status.Faults, status.Replicas = api.OrEmpty(status.Options), api.OrEmpty(status.Faults), api.OrEmpty(status.Replicas)
	return status, nil
}

// ask carries a request out, at the replica that it names or at any.
func (c *call) ask(r api.Request) (*api.Answer, error) {
	client, status, err := c.s.cluster.reach(c.ctx)
	if err != nil {
		return nil, err
	}
	if r.Replica == "" {
		answer, err := client.DoAny(c.ctx, r)
		return c.shown(answer), err
	}
	if status != nil && status.Replica(r.Replica) == nil {
		return nil, noSuchReplica(status, r.Replica)
	}
	answer, err := client.Do(c.ctx, r)
	return c.shown(answer), err
}

// shown lets pages know how far the board goes.
func (c *call) shown(a *api.Answer) *api.Answer {
	if a != nil {
		c.s.top.raise(a.Token.Seen.SeqMax())
	}
	return a
}

func noSuchReplica(status *supervisor.ClusterStatus, name string) *problem {
	names := make([]string, len(status.Replicas))
	for i, r := range status.Replicas {
		names[i] = r.Name
	}
	return &problem{code: http.StatusBadRequest, Kind: string(supervisor.KindBadTarget), Message: "there is no replica " + cut(name, 80), Hint: "there are " + strings.Join(names, ", ")}
}

// listRequest is what read and choose have in common.
func (c *call) listRequest(verb api.Verb) (*api.Request, error) {
	r := &api.Request{Verb: verb, After: c.query.Get("after")}
	if err := c.place(r, syncBody{c.query.Get("at"), c.query.Get("token")}); err != nil {
		return nil, err
	}
	if _, err := api.ParseCursor(r.After); err != nil {
		return nil, usagef("after: %v", err)
	}
	var err error
	if r.Fresh, err = c.flag("fresh"); err != nil {
		return nil, err
	}
	r.Count, err = c.count()
	return r, err
}

// place says where a request goes, and what its session has seen.
func (c *call) place(r *api.Request, b syncBody) error {
	token, err := board.ParseToken(b.Token)
	if err != nil {
		return usagef("token: %v", err)
	}
	r.Replica, r.Token = b.At, token
	return nil
}

func (c *call) target() (board.ArticleID, error) {
	id, err := board.ParseArticleID(c.r.PathValue("id"))
	if err != nil {
		return id, usagef("%v", err)
	}
	return id, nil
}

// flag is a parameter that is there or not; ?all stands for ?all=true.
func (c *call) flag(name string) (bool, error) {
	text := c.query.Get(name)
	if !c.query.Has(name) || text == "" {
		return c.query.Has(name), nil
	}
	on, err := strconv.ParseBool(text)
	if err != nil {
		return false, usagef("%s: want true or false, got %q", name, cut(text, 40))
	}
	return on, nil
}

func (c *call) count() (int, error) {
	if !c.query.Has("n") {
		return board.PageCountDefault, nil
	}
	n, err := strconv.Atoi(c.query.Get("n"))
	if err != nil || n < 1 || n > board.PageCountMax {
		return 0, usagef("n: a page has 1 to %d articles, got %q", board.PageCountMax, cut(c.query.Get("n"), 40))
	}
	return n, nil
}
