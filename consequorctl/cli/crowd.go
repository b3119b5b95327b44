package cli

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"consequor/board"
	"consequor/consequorctl/record"
	"consequor/replicad/api"
)

// crowd is many clients over few connections.
type crowd struct {
	client  *api.Client
	pen     *record.Pen // writes down what they ask, while the cluster is recorded
	members []*member
}

// member is one client of a crowd, with a session of its own.
type member struct {
	client   *api.Client
	pen      *record.Pen
	session  string   // as a record knows it; empty: none
	replicas []string // to ask in turn
	turn     int
	token    board.Token
	alone    bool // sends no token along: each request is a session of its own
}

// gather connects a crowd. Each member's first word is a read, so that
// connecting is not measured and keys carry a mark.
func gather(ctx context.Context, console *Console, name clusterFlag, at string, count int) (*crowd, error) {
	cluster, err := name.find()
	if err != nil {
		return nil, err
	}
	status, err := cluster.Status(ctx)
	if err != nil {
		return nil, err
	}
	v := &visit{console: console, at: at}
	if err := v.dial(status); err != nil {
		return nil, err
	}
	crowd := &crowd{client: v.client, pen: record.Open(sessionHome(cluster.Home(), status))}
	run := rand.Text()
	replicas := []string{at}
	if at == "" {
		replicas = nil
		for _, r := range status.Replicas {
			replicas = append(replicas, r.Name)
		}
	}
	for i := range count {
		m := &member{client: v.client, pen: crowd.pen, session: fmt.Sprintf("%s %d", run, i), replicas: replicas, turn: i}
		crowd.members = append(crowd.members, m)
	}
	errs := make([]error, count)
	crowd.each(func(i int, m *member) { errs[i] = m.ask(ctx, greetLimit, api.Request{Verb: api.Read, Count: 1}) })
	if err := errors.Join(errs...); err != nil {
		crowd.close()
		return nil, errs[slices.IndexFunc(errs, func(err error) bool { return err != nil })]
	}
	return crowd, nil
}

// greetLimit bounds a crowd's first word: by then its cluster serves or is not
// worth measuring.
const greetLimit = 10 * time.Second

// each runs work for every member at once and waits for all.
func (c *crowd) each(work func(i int, m *member)) {
	var wg sync.WaitGroup
	for i, m := range c.members {
		wg.Go(func() { work(i, m) })
	}
	wg.Wait()
}

// close ends all connections. What could not be written into the record was
// told to whoever asked; of what is left no more than an end can be missing.
func (c *crowd) close() {
	c.client.Close()
	_ = c.pen.Close()
}

// ask sends r to the member's next replica.
func (m *member) ask(ctx context.Context, limit time.Duration, r api.Request) error {
	_, err := m.send(ctx, limit, r)
	return err
}

// send asks the member's next replica, and the others if that one does not
// answer, or only the one there is.
func (m *member) send(ctx context.Context, limit time.Duration, r api.Request) (*api.Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	r.Replica = m.replicas[m.turn%len(m.replicas)]
	session := m.session
	if m.alone {
		session = ""
	} else {
		r.Token = m.token
	}
	m.turn++
	do := m.client.DoAny
	if len(m.replicas) == 1 {
		do = m.client.Do
	}
	ctx, asked, err := m.pen.Ask(ctx, session, 0, &r)
	if err != nil {
		return nil, err
	}
	answer, err := do(ctx, r)
	if err := asked.Ended(answer, err); err != nil {
		return nil, err
	}
	if err != nil {
		return nil, err
	}
	m.token, err = m.token.Join(answer.Token)
	return answer, err
}
