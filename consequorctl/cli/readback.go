package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"consequor/board"
	"consequor/replicad/api"
)

const (
	redialLook    = 50 * time.Millisecond // between looks whether a replica can be reached again
	readBackLimit = 5 * time.Second       // for one page
)

// readBack lists the whole board of each replica.
func (c *crowd) readBack(ctx context.Context) (map[string][]copied, error) {
	boards := make(map[string][]copied)
	for _, name := range c.members[0].replicas {
		list, err := c.readAll(ctx, name)
		if err != nil {
			return nil, fmt.Errorf("read back %s: %w", name, err)
		}
		boards[name] = list
	}
	return boards, nil
}

// syncWhenReached brings a replica up to date. It serves by now, but the client
// that saw it die may be in a pause before it dials again.
func syncWhenReached(ctx context.Context, m *member) error {
	again := time.NewTicker(redialLook)
	defer again.Stop()
	limit := time.Now().Add(roundLimit)
	for {
		err := m.ask(ctx, roundLimit, api.Request{Verb: api.Sync})
		var refused *api.Error
		if !errors.As(err, &refused) || refused.Kind != api.KindNotConnected || time.Now().After(limit) {
			return err
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (c *crowd) readAll(ctx context.Context, replica string) ([]copied, error) {
	m := &member{client: c.client, pen: c.pen, replicas: []string{replica}}
	if err := syncWhenReached(ctx, m); err != nil {
		return nil, err
	}
	return m.pages(ctx, api.Request{Verb: api.Read, All: true, Count: board.PageCountMax})
}

// pages reads a board from end to end.
func (m *member) pages(ctx context.Context, r api.Request) ([]copied, error) {
	var list []copied
	for {
		page, err := m.send(ctx, readBackLimit, r)
		if err != nil {
			return nil, err
		}
		for i := range page.Articles {
			list = append(list, copyOf(&page.Articles[i].Article))
		}
		if page.Next == "" {
			return list, nil
		}
		r.After = page.Next
	}
}
