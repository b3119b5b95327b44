package host_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"consequor/board"
	"consequor/modes"
	"consequor/replicad/host"
)

// cluster runs hosts over disks, links and plugins in memory, in one goroutine
// and in virtual time: nothing happens but what a test makes happen.
type cluster struct {
	t     *testing.T
	now   time.Duration
	nodes []*node // nodes[0] is r1
	wire  []wired // in flight, in order
	mode  func() modes.Mode
}

type wired struct {
	frame host.Frame
}

// node is one replica: a host and what it stands on. It is its host's disk,
// network, plugin and clients.
type node struct {
	c       *cluster
	id      board.ReplicaID
	h       *host.Host
	mode    modes.Mode
	stepped *step // the batch in the plugin, until run

	// Disk. Writes beyond durable are lost by a crash.
	log     []write
	durable host.Position
	wanted  host.Position
	shown   board.Board
	backlog int64
	full    bool

	answers    map[modes.RequestID]host.Answer
	view       host.View
	status     modes.Status
	halted     string
	stopped    bool
	sealed     bool
	sealedWith board.Vector
	merged     board.Vector
	epoch      host.Activation // that its process was started in
	notes      []string
	cut        map[board.ReplicaID]bool
}

type step struct {
	life  uint64
	batch modes.Batch
}

// write is one entry of the journal in memory; one field is set.
type write struct {
	record   []byte
	forget   uint64
	articles []board.Article
	state    []byte
	reset    bool // before the state is set, all records go
}

var firstEpoch = host.Activation{Epoch: 1, ModeEpoch: 1, Mode: "first"}

func newCluster(t *testing.T, n int, mode func() modes.Mode) *cluster {
	c := &cluster{t: t, mode: mode}
	for i := range n {
		c.nodes = append(c.nodes, &node{c: c, id: board.ReplicaID(i + 1), cut: map[board.ReplicaID]bool{}, epoch: firstEpoch})
	}
	for _, n := range c.nodes {
		n.start()
	}
	return c
}

func (c *cluster) ids() []board.ReplicaID {
	ids := make([]board.ReplicaID, len(c.nodes))
	for i := range ids {
		ids[i] = board.ReplicaID(i + 1)
	}
	return ids
}

func (c *cluster) node(id int) *node { return c.nodes[id-1] }

// start makes a new host on the node's disk and links it to the others.
func (n *node) start() {
	n.answers = map[modes.RequestID]host.Answer{}
	n.halted, n.stopped, n.sealed, n.merged = "", false, false, nil
	h, err := host.New(n.config())
	if err != nil {
		n.c.t.Fatal(err)
	}
	n.h = h
	h.Tick(n.c.now)
	for _, other := range n.c.nodes {
		if other != n && other.h != nil {
			h.LinkUp(other.id)
			other.h.LinkUp(n.id)
		}
	}
	n.startPlugin()
}

func (n *node) config() host.Config {
	return host.Config{
		Self: n.id, Replicas: n.c.ids(), Voters: n.c.ids(), Cluster: "test", Seed: 7,
		Epoch: n.epoch.Epoch, ModeEpoch: n.epoch.ModeEpoch, Mode: n.epoch.Mode, Options: n.epoch.Options,
		Disk: n, Network: n, Plugin: n, Clients: n,
	}
}

func (n *node) startPlugin() {
	n.mode = n.c.mode()
	n.h.PluginUp()
}

// killPlugin ends the plugin alone.
func (n *node) killPlugin() {
	n.mode, n.stepped = nil, nil
	n.h.PluginDown()
}

// activate begins an epoch, with a plugin of its own.
func (n *node) activate(a host.Activation) {
	n.epoch = a
	n.mode, n.stepped = nil, nil
	n.h.Activate(a)
	n.startPlugin()
}

// crash ends the whole process and loses what was not on disk.
func (n *node) crash() {
	n.log = n.log[:n.durable]
	n.wanted = n.durable
	n.shown = board.Board{}
	for _, w := range n.log { // the board is brought up to date from the journal
		n.must(n.Put(w.articles))
	}
	n.h, n.mode, n.stepped = nil, nil, nil
	for _, other := range n.c.nodes {
		if other.h != nil {
			other.h.LinkDown(n.id)
		}
	}
}

func (n *node) must(err error) {
	n.c.t.Helper()
	if err != nil {
		n.c.t.Fatal(err)
	}
}

// once does one round of everything and reports whether anything happened.
func (c *cluster) once() bool {
	busy := false
	for _, n := range c.nodes {
		if n.h == nil {
			continue
		}
		n.h.Tick(c.now)
		n.h.Pump()
		busy = n.runPlugin() || busy
		busy = n.runDisk() || busy
	}
	frames := c.wire
	c.wire = nil
	for _, w := range frames {
		from, to := c.node(int(w.frame.From)), c.node(int(w.frame.To))
		if to.h != nil && !from.cut[to.id] {
			to.h.Frame(w.frame)
		}
		busy = true
	}
	return busy
}

// settle goes on until nothing happens any more at this time.
func (c *cluster) settle() {
	c.t.Helper()
	for range 10_000 {
		if !c.once() {
			return
		}
	}
	c.t.Fatal("the cluster does not settle")
}

// advance lets virtual time pass, stopping wherever something is due.
func (c *cluster) advance(d time.Duration) {
	c.t.Helper()
	end := c.now + d
	for {
		c.settle()
		next := end
		for _, n := range c.nodes {
			if n.h == nil {
				continue
			}
			if at, ok := n.h.NextWake(); ok && at < next {
				next = max(at, c.now)
			}
		}
		if c.now == end {
			return
		}
		c.now = next
	}
}

// request sends a request to the node and returns its id.
func (n *node) request(r host.Request) modes.RequestID {
	if r.Deadline == 0 {
		r.Deadline = n.c.now + time.Second
	}
	return n.h.Request(r)
}

func (n *node) post(title, key string) modes.RequestID {
	return n.request(host.Request{Verb: modes.VerbPost, Article: board.Article{Title: title, Key: key}})
}

// answer returns the request's answer, which must have come.
func (n *node) answer(id modes.RequestID) host.Answer {
	n.c.t.Helper()
	a, ok := n.answers[id]
	if !ok {
		n.c.t.Fatalf("%s: request %d has no answer", n.id, id)
	}
	return a
}

// runPlugin steps the batch in the plugin.
func (n *node) runPlugin() bool {
	if n.stepped == nil {
		return false
	}
	s := n.stepped
	n.stepped = nil
	var out modes.Effects
	n.mode.Step(s.batch, &out)
	n.must(n.h.Stepped(s.life, s.batch.Number, &out))
	return true
}

// runDisk brings to disk what was asked for.
func (n *node) runDisk() bool {
	if n.wanted <= n.durable {
		return false
	}
	n.durable = host.Position(len(n.log))
	n.h.Synced(n.durable)
	return true
}

// Disk

func (n *node) append(w write) host.Position {
	n.log = append(n.log, w)
	return host.Position(len(n.log))
}

func (n *node) Past() (host.Past, error) {
	past := host.Past{First: 1}
	for _, w := range n.log {
		if w.reset {
			past = host.Past{First: 1}
		}
		switch {
		case w.record != nil:
			past.Records = append(past.Records, w.record)
		case w.state != nil:
			past.State = w.state
		case w.forget >= past.First:
			past.Records = past.Records[w.forget-past.First+1:]
			past.First = w.forget + 1
		}
	}
	return past, nil
}
func (n *node) Save(record []byte) host.Position        { return n.append(write{record: record}) }
func (n *node) Forget(upTo uint64) host.Position        { return n.append(write{forget: upTo}) }
func (n *node) Journal(a []board.Article) host.Position { return n.append(write{articles: a}) }
func (n *node) SetState(state []byte) host.Position     { return n.append(write{state: state}) }
func (n *node) Reset(state []byte) host.Position {
	return n.append(write{reset: true, state: state})
}
func (n *node) Sync(pos host.Position) { n.wanted = max(n.wanted, pos) }
func (n *node) Backlog() int64         { return n.backlog }
func (n *node) Full() bool             { return n.full }
func (n *node) Vector() board.Vector   { return n.shown.Vector() }
func (n *node) Keys(count int) ([]board.KeyedID, uint64, error) {
	keys, from := n.shown.Keys(count)
	return keys, from, nil
}
func (n *node) Get(id board.ArticleID) (board.Article, bool, error) {
	a, ok := n.shown.Get(id)
	return a, ok, nil
}
func (n *node) Put(articles []board.Article) error {
	for _, a := range articles {
		if err := n.shown.Put(a); err != nil {
			return err
		}
	}
	return nil
}

// Network

func (n *node) Send(f host.Frame) { n.c.wire = append(n.c.wire, wired{f}) }

func (n *node) SendSpan(to board.ReplicaID, header host.Frame, since, upTo board.Vector, message []byte) {
	for _, chunk := range cutSpan(&n.shown, since, upTo, message) {
		header.To, header.Body = to, chunk.Encode()
		n.Send(header)
	}
}

// cutSpan cuts what a board holds beyond since and up to upTo into chunks of
// two articles, so that spans of several chunks are common here.
func cutSpan(shown *board.Board, since, upTo board.Vector, message []byte) []host.SpanChunk {
	span := slices.DeleteFunc(shown.Span(since), func(a board.Article) bool { return !upTo.Has(a.ID) })
	var chunks []host.SpanChunk
	for {
		chunk := host.SpanChunk{Since: since, UpTo: since, Articles: span[:min(2, len(span))]}
		span = span[len(chunk.Articles):]
		for _, a := range chunk.Articles {
			chunk.UpTo = chunk.UpTo.With(a.ID)
		}
		since = chunk.UpTo
		if len(span) == 0 {
			chunk.Last, chunk.Message, chunk.UpTo = true, message, upTo
			return append(chunks, chunk)
		}
		chunks = append(chunks, chunk)
	}
}

// Plugin

func (n *node) Step(life uint64, batch modes.Batch) {
	if n.stepped != nil {
		n.c.t.Fatalf("%s: two batches in the plugin", n.id)
	}
	n.stepped = &step{life, batch}
}

// Clients

func (n *node) Answer(id modes.RequestID, a host.Answer) {
	if old, ok := n.answers[id]; ok {
		n.c.t.Fatalf("%s: request %d answered twice: %+v, %+v", n.id, id, old, a)
	}
	n.answers[id] = a
}
func (n *node) View(v host.View)      { n.view = v }
func (n *node) Status(s modes.Status) { n.status = s }
func (n *node) Sealed(v board.Vector) { n.sealed, n.sealedWith = true, v }
func (n *node) Merged(v board.Vector) { n.merged = v }
func (n *node) Stopped()              { n.stopped = true }
func (n *node) Halted(why string)     { n.halted = why }
func (n *node) Note(text string)      { n.notes = append(n.notes, text) }

// scripted is a mode that does what a test says, and keeps what it was told.
type scripted struct {
	seen []modes.Event
	on   func(e modes.Event, out *modes.Effects)
}

func (m *scripted) Step(batch modes.Batch, out *modes.Effects) {
	for _, e := range batch.Events {
		m.seen = append(m.seen, e)
		if m.on != nil {
			m.on(e, out)
		}
	}
}

// saw counts the events of e's type and value.
func (m *scripted) saw(e modes.Event) int {
	n := 0
	for _, s := range m.seen {
		if fmt.Sprintf("%T%+v", s, s) == fmt.Sprintf("%T%+v", e, e) {
			n++
		}
	}
	return n
}

func titles(b *board.Board) []string {
	var list []string
	for _, a := range b.Span(nil) {
		list = append(list, a.ID.String()+" "+a.Title)
	}
	return slices.Clip(list)
}
