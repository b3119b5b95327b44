package record

import (
	"context"
	"errors"
	"fmt"
	"time"

	"consequor/board"
	"consequor/replicad/api"
)

// How long a recording waits for a replica.
const (
	syncLimit   = 30 * time.Second // until it is up to date: it may just be catching up
	pageLimit   = 10 * time.Second // for one page
	redialLook  = 50 * time.Millisecond
	roundsMax   = 5 // in which boards may become equal
	eventsLimit = 10 * time.Second
	settleLimit = 20 * time.Second // for replicas that are about to serve
)

// listing reads one replica's board.
type listing struct {
	client  *api.Client
	replica string
	pen     *Pen // nil: it is not written down
}

func (l *listing) ask(ctx context.Context, limit time.Duration, r api.Request) (*api.Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	r.Replica = l.replica
	ctx, asked, err := l.pen.Ask(ctx, "", 0, &r)
	if err != nil {
		return nil, err
	}
	answer, err := l.client.Do(ctx, r)
	return answer, errors.Join(err, asked.Ended(answer, err))
}

// sync brings the replica up to date. It serves, but this client may have seen it
// die, and is in a pause before it dials again.
func (l *listing) sync(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, syncLimit)
	defer cancel()
	again := time.NewTicker(redialLook)
	defer again.Stop()
	for {
		_, err := l.ask(ctx, syncLimit, api.Request{Verb: api.Sync})
		var failure *api.Error
		if err == nil || !errors.As(err, &failure) || failure.Kind != api.KindNotConnected {
			return err
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return fmt.Errorf("bring %s up to date: %w", l.replica, err)
		}
	}
}

// vector is what the replica's own board holds.
func (l *listing) vector(ctx context.Context) (board.Vector, error) {
	a, err := l.ask(ctx, pageLimit, api.Request{Verb: api.Read, Raw: true, All: true, Count: 1})
	if err != nil {
		return nil, err
	}
	return a.Token.Seen, nil
}

// pages lists the whole board as the mode shows it to a reader.
func (l *listing) pages(ctx context.Context, page func([]board.Entry)) error {
	_, err := l.list(ctx, api.Request{Verb: api.Read, All: true}, page)
	return err
}

// own lists the replica's own board, as it is, and returns its vector.
func (l *listing) own(ctx context.Context) (articles []board.Article, seen board.Vector, err error) {
	seen, err = l.list(ctx, api.Request{Verb: api.Read, Raw: true, All: true}, func(entries []board.Entry) {
		for i := range entries {
			articles = append(articles, entries[i].Article)
		}
	})
	return articles, seen, err
}

func (l *listing) list(ctx context.Context, r api.Request, page func([]board.Entry)) (seen board.Vector, err error) {
	r.Count = board.PageCountMax
	for {
		a, err := l.ask(ctx, pageLimit, r)
		if err != nil {
			return nil, fmt.Errorf("list the board of %s: %w", l.replica, err)
		}
		page(a.Articles)
		if a.Next == "" {
			return a.Token.Seen, nil
		}
		r.After = a.Next
	}
}
