package record

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"consequor/board"
	"consequor/replicad/api"
	"consequor/supervisor"
)

// Error is why a recording cannot begin or end, with the next thing to do.
type Error struct{ Message, Hint string }

func (e *Error) Error() string { return e.Message }

// Folder is where a cluster's record lies: with what is gone when it is.
func Folder(home string, status *supervisor.ClusterStatus) string {
	if status.Ephemeral {
		return filepath.Join(home, "ephemeral")
	}
	return home
}

// Begin begins to record a cluster; the history goes into file, at End. All of
// the cluster's replicas must serve.
func Begin(ctx context.Context, cluster *supervisor.Client, file string) (*Header, error) {
	status, err := cluster.Status(ctx)
	if err != nil {
		return nil, err
	}
	if err := allServe(status); err != nil {
		return nil, err
	}
	file, err = filepath.Abs(file)
	if err != nil {
		return nil, err
	}
	folder := Folder(cluster.Home(), status)
	h, err := newHeader(ctx, cluster, status, file)
	if err != nil {
		return nil, err
	}
	if err := create(folder, h); err != nil {
		return nil, err
	}
	if err := h.readBefore(ctx, folder, status); err != nil {
		return nil, errors.Join(fmt.Errorf("begin the recording of %s: %w", h.Cluster, err), os.Remove(filepath.Join(folder, fileName)))
	}
	return h, nil
}

// allServe: what a replica holds that is down cannot be known, and would later
// look like articles that nobody has posted.
func allServe(status *supervisor.ClusterStatus) error {
	for _, r := range status.Replicas {
		if r.State != supervisor.StateServing {
			return &Error{
				fmt.Sprintf("%s is %s: a recording begins when all replicas serve, for nobody knows what is on the board of one that does not", r.Name, r.State),
				"bring it back with consequorctl restart or resume; see consequorctl status",
			}
		}
	}
	return nil
}

func newHeader(ctx context.Context, cluster *supervisor.Client, status *supervisor.ClusterStatus, file string) (*Header, error) {
	h := &Header{
		Version: version, Cluster: status.Cluster, File: file, Began: time.Now().UTC(), At: Now(),
		Mode: status.Mode, Unsafe: status.Unsafe, Epoch: status.Epoch, PID: status.SupervisorPID, Faults: status.Faults,
	}
	if status.Coordinator != nil {
		h.Coordinator = *status.Coordinator
		h.Term = status.Replica(h.Coordinator).Term
	}
	for _, r := range status.Replicas {
		h.Replicas = append(h.Replicas, r.Name)
	}
	events, err := cluster.KeptEvents(ctx)
	if err != nil {
		return nil, err
	}
	if n := len(events); n > 0 {
		h.Event = events[n-1].Seq
	}
	return h, nil
}

// create puts the record into place, whole or not at all, unless there is one.
func create(folder string, h *Header) error {
	text, err := json.Marshal(line{Record: h})
	if err != nil {
		return err
	}
	fresh, err := os.CreateTemp(folder, fileName+".new-*") // 0600
	if err != nil {
		return fmt.Errorf("begin the recording of %s: %w", h.Cluster, err)
	}
	defer os.Remove(fresh.Name())
	_, err = fresh.Write(append(text, '\n'))
	if err = errors.Join(err, fresh.Close()); err != nil {
		return fmt.Errorf("begin the recording of %s: %w", h.Cluster, err)
	}
	err = os.Link(fresh.Name(), filepath.Join(folder, fileName))
	if errors.Is(err, fs.ErrExist) {
		return &Error{"cluster " + h.Cluster + " is being recorded already", "see consequorctl record status; end it with consequorctl record stop"}
	}
	if err != nil {
		return fmt.Errorf("begin the recording of %s: %w", h.Cluster, err)
	}
	return nil
}

// readBefore brings all boards up to date, notes where they are, and reads one
// through, as any client would: so it is part of the record.
func (h *Header) readBefore(ctx context.Context, folder string, status *supervisor.ClusterStatus) error {
	client, err := dial(status)
	if err != nil {
		return err
	}
	defer client.Close()
	pen := Open(folder)
	var all board.Vector
	for i, name := range h.Replicas {
		listing := &listing{client: client, replica: name}
		if err := listing.sync(ctx); err != nil {
			return err
		}
		if i == 0 {
			listing.pen = pen
		}
		seen, err := listing.vector(ctx)
		if i == 0 && err == nil {
			err = listing.pages(ctx, func([]board.Entry) {})
		}
		if err != nil {
			return err
		}
		all = all.Join(seen)
	}
	if _, err := pen.on(); err != nil {
		return err
	}
	if err := pen.add(line{Before: &before{all.String()}}, true); err != nil {
		return err
	}
	return pen.Close()
}

func dial(status *supervisor.ClusterStatus) (*api.Client, error) {
	var endpoints []api.Endpoint
	for i, r := range status.Replicas {
		endpoints = append(endpoints, api.Endpoint{ID: board.ReplicaID(i + 1), Name: r.Name, Addr: r.ClientAddr})
	}
	return api.Dial(api.Target{Replicas: endpoints})
}

// Running tells what is being recorded, and how many requests there were so far;
// nil: nothing is.
func Running(folder string) (h *Header, calls int, err error) {
	text, err := os.ReadFile(filepath.Join(folder, fileName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, fmt.Errorf("look at the record: %w", err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	var l line
	if err := json.Unmarshal([]byte(first), &l); err != nil || l.Record == nil {
		return nil, 0, fmt.Errorf("the record in %s cannot be read; remove it", folder)
	}
	return l.Record, bytes.Count(text, []byte("\n{\"called\"")), nil
}
