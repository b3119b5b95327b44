package supervisor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"consequor/replicad/logfile"
	"consequor/supervisor/modechange"
	"consequor/topologies"
)

// supervisor is one cluster that is up.
type supervisor struct {
	config Config
	home   string
	base   string // home, or the folder in it that an ephemeral cluster lives in
	runDir string // for sockets

	lock      *lock
	authority *authority
	spawner   *spawner
	hub       *hub
	processes []*process
	core      *modechange.Changer // of changer
	changer   *changer
	inquiries *inquiries
	control   net.Listener
	web       net.Listener // nil: there is no web client

	mu      sync.Mutex
	state   *state
	logFrom map[string]logfile.Place // by process: where the log of its last life begins

	closing, hurry       chan struct{} // closed: the end has begun; it must not take long
	closeOnce, hurryOnce sync.Once
	cleaned              chan struct{} // closed: nothing is left but this process and its answers
}

const ephemeralName = "ephemeral"

// Run brings a cluster up and keeps it up until ctx ends or someone asks it to
// go down; then it stops all replicas in order and returns, leaving no process
// and no socket. It returns an error, with nothing left running either, when
// the replicas do not all serve within Config.Wait.
func Run(ctx context.Context, config Config) error {
	if err := config.complete(); err != nil {
		return err
	}
	if err := keepDescriptors(); err != nil {
		return fmt.Errorf("keep descriptors from replicas: %w", err)
	}
	s, err := open(config)
	if err != nil {
		return err
	}
	return s.run(ctx)
}

// open takes the cluster's home and makes all that replicas need in it.
func open(config Config) (*supervisor, error) {
	s := &supervisor{
		config: config, home: filepath.Join(config.Root, config.Topology.Name),
		logFrom: make(map[string]logfile.Place), inquiries: newInquiries(),
		closing: make(chan struct{}), hurry: make(chan struct{}), cleaned: make(chan struct{}),
	}
	if err := os.MkdirAll(config.Root, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder for clusters: %w", err)
	}
	var err error
	if s.lock, err = lockHome(s.home); err != nil {
		return nil, err
	}
	if err := s.furnish(); err != nil {
		return nil, errors.Join(err, s.clean())
	}
	return s, nil
}

// furnish fills the home, which is ours alone by now.
func (s *supervisor) furnish() error {
	if err := s.openBase(); err != nil {
		return err
	}
	if err := s.openState(); err != nil {
		return err
	}
	var err error
	if s.runDir, err = makeRun(s.home); err != nil {
		return err
	}
	if s.control, err = net.Listen("unix", socketPath(s.home)); err != nil {
		return fmt.Errorf("open the control socket: %w", err)
	}
	s.authority, err = openAuthority(filepath.Join(s.base, "tls"), s.state.ClusterID, time.Now)
	return err
}

// openBase chooses where the data lives, and clears what an earlier supervisor
// that was killed has left.
func (s *supervisor) openBase() error {
	ephemeral := filepath.Join(s.home, ephemeralName)
	if err := os.RemoveAll(ephemeral); err != nil {
		return fmt.Errorf("remove an ephemeral cluster's data: %w", err)
	}
	s.base = s.home
	if s.config.Ephemeral {
		s.base = ephemeral
	}
	for _, dir := range []string{s.base, filepath.Join(s.base, "conf")} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("make the cluster's folder: %w", err)
		}
	}
	halves, err := filepath.Glob(filepath.Join(s.base, stateName+".tmp-*"))
	for _, half := range halves {
		err = errors.Join(err, os.Remove(half))
	}
	return err
}

// portsName is the file whose lock makes clusters choose ports one after the
// other. No cluster has such a name.
const portsName = ".ports"

// openState reads what the cluster was made with, or makes it, and gives each
// replica its addresses.
func (s *supervisor) openState() error {
	t := s.config.Topology
	before, err := readState(s.base)
	if err != nil {
		return err
	}
	s.state = before
	if before == nil {
		s.state = newState(t)
	} else if err := before.check(t, s.config.ModeAsked); err != nil {
		return err
	}
	unlock, err := waitLock(filepath.Join(s.config.Root, portsName))
	if err != nil {
		return err
	}
	defer unlock()
	taken, err := portsOfOthers(s.config.Root, t.Name)
	if err != nil {
		return err
	}
	placed, err := placeReplicas(t.Replicas, s.state.Replicas, taken)
	if err != nil {
		return err
	}
	s.state.Replicas = placed
	s.state.adopt(t)
	if err := s.openWeb(taken); err != nil {
		return err
	}
	return s.resumeChange()
}

// waitLock waits for a lock that is only ever held for moments.
func waitLock(path string) (unlock func() error, err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the choice of ports: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		return nil, errors.Join(fmt.Errorf("lock the choice of ports: %w", err), f.Close())
	}
	return f.Close, nil
}

// run starts everything, waits for the end, and ends everything.
func (s *supervisor) run(ctx context.Context) error {
	s.spawner = newSpawner()
	s.hub = newHub(s.describe(), s.state.Replicas)
	s.hub.beginFaults(s.state.Seed, s.config.Topology.Faults)
	for _, name := range s.state.processes() {
		s.processes = append(s.processes, newProcess(name, s.hostedBy(name), s.config.Topology.Restart, s, s.hub, s.closing, s.hurry))
	}
	s.changer = newChanger(s.core, s.hub, s, s.closing)
	server := newServer(s)
	var background sync.WaitGroup
	background.Go(server.serve)
	background.Go(s.tellEvents)
	background.Go(s.watchNow)
	background.Go(s.changer.run)
	background.Go(s.keepFaults)
	background.Go(s.serveWeb)
	for _, p := range s.processes {
		go p.run()
	}

	err := s.awaitReady(ctx)
	if err == nil {
		if url := s.webURL(); url != nil {
			s.hub.note(EventWeb, "", "web client at "+*url)
		}
		s.tellReady()
		select {
		case <-ctx.Done():
		case <-s.closing:
		}
	}
	s.down(false)
	for _, p := range s.processes {
		<-p.done
	}
	s.spawner.close()
	err = errors.Join(err, s.clean())
	close(s.cleaned)
	s.hub.close()
	server.close()
	background.Wait()
	return err
}

// clean removes all that is not to outlive the supervisor, the lock last.
func (s *supervisor) clean() error {
	var errs []error
	if s.web != nil {
		_ = s.web.Close() // it is closed already, but for a start that failed
	}
	if s.control != nil {
		errs = append(errs, s.control.Close())
	}
	errs = append(errs, removeRun(s.home))
	if s.config.Ephemeral {
		errs = append(errs, os.RemoveAll(filepath.Join(s.home, ephemeralName)))
	}
	return errors.Join(append(errs, s.lock.release())...)
}

// down begins the end: in order, or, if now, at once. It may be called again.
func (s *supervisor) down(now bool) {
	s.closeOnce.Do(func() { close(s.closing) })
	if now {
		s.hurryOnce.Do(func() { close(s.hurry) })
	}
}

func (s *supervisor) watchNow() {
	select {
	case <-s.config.Now:
		s.down(true)
	case <-s.cleaned:
	}
}

func (s *supervisor) tellReady() {
	if s.config.Ready != nil {
		status, _, _ := s.hub.status()
		s.config.Ready(status)
	}
}

// tellEvents hands each event to Config.Event.
func (s *supervisor) tellEvents() {
	if s.config.Event == nil {
		return
	}
	var seq uint64
	for {
		events, lost, closed, changed := s.hub.eventsAfter(seq)
		if lost && seq > 0 {
			s.config.Event(droppedEvent())
			return
		}
		for _, e := range events {
			s.config.Event(e)
			seq = e.Seq
		}
		if closed {
			return
		}
		<-changed
	}
}

func droppedEvent() Event {
	return Event{Time: now(), Kind: EventDropped, Text: fmt.Sprintf("more than %d events behind: no more are told here", eventsKept)}
}

func (s *supervisor) describe() ClusterStatus {
	status := ClusterStatus{Cluster: s.state.Cluster, Topology: s.state.Topology, Web: s.webURL(), WebControl: s.webControl(), SupervisorPID: os.Getpid(), Ephemeral: s.config.Ephemeral}
	status.setMode(s.state.Mode, s.state.Epoch)
	return status
}

func (s *supervisor) hostedBy(process string) []string {
	var names []string
	for _, r := range s.state.Replicas {
		if r.Process == process {
			names = append(names, r.Name)
		}
	}
	return names
}

// awaitReady returns when all replicas serve, or says who is late, and why.
func (s *supervisor) awaitReady(ctx context.Context) error {
	late := s.config.after(s.config.Wait)
	for {
		status, _, changed := s.hub.status()
		failed := slices.ContainsFunc(status.Replicas, func(r ReplicaStatus) bool { return r.State == StateFailed })
		switch {
		case status.Serving():
			return nil
		case failed:
			return s.notReady(status, "a replica has failed")
		}
		select {
		case <-changed:
		case <-late:
			status, _, _ = s.hub.status()
			return s.notReady(status, fmt.Sprintf("not ready after %v", s.config.Wait))
		case <-ctx.Done():
			return &Error{Kind: KindStopping, Message: "stopped before all replicas served"}
		case <-s.closing:
			return &Error{Kind: KindStopping, Message: "stopped before all replicas served"}
		}
	}
}

func (s *supervisor) notReady(status *ClusterStatus, what string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var text strings.Builder
	text.WriteString(what)
	failed := slices.ContainsFunc(status.Replicas, func(r ReplicaStatus) bool { return r.State == StateFailed })
	for _, r := range status.Replicas {
		if r.State == StateServing || failed && r.State == StateStarting {
			continue // it serves, or was on its way
		}
		fmt.Fprintf(&text, "\n%s: %s", r.Name, r.State)
		if r.Step != "" && r.State == StateStarting {
			fmt.Fprintf(&text, ", so far %s", strings.ReplaceAll(r.Step, "_", " "))
		}
		if r.Why != "" {
			fmt.Fprintf(&text, ": %s", r.Why)
		}
		if words := lastWords(LogPath(s.home, r.Process), s.logFrom[r.Process]); words != "" && !strings.Contains(r.Why, words) {
			fmt.Fprintf(&text, "; the last lines of its log:\n%s", words)
		}
	}
	return &Error{Kind: KindNotReady, Message: text.String(), Hint: "the logs are in " + filepath.Join(s.home, "logs")}
}

// served makes durable that a process has served, before it is told to.
func (s *supervisor) served(process string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state.Served[process] {
		return nil
	}
	s.state.Served[process] = true
	if err := s.state.save(s.base); err != nil {
		delete(s.state.Served, process)
		return fmt.Errorf("put on record that %s serves: %w", process, err)
	}
	return nil
}

// launch starts a process with a fresh configuration and an empty folder for
// its sockets.
func (s *supervisor) launch(name string) (*child, error) {
	p, err := s.configure(name)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(p.DataDir, 0o700); err != nil {
		return nil, fmt.Errorf("make the data folder: %w", err)
	}
	if err := errors.Join(os.RemoveAll(p.SocketDir), os.Mkdir(p.SocketDir, 0o700)); err != nil {
		return nil, fmt.Errorf("make the folder for sockets: %w", err)
	}
	data, err := json.MarshalIndent(p, "", "\t")
	if err != nil {
		return nil, fmt.Errorf("encode the configuration: %w", err)
	}
	path := filepath.Join(s.base, "conf", name+".json")
	if err := writeFile(path, append(data, '\n')); err != nil {
		return nil, fmt.Errorf("write the configuration: %w", err)
	}
	c, err := s.spawner.spawn(spawnOrder{
		command: append(slices.Clone(s.config.Command), "--config", path),
		dir:     s.home,
		log:     p.Log,
		answers: s.inquiries.answered,
	})
	if err == nil {
		s.mu.Lock()
		s.logFrom[name] = c.logFrom
		s.mu.Unlock()
	}
	return c, err
}

func (s *supervisor) configure(name string) (*topologies.Process, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := &topologies.Process{
		Cluster: s.state.Cluster, ClusterID: s.state.ClusterID, Name: name,
		Replicas: s.state.Replicas, Epoch: s.state.Epoch, ModeEpoch: s.state.ModeEpoch, Mode: s.state.Mode, Seed: s.state.Seed,
		DataDir:   filepath.Join(s.base, "data", name),
		SocketDir: filepath.Join(s.runDir, strconv.Itoa(1+slices.Index(s.state.processes(), name))),
		Served:    s.state.Served[name], Ephemeral: s.config.Ephemeral, Log: LogPath(s.home, name),
		Faults: s.hub.faultTable(),
	}
	for _, r := range s.state.Replicas {
		if r.Process == name {
			p.Hosts = append(p.Hosts, r.ID)
		}
	}
	var err error
	p.TLS, err = s.authority.issue(name)
	return p, err
}
