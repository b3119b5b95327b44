package cli

import (
	"context"
	"crypto/sha256"
	"slices"

	"consequor/board"
	"consequor/replicad/api"
)

// look is one replica's board as it was at one moment.
type look struct {
	client  *api.Client
	replica string
	cluster string // the id that tokens have
	vector  board.Vector
}

func lookAt(ctx context.Context, client *api.Client, replica string) (*look, error) {
	answer, err := client.Do(ctx, api.Request{Verb: api.Read, Replica: replica, Raw: true, All: true, Count: 1})
	if err != nil {
		return nil, err
	}
	return &look{client, replica, answer.Token.Cluster, answer.Token.Seen}, nil
}

// each visits all articles up to the vector upTo and beyond since, by rising id.
func (l *look) each(ctx context.Context, since, upTo board.Vector, visit func(*board.Entry)) error {
	if since.Covers(upTo) {
		return nil
	}
	r := api.Request{
		Verb: api.Read, Replica: l.replica, Raw: true, All: true, Count: board.PageCountMax,
		Since: board.Token{Cluster: l.cluster, Seen: since}.String(), After: api.Cursor{UpTo: upTo}.String(),
	}
	for {
		page, err := l.client.Do(ctx, r)
		if err != nil {
			return err
		}
		for i := range page.Articles {
			visit(&page.Articles[i])
		}
		if r.After = page.Next; r.After == "" {
			return nil
		}
	}
}

// beyond lists the first few articles that a board with the vector other lacks,
// and counts all.
func (l *look) beyond(ctx context.Context, other board.Vector, listed int) (articles []api.ArticleJSON, count int, err error) {
	articles = []api.ArticleJSON{}
	err = l.each(ctx, other, l.vector, func(e *board.Entry) {
		if count++; count <= listed {
			articles = append(articles, api.JSONOf(e))
		}
	})
	return articles, count, err
}

// unlike compares what both boards have, article by article.
func (l *look) unlike(ctx context.Context, other *look) (ids []board.ArticleID, compared int, err error) {
	both := l.vector.Meet(other.vector)
	mine := make(map[board.ArticleID]digest)
	err = l.each(ctx, nil, both, func(e *board.Entry) { mine[e.ID] = digestOfAll(&e.Article) })
	if err != nil {
		return nil, 0, err
	}
	compared = len(mine)
	err = other.each(ctx, nil, both, func(e *board.Entry) {
		if had, ok := mine[e.ID]; !ok || had != digestOfAll(&e.Article) {
			ids = append(ids, e.ID)
		}
		delete(mine, e.ID)
	})
	for id := range mine { // both vectors claim it, and the other board does not list it; sorted below
		ids = append(ids, id)
	}
	slices.SortFunc(ids, board.ArticleID.Compare)
	return ids, compared, err
}

type digest [sha256.Size]byte

// digestOfAll is one for all that an article has, its key included.
func digestOfAll(a *board.Article) digest { return sha256.Sum256(board.AppendArticle(nil, a)) }
