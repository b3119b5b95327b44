package cli

import (
	"context"
	crand "crypto/rand"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"consequor/board"
	"consequor/replicad/api"
	"consequor/supervisor"
)

// benchLossy shows what a key is worth. Clients post while their connections
// are cut, again and again, after the replica has done what it was asked and
// before its word is with the client. Nobody then knows whether the post was
// done; the client sends it again with the same key, at whichever replica. Half
// way a replica may be killed as well, and started again.
//
// At the end every replica has each post once. Each is then sent once more,
// with its key and at another replica, and must be told the same id.
type benchLossy struct {
	Posts    int           `help:"How many." default:"200"`
	Clients  int           `help:"How many clients post at once, each over connections of its own." default:"4"`
	CutOneIn int           `help:"How many answers there are for each one that is cut." default:"3" placeholder:"N"`
	Kill     string        `help:"Whom to kill when half of the posts are acknowledged, and to start again: coordinator, backup or a replica." placeholder:"TARGET"`
	Seed     uint64        `help:"Decides which answers are cut (default: drawn, and shown)." placeholder:"N"`
	Timeout  time.Duration `help:"How long one try of a post may take." default:"5s"`
	recording
}

const (
	triesMax   = 12 // of one post, each for --timeout; by then a killed replica is back
	postsMax   = 1_000_000
	lossyBytes = 200 // a post's body
)

type lossyResult struct {
	Mode      string         `json:"mode"`
	Posts     int            `json:"posts"`
	Clients   int            `json:"clients"`
	Seed      uint64         `json:"seed"`
	Answers   int            `json:"answers"` // that replicas gave
	Cut       int            `json:"cut"`     // of those
	Killed    []string       `json:"killed"`
	Articles  map[string]int `json:"articles"`  // of this run, on each replica
	SentAgain int            `json:"again"`     // posts that were sent once more at the end
	OtherIDs  int            `json:"other_ids"` // of those, told another id than before
	Seconds   float64        `json:"seconds"`
	*verdict
}

func (c *benchLossy) Run(ctx context.Context, console *Console, name clusterFlag) error {
	return c.recorded(ctx, console, name, func() error { return c.perform(ctx, console, name) })
}

func (c *benchLossy) perform(ctx context.Context, console *Console, name clusterFlag) error {
	if c.Posts < 1 || c.Posts > postsMax || c.Clients < 1 || c.Clients > clientCountMax || c.CutOneIn < 2 || c.Timeout <= 0 {
		return usagef("want --posts 1 to %d, --clients 1 to %d, --cut-one-in 2 or more, --timeout above 0", postsMax, clientCountMax)
	}
	cluster, err := name.find()
	if err != nil {
		return err
	}
	if err := awaitStatus(ctx, cluster, "all replicas serve", whole); err != nil {
		return err
	}
	if c.Seed == 0 {
		c.Seed = rand.Uint64()
	}
	l := &lossy{benchLossy: c, cluster: cluster, console: console, run: crand.Text(), recorder: newRecorder()}
	if l.crowd, err = gather(ctx, console, name, "", 1); err != nil {
		return err
	}
	defer l.crowd.close()
	result, err := l.measure(ctx)
	if err != nil {
		return err
	}
	if err := console.Result(result, result.print); err != nil {
		return err
	}
	return result.judge()
}

func (r *lossyResult) judge() error {
	for _, name := range slices.Sorted(maps.Keys(r.Articles)) {
		if n := r.Articles[name]; n != r.Posts {
			return failedf("%s has %d articles of %d posts", name, n, r.Posts)
		}
	}
	switch {
	case !r.OK():
		return failedf("%d violations: %s", len(r.Violations), r.Violations[0])
	case r.Acknowledged != r.Posts:
		return failedf("%d of %d posts were acknowledged", r.Acknowledged, r.Posts)
	case r.OtherIDs > 0 || r.SentAgain != r.Posts:
		return failedf("of %d posts that were sent again, %d were told another id", r.SentAgain, r.OtherIDs)
	case r.Cut == 0:
		return failedf("no answer was cut: the run proves nothing")
	}
	return nil
}

// lossy is one run of it.
type lossy struct {
	*benchLossy
	cluster  *supervisor.Client
	console  *Console
	crowd    *crowd // one client, over connections that nobody cuts
	run      string
	recorder *recorder

	mu      sync.Mutex
	answers int
	cuts    int
	keys    []keyedPost // acknowledged
}

// keyedPost is an acknowledged post as it was sent.
type keyedPost struct {
	request api.Request
	id      board.ArticleID
}

func (l *lossy) measure(ctx context.Context) (*lossyResult, error) {
	status, err := l.cluster.Status(ctx)
	if err != nil {
		return nil, err
	}
	started := time.Now()
	killed, err := l.load(ctx, status)
	if err != nil {
		return nil, err
	}
	others, err := l.sendAgain(ctx)
	if err != nil {
		return nil, err
	}
	boards, err := l.crowd.readBack(ctx)
	if err != nil {
		return nil, err
	}
	return &lossyResult{
		Mode: status.Mode, Posts: l.Posts, Clients: l.Clients, Seed: l.Seed, Answers: l.answers, Cut: l.cuts, Killed: killed,
		Articles: l.countOn(boards), SentAgain: len(l.keys), OtherIDs: others,
		Seconds: time.Since(started).Seconds(), verdict: judge(evidence{l.recorder.posts, boards}),
	}, nil
}

// load posts from all clients, and kills whom it is to kill on the way.
func (l *lossy) load(ctx context.Context, status *supervisor.ClusterStatus) (killed []string, err error) {
	ctx, giveUp := context.WithCancel(ctx)
	defer giveUp()
	half := l.recorder.wait(time.Time{}, max(l.Posts/2, 1))
	errs := make([]error, l.Clients)
	var clients sync.WaitGroup
	for i := range l.Clients {
		clients.Go(func() { errs[i] = l.post(ctx, i, status) })
	}
	killed = []string{}
	if l.Kill != "" {
		if killed, err = l.killAndRestart(ctx, half); err != nil {
			giveUp()
		}
	}
	clients.Wait()
	return killed, errors.Join(err, errors.Join(errs...))
}

func (l *lossy) killAndRestart(ctx context.Context, half <-chan time.Time) ([]string, error) {
	if _, err := await(ctx, "half of the posts to be acknowledged", half); err != nil {
		return nil, err
	}
	done, err := l.cluster.Act(ctx, supervisor.Kill, l.Kill, supervisor.ActOptions{})
	if err != nil {
		return nil, err
	}
	for _, name := range done.Replicas {
		if _, err := l.cluster.Act(ctx, supervisor.Restart, name, supervisor.ActOptions{}); err != nil {
			return nil, err
		}
	}
	return done.Replicas, awaitStatus(ctx, l.cluster, "all replicas serve again", whole)
}

// post sends the posts of one client, first to another replica each time, and
// over connections that are cut.
func (l *lossy) post(ctx context.Context, number int, status *supervisor.ClusterStatus) error {
	random := rand.New(rand.NewPCG(l.Seed, uint64(number)))
	client, hangUp, err := l.dial(status, random)
	if err != nil {
		return err
	}
	defer hangUp()
	for n := number; n < l.Posts; n += l.Clients {
		r := api.Request{
			Verb: api.Post, Author: "bench", Title: fmt.Sprintf("%s %d", l.run, n), Body: strings.Repeat("x", lossyBytes),
			Replica: status.Replicas[n%len(status.Replicas)].Name,
		}
		if err := l.insist(ctx, client, r); err != nil {
			return err
		}
	}
	return nil
}

// dial connects one client to all replicas, with a cutter before each.
func (l *lossy) dial(status *supervisor.ClusterStatus, random *rand.Rand) (*api.Client, func(), error) {
	var cutters []*cutter
	hangUp := func() {
		for _, c := range cutters {
			c.close()
		}
	}
	var endpoints []api.Endpoint
	for i, r := range status.Replicas {
		c, err := newCutter(r.ClientAddr, func() bool { return l.cut(random) })
		if err != nil {
			hangUp()
			return nil, nil, err
		}
		cutters = append(cutters, c)
		endpoints = append(endpoints, api.Endpoint{ID: board.ReplicaID(i + 1), Name: r.Name, Addr: c.addr()})
	}
	client, err := api.Dial(api.Target{Replicas: endpoints})
	if err != nil {
		hangUp()
		return nil, nil, err
	}
	return client, func() { client.Close(); hangUp() }, nil
}

// cut decides on one answer. Which answer gets which draw depends on the
// timing where several are under way; how many are cut does not.
func (l *lossy) cut(random *rand.Rand) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	cut := random.IntN(l.CutOneIn) == 0
	l.answers++
	if cut {
		l.cuts++
	}
	return cut
}

// insist sends one post until it is acknowledged. A refused one was surely not
// done: it may be sent as a new one, with another key.
func (l *lossy) insist(ctx context.Context, client *api.Client, r api.Request) error {
	sent := time.Now()
	var err error
	for range triesMax {
		var answer *api.Answer
		if answer, err = l.try(ctx, client, r); err == nil {
			l.recorder.add(r.Title, answer, nil, sent)
			r.Key = answer.Key
			l.mu.Lock()
			l.keys = append(l.keys, keyedPost{r, answer.ID})
			l.mu.Unlock()
			return nil
		}
		var e *api.Error
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.As(err, &e) && e.Outcome == api.Unknown:
			r.Key = e.Key
		}
	}
	l.recorder.add(r.Title, nil, err, sent)
	return fmt.Errorf("post %s, after %d tries: %w", r.Title, triesMax, err)
}

func (l *lossy) try(ctx context.Context, client *api.Client, r api.Request) (*api.Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, l.Timeout)
	defer cancel()
	ctx, asked, err := l.crowd.pen.Ask(ctx, "", 0, &r)
	if err != nil {
		return nil, err
	}
	answer, err := client.DoAny(ctx, r)
	return answer, errors.Join(err, asked.Ended(answer, err))
}

// sendAgain sends every acknowledged post once more, with its key and first to
// another replica than before, and counts those that are told another id.
func (l *lossy) sendAgain(ctx context.Context) (others int, err error) {
	m := l.crowd.members[0]
	for _, p := range l.keys {
		m.turn = 1 + slices.Index(m.replicas, p.request.Replica)
		answer, err := m.send(ctx, readBackLimit, p.request)
		if err != nil {
			return others, fmt.Errorf("send %s again: %w", p.request.Title, err)
		}
		if answer.ID != p.id {
			others++
		}
	}
	return others, nil
}

func (l *lossy) countOn(boards map[string][]copied) map[string]int {
	counts := make(map[string]int)
	for name, list := range boards {
		counts[name] = 0
		for _, a := range list {
			if strings.HasPrefix(a.Title, l.run+" ") {
				counts[name]++
			}
		}
	}
	return counts
}

func (r *lossyResult) print(w io.Writer) {
	fmt.Fprintf(w, "mode %s, %d posts by %d clients, %.1f s, --seed %d\n", r.Mode, r.Posts, r.Clients, r.Seconds, r.Seed)
	fmt.Fprintf(w, "%d of %d answers cut", r.Cut, r.Answers)
	if len(r.Killed) > 0 {
		fmt.Fprintf(w, ", %s killed and restarted", strings.Join(r.Killed, ", "))
	}
	fmt.Fprintf(w, "\nacknowledged %d, lost %d, doubled %d, ids changed %d\narticles", r.Acknowledged, r.Lost, r.Doubled, r.Changed)
	for _, name := range slices.Sorted(maps.Keys(r.Articles)) {
		fmt.Fprintf(w, "  %s %d", name, r.Articles[name])
	}
	fmt.Fprintf(w, "\nsent again with their keys: %d, other ids %d\n", r.SentAgain, r.OtherIDs)
	for _, violation := range r.Violations {
		fmt.Fprintln(w, inertLine(violation))
	}
}
