package replica

import (
	"fmt"

	"consequor/board"
	"consequor/modes"
	"consequor/replicad/api"
)

// required is what the board must cover to answer r: what the session has seen
// and, for a listing, what it goes on from. A board that has less would leave
// out articles without a word.
func (l *loop) required(r *api.Request) (board.Token, error) {
	token := r.Token
	if r.Verb != api.Read && r.Verb != api.Choose {
		return token, nil
	}
	cursor, since, err := l.from(r)
	if err != nil {
		return token, err
	}
	token.Epoch = max(token.Epoch, since.Epoch)
	token.Seen = token.Seen.Join(cursor.UpTo).Join(since.Seen)
	return token, nil
}

// from is where the listing that r asks for goes on.
func (l *loop) from(r *api.Request) (cursor api.Cursor, since board.Token, err error) {
	if cursor, err = api.ParseCursor(r.After); err != nil {
		return cursor, since, refused(modes.InvalidPost, "after: "+err.Error(), "pass an id, or next as the page before gave it")
	}
	if r.Verb != api.Read {
		return cursor, since, nil
	}
	if since, err = board.ParseToken(r.Since); err != nil {
		return cursor, since, refused(modes.InvalidPost, "since: "+err.Error(), "pass a token from an earlier answer")
	}
	if cluster := l.process.config.ClusterID; since.Cluster != "" && since.Cluster != cluster {
		return cursor, since, refused(modes.OtherCluster, fmt.Sprintf("since: the token is of cluster %s, this is %s", since.Cluster, cluster),
			"pass a token from an answer of this cluster")
	}
	return cursor, since, nil
}

// readPage fills in the page that a read asks for. The answer's token becomes
// what the listing has shown so far, this page included, or will show on its
// further pages: a token that covered more would make who follows the board
// from there skip the rest.
func (l *loop) readPage(r *api.Request, a *api.Answer) error {
	cursor, since, err := l.from(r)
	if err != nil {
		return err
	}
	q := board.Query{All: r.All || r.Since != "", Since: since.Seen, UpTo: a.Token.Seen, Count: r.Count}
	page, err := l.page(&q, cursor)
	if err != nil {
		return err
	}
	a.Next, a.Token.Seen = next(&q, &page), q.UpTo
	if r.Since != "" && page.More {
		// Who follows goes on with the token: it stops where the page did, and
		// so do the numbers of replies, which must not go back later.
		q.UpTo = since.Seen.Join(q.UpTo.Through(page.Entries[len(page.Entries)-1].ID))
		if page, err = l.disk.Page(q); err != nil {
			return l.boardError(err)
		}
		a.Token.Seen = q.UpTo
	}
	a.Articles = page.Entries
	return nil
}

// readThread fills in the article, its parent and its replies.
func (l *loop) readThread(r *api.Request, a *api.Answer) error {
	upTo := a.Token.Seen
	entry, ok, err := l.entry(r.Target, upTo)
	if err != nil {
		return err
	}
	if !ok {
		return refused(modes.NotFound, fmt.Sprintf("no article %s at %s", r.Target, l.self.Name), "consequorctl read --all lists the ids on the board")
	}
	a.Article = entry
	if !entry.IsRoot() {
		parent, ok, err := l.entry(entry.Parent, upTo)
		if err != nil {
			return err
		}
		if ok {
			a.Parent = &parent
		}
	}
	cursor, _, err := l.from(r)
	if err != nil {
		return err
	}
	q := board.Query{Under: r.Target, UpTo: upTo, Count: r.Count}
	page, err := l.page(&q, cursor)
	if err != nil {
		return err
	}
	a.Articles, a.Next = page.Entries, next(&q, &page)
	return nil
}

// entry finds one article with the number of its replies: it is the first one
// of a page that begins right below it.
func (l *loop) entry(id board.ArticleID, upTo board.Vector) (board.Entry, bool, error) {
	page, err := l.disk.Page(board.Query{All: true, After: id.Before(), UpTo: upTo, Count: 1})
	if err != nil || len(page.Entries) == 0 || page.Entries[0].ID != id {
		return board.Entry{}, false, l.boardError(err)
	}
	return page.Entries[0], true, nil
}

// page reads one page from the board. All pages of one listing stay within the
// vector of the first.
func (l *loop) page(q *board.Query, cursor api.Cursor) (board.Page, error) {
	q.After = cursor.After
	if cursor.UpTo != nil {
		q.UpTo = q.UpTo.Meet(cursor.UpTo)
	}
	page, err := l.disk.Page(*q)
	return page, l.boardError(err)
}

// next is the cursor behind a page; empty at the end.
func next(q *board.Query, page *board.Page) string {
	if !page.More || len(page.Entries) == 0 {
		return ""
	}
	return api.Cursor{After: page.Entries[len(page.Entries)-1].ID, UpTo: q.UpTo}.String()
}

func (l *loop) boardError(err error) error {
	if err == nil {
		return nil
	}
	l.log.Error("read the board", "err", err)
	return refused(modes.Unreachable, fmt.Sprintf("read the board of %s: %v", l.self.Name, err), "ask another replica")
}
