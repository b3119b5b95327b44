package record

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"consequor/board"
	"consequor/sim/history"
	"consequor/supervisor"
)

// Result is what a recording came to.
type Result struct {
	Cluster string   `json:"cluster"`
	File    string   `json:"file"`
	Ops     int      `json:"operations"`
	Unknown int      `json:"unknown"` // of these, nobody knows how they ended
	Before  string   `json:"before"`  // what the boards held when it began
	Boards  []string `json:"boards"`  // replicas whose boards are in it
	Events  int      `json:"events"`
	Notes   []string `json:"notes"` // what the history cannot say

	History *history.History `json:"-"`
}

// End ends the recording of a cluster that runs, and writes its history. If it
// fails, the recording goes on.
func End(ctx context.Context, cluster *supervisor.Client) (*Result, error) {
	status, err := cluster.Status(ctx)
	if err != nil {
		return nil, err
	}
	last, err := stop(Folder(cluster.Home(), status), status.Cluster)
	if err != nil {
		return nil, err
	}
	if status, err = settle(ctx, cluster); err != nil {
		return nil, err
	}
	t, err := read(last.path, last.Size())
	if err != nil {
		return nil, err
	}
	h := &history.History{Live: true, Before: t.before, Replicas: len(t.header.Replicas)}
	h.Source = fmt.Sprintf("cluster %s, %d replicas, recorded %s", t.header.Cluster, h.Replicas, t.header.Began.Format("2006-01-02 15:04:05Z"))
	if t.header.Unsafe || status.Unsafe {
		h.Source += ", with options that break the promise of " + status.Mode
	}
	h.Epochs = []history.Epoch{{Number: status.Epoch, Mode: status.Mode}}
	r := &Result{Cluster: t.header.Cluster, File: t.header.File, Before: t.before.String(), Boards: []string{}, Notes: []string{}, History: h}
	if err := r.readBoards(ctx, status); err != nil {
		return nil, err
	}
	if t, err = read(last.path, last.Size()); err != nil { // with those who have posted meanwhile
		return nil, err
	}
	if err := r.takeEvents(ctx, cluster, t.header); err != nil {
		return nil, err
	}
	if err := assemble(t, h); err != nil {
		return nil, fmt.Errorf("read the record: %w", err)
	}
	r.count(t)
	r.writeNotes()
	if err := h.Validate(); err != nil {
		return nil, fmt.Errorf("the record makes no sense: %w", err)
	}
	if err := write(t.header.File, h); err != nil {
		return nil, err
	}
	return r, last.remove()
}

// moment is a record as it is when its end begins.
type moment struct {
	os.FileInfo
	path string
}

// stop says how much of the record counts: what ends from now on may be missing
// on boards that are read first. The record stays until they are all read, so
// that whoever posts meanwhile is known.
func stop(folder, cluster string) (moment, error) {
	path := filepath.Join(folder, fileName)
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return moment{}, &Error{"cluster " + cluster + " is not being recorded", "begin with consequorctl record start"}
	}
	if err != nil {
		return moment{}, fmt.Errorf("end the recording: %w", err)
	}
	return moment{info, path}, nil
}

// remove takes the record away, unless another one has begun in its place.
func (m moment) remove() error {
	now, err := os.Stat(m.path)
	switch {
	case errors.Is(err, fs.ErrNotExist) || err == nil && !os.SameFile(now, m.FileInfo):
		return nil
	case err != nil:
		return fmt.Errorf("end the recording: %w", err)
	}
	return os.Remove(m.path)
}

// Abandon ends a recording without any history. It says whether there was one.
func Abandon(folder string) (was bool, err error) {
	err = os.Remove(filepath.Join(folder, fileName))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// readBoards reads the boards of all replicas that serve, until they are equal,
// or have been read so often that they do not become so. If they still grow, they
// are compared as far as all have come.
func (r *Result) readBoards(ctx context.Context, status *supervisor.ClusterStatus) error {
	client, err := dial(status)
	if err != nil {
		return err
	}
	defer client.Close()
	var absent []string
	for _, s := range status.Replicas {
		if s.State == supervisor.StateServing {
			r.Boards = append(r.Boards, s.Name)
		} else {
			absent = append(absent, fmt.Sprintf("%s (%s)", s.Name, s.State))
		}
	}
	if len(absent) > 0 {
		r.note("the boards of replicas that do not serve are not judged: %s", strings.Join(absent, ", "))
	}
	var vectors, was []board.Vector
	grows := true
	for round := 0; round < roundsMax && grows; round++ {
		if vectors, err = r.readRound(ctx, status, func(name string) *listing { return &listing{client: client, replica: name} }); err != nil {
			return err
		}
		if equal(vectors) {
			return nil
		}
		grows, was = !slices.EqualFunc(vectors, was, board.Vector.Equal), vectors // one that is late comes closer
	}
	if len(status.Faults) > 0 {
		return apart(r.Boards, vectors, status)
	}
	if grows {
		r.trim(vectors)
	}
	return nil
}

// apart: what a link keeps from a board is not lost.
func apart(names []string, vectors []board.Vector, status *supervisor.ClusterStatus) error {
	var held []string
	for i, name := range names {
		held = append(held, fmt.Sprintf("%s up to %s", name, cmp.Or(vectors[i].String(), "-")))
	}
	return &Error{fmt.Sprintf("the boards differ while links are at fault (%s), so nobody knows what is lost: %s", atFault(status), strings.Join(held, ", ")), healFirst}
}

// unreached: a replica that cannot be brought up to date while a link is at fault
// can when it is healed.
func unreached(err error, status *supervisor.ClusterStatus) error {
	if len(status.Faults) == 0 {
		return err
	}
	return &Error{fmt.Sprintf("a board cannot be brought up to date while links are at fault (%s): %v", atFault(status), err), healFirst}
}

const healFirst = "consequorctl heal, then consequorctl record stop"

// atFault is the first link that is.
func atFault(status *supervisor.ClusterStatus) string {
	f := &status.Faults[0]
	return fmt.Sprintf("%s -> %s: %s", f.From, f.To, f.Words())
}

func (r *Result) readRound(ctx context.Context, status *supervisor.ClusterStatus, of func(string) *listing) (vectors []board.Vector, err error) {
	for _, name := range r.Boards {
		if err := of(name).sync(ctx); err != nil {
			return nil, unreached(err, status)
		}
	}
	h := r.History
	h.Boards = nil
	for _, name := range r.Boards {
		articles, seen, err := of(name).own(ctx)
		if err != nil {
			return nil, err
		}
		if n := len(h.Boards); n > 0 && slices.Equal(h.Boards[n-1].Articles, articles) {
			articles = h.Boards[n-1].Articles
		}
		number := slices.IndexFunc(status.Replicas, func(s supervisor.ReplicaStatus) bool { return s.Name == name })
		h.Boards = append(h.Boards, history.Board{Replica: board.ReplicaID(number + 1), Articles: articles})
		vectors = append(vectors, seen)
	}
	return vectors, nil
}

func equal(vectors []board.Vector) bool {
	return len(vectors) == 0 || !slices.ContainsFunc(vectors, func(v board.Vector) bool { return !v.Equal(vectors[0]) })
}

// trim leaves of each board what all have: somebody still posts.
func (r *Result) trim(vectors []board.Vector) {
	common := vectors[0]
	for _, v := range vectors {
		common = common.Meet(v)
	}
	r.note("the boards were still growing when they were read: they are compared up to %s", common)
	for i := range r.History.Boards {
		b := &r.History.Boards[i]
		b.Articles = slices.DeleteFunc(slices.Clone(b.Articles), func(a board.Article) bool { return !common.Has(a.ID) })
	}
}

func (r *Result) count(t *taken) {
	h := r.History
	r.Ops = len(h.Ops)
	for i := range h.Ops {
		if h.Ops[i].Outcome == history.Unknown {
			r.Unknown++
		}
	}
	if t.torn > 0 {
		r.note("%d lines were cut short by the death of who wrote them, and are left out", t.torn)
	}
}

// writeNotes puts into the history what it cannot say: whoever judges it later
// shall know.
func (r *Result) writeNotes() {
	var notes []history.Event
	for _, text := range r.Notes {
		notes = append(notes, history.Event{Kind: string(supervisor.EventNote), Text: text})
	}
	r.History.Events = append(notes, r.History.Events...)
	r.Events = len(r.History.Events)
}

func (r *Result) note(format string, args ...any) {
	r.Notes = append(r.Notes, fmt.Sprintf(format, args...))
}

// write replaces the file as a whole, or leaves what was there.
func write(path string, h *history.History) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".new-*")
	if err != nil {
		return fmt.Errorf("write the history: %w", err)
	}
	_, err = h.WriteTo(f)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write the history to %s: %w", path, err), os.Remove(f.Name()))
	}
	return nil
}
