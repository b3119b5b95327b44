//go:build linux

package supervisor

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"consequor/replicad/api"
	"consequor/topologies"
)

// The test binary plays several parts: it runs the tests, or, when its first
// argument names a role, what the tests start.
func TestMain(m *testing.M) {
	if len(os.Args) < 2 || strings.HasPrefix(os.Args[1], "-test.") {
		os.Setenv("GORACE", "atexit_sleep_ms=0") // else each fake under -race takes a second to end
		os.Exit(m.Run())
	}
	switch os.Args[1] {
	case "fake-replicad":
		os.Exit(fakeReplicad(os.Args[2:]))
	case "fake-plugin":
		syscall.Pause() // not select {}: Go would call that a deadlock and end
	case "supervisor":
		os.Exit(superviseAlone(os.Args[2:]))
	}
	fmt.Fprintf(os.Stderr, "unknown role %q\n", os.Args[1])
	os.Exit(2)
}

// fake is a replicad that does as it is told: from the start by the words in
// the file WISHES/NAME, and later through a socket, by fakeOrder. In a mode
// change it does what the supervisor orders, but for what wishes forbid.
type fake struct {
	config topologies.Process
	wishes string

	mu     sync.Mutex
	report *json.Encoder
	plugin *exec.Cmd
	status api.Status // as last reported of itself
	orders []string   // heard on the lifeline, each with the state on disk then
	tables int        // of link faults, heard on the lifeline
}

// fakeOrder is one line on a fake's socket. It is answered by one line.
type fakeOrder struct {
	Report *api.Status // to be reported; the plugin's pid is filled in
	Exit   *int        // to end with
	Tell   string      // "fds", "served", "epoch", "orders", "faults"
}

// fakeReplicad is called as: fake-replicad WISHES --config FILE
func fakeReplicad(args []string) int {
	f := &fake{report: json.NewEncoder(os.NewFile(topologies.ReportFD, "report"))}
	data, err := os.ReadFile(args[2])
	if err == nil {
		err = json.Unmarshal(data, &f.config)
	}
	if err != nil {
		fmt.Println(err)
		return 2
	}
	wishes, _ := os.ReadFile(filepath.Join(args[0], f.config.Name)) // none: no wishes
	f.wishes = string(wishes)
	return f.run()
}

func (f *fake) wants(word string) bool { return strings.Contains(f.wishes, word) }

func (f *fake) run() int {
	fmt.Printf("fake %s begins\n", f.config.Name)
	term := make(chan os.Signal, 1)
	signal.Notify(term, syscall.SIGTERM)
	f.say(api.Status{Step: api.Starting})
	switch {
	case f.wants("crash"):
		fmt.Println("the disk is on fire")
		return 1
	case f.wants("fault"):
		f.say(api.Status{Step: api.Failed, Fault: "its data is gone"})
		return topologies.ExitFault
	case f.wants("stray"):
		os.Stdout.WriteString("\x1b[31mred\x00 words\n")
		return 9
	}
	if f.wants("plugin") {
		f.startPlugin()
	}
	f.say(api.Status{Step: api.Started})
	life := bufio.NewReader(os.NewFile(topologies.LifelineFD, "lifeline"))
	if line, err := life.ReadString('\n'); line != topologies.Go || err != nil {
		fmt.Printf("lifeline: %q, %v\n", line, err)
		return 3
	}
	f.say(api.Status{Step: api.Joined, Waiting: "its peers"})
	if !f.wants("late") {
		f.say(api.Status{Step: api.CaughtUp})
	}
	go func() {
		f.hear(json.NewDecoder(life))
		os.Exit(3) // the supervisor is gone
	}()
	go f.listen()
	for range term {
		if !f.wants("stubborn") {
			return 0
		}
		fmt.Println("not now")
	}
	return 0
}

func (f *fake) say(s api.Status) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if s.Epoch == 0 {
		s.Epoch, s.Mode = f.config.Epoch, f.config.Mode.Name
	}
	f.status = s
	f.tell()
}

// tell must be called with mu held.
func (f *fake) tell() {
	f.status.Name, f.status.Faults = f.config.Name, f.config.Faults.Number
	if f.plugin != nil {
		f.status.PluginPID = f.plugin.Process.Pid
	}
	f.report.Encode(f.status)
}

// hear obeys the orders of a mode change, one after the other. The board of a
// replica is "ID.ID": no two are equal before they are merged.
func (f *fake) hear(orders *json.Decoder) {
	for {
		var o topologies.Order
		if err := orders.Decode(&o); err != nil {
			return
		}
		f.mu.Lock()
		switch o.Kind {
		case topologies.OrderInquire:
			f.answer(o.Inquiry)
		case topologies.OrderFaults:
			f.fault(o.Faults)
		default:
			f.remember(o)
			f.change(o)
			f.tell()
		}
		f.mu.Unlock()
	}
}

// remember notes an order, and what the supervisor has on record just then.
func (f *fake) remember(o topologies.Order) {
	s, err := readState(".") // it runs in the cluster's home
	if err != nil || s == nil {
		fmt.Println("the state:", s, err)
		os.Exit(4)
	}
	text := fmt.Sprintf("%s %d %s", o.Kind, o.Epoch, o.Mode.Name)
	if !slices.Contains(f.orders, text) { // it may come again
		f.orders = append(f.orders, text, fmt.Sprintf("on record %d/%d %v %s", s.Epoch, s.ModeEpoch, s.Changing, s.Mode.Name))
	}
}

func (f *fake) change(o topologies.Order) {
	change := &f.status.Change
	if o.Kind != topologies.OrderActivate && change.Attempt != o.Attempt {
		*change = api.Change{Attempt: o.Attempt}
	}
	switch {
	case o.Kind == topologies.OrderPrepare && f.wants("unprepared"):
		change.Error = "mode " + o.Mode.Name + ": its plugin has another checksum"
	case o.Kind == topologies.OrderPrepare && !f.wants("slow"):
		change.Prepared = true
	case o.Kind == topologies.OrderDiscard:
		change.Prepared = false
	case o.Kind == topologies.OrderSeal && !f.wants("unsealed"):
		change.Sealed = fmt.Sprintf("%d.%d", f.config.Hosts[0], f.config.Hosts[0])
	case o.Kind == topologies.OrderMerge && !f.wants("unmerged"):
		change.Merged = o.Target.String()
	case o.Kind == topologies.OrderActivate && !f.wants("inert"):
		f.status.Epoch, f.status.Mode, f.status.Change = o.Epoch, o.Mode.Name, api.Change{Attempt: change.Attempt}
	}
}

// fault takes a table of link faults over. It must be called with mu held.
func (f *fake) fault(t *topologies.Faults) {
	f.tables++
	if f.wants("obstinate") || f.wants("forgetful") && f.tables == 1 {
		return
	}
	f.config.Faults = *t
	f.tell()
}

// answer answers an inquiry in two pieces. It must be called with mu held.
func (f *fake) answer(q *topologies.Inquiry) {
	if f.wants("mute") {
		return
	}
	self := f.config.Hosts[0]
	a := topologies.Answer{ID: q.ID}
	switch q.Kind {
	case topologies.InquireLinks:
		for _, r := range f.config.Replicas {
			if r.ID != self {
				apart := f.wants("apart") || f.config.Faults.On(self, r.ID).Cut && f.config.Faults.On(r.ID, self).Cut
				a.Links = append(a.Links, topologies.LinkState{Self: self, Peer: r.ID, Up: !apart,
					Sent: 10*uint64(self) + uint64(r.ID), Received: 10*uint64(r.ID) + uint64(self)})
			}
		}
	case topologies.InquireTrace:
		if f.wants("traceless") {
			a.Error = "no room"
		}
	case topologies.InquireTold:
		a.Trace = []topologies.Traced{{Replica: self, What: topologies.TracedNote, Text: "one"}, {Replica: self, What: topologies.TracedNote, Text: "two"}}
	}
	first := a
	first.More = true
	a.Links, a.Error = nil, ""
	if len(a.Trace) > 1 {
		first.Trace, a.Trace = a.Trace[:1], a.Trace[1:]
	}
	f.report.Encode(topologies.Line{Answer: &first})
	f.tell() // a report in between
	f.report.Encode(topologies.Line{Answer: &a})
}

func (f *fake) startPlugin() {
	plugin := exec.Command("/proc/self/exe", "fake-plugin")
	plugin.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := plugin.Start(); err != nil {
		fmt.Println(err)
		os.Exit(4)
	}
	f.mu.Lock()
	f.plugin = plugin
	f.mu.Unlock()
	go func() {
		plugin.Wait()
		f.startPlugin()
		f.say(api.Status{Step: api.CaughtUp, PluginRestarts: 1})
	}()
}

func (f *fake) listen() {
	l, err := net.Listen("unix", filepath.Join(f.config.SocketDir, "fake.sock"))
	if err != nil {
		fmt.Println(err)
		os.Exit(4)
	}
	os.WriteFile(filepath.Join(f.config.SocketDir, "listening"), nil, 0o600)
	for {
		c, err := l.Accept()
		if err != nil {
			os.Exit(4)
		}
		var o fakeOrder
		if err := json.NewDecoder(c).Decode(&o); err == nil {
			fmt.Fprintln(c, f.obey(o))
		}
		c.Close()
	}
}

func (f *fake) obey(o fakeOrder) string {
	switch {
	case o.Report != nil:
		f.say(*o.Report)
	case o.Exit != nil:
		os.Exit(*o.Exit)
	case o.Tell == "fds":
		return fds()
	case o.Tell == "served":
		return strconv.FormatBool(f.config.Served)
	case o.Tell == "epoch":
		return fmt.Sprintf("%d/%d %s", f.config.Epoch, f.config.ModeEpoch, f.config.Mode.Name)
	case o.Tell == "faults":
		f.mu.Lock()
		defer f.mu.Unlock()
		text, _ := json.Marshal(f.config.Faults)
		return string(text)
	case o.Tell == "orders":
		f.mu.Lock()
		defer f.mu.Unlock()
		return strings.Join(f.orders, "\n")
	}
	return "ok"
}

// fds lists what this process has open that it did not open itself.
func fds() string {
	entries, _ := os.ReadDir("/proc/self/fd")
	var list []string
	for _, e := range entries {
		to, err := os.Readlink("/proc/self/fd/" + e.Name())
		switch {
		case err != nil: // the listing itself
		case strings.HasPrefix(to, "anon_inode:"), strings.HasPrefix(to, "socket:"): // our poller and listener
		case strings.HasPrefix(to, "/sys/fs/cgroup/"): // the runtime's, to count processors
		case strings.HasPrefix(to, "pipe:"):
			list = append(list, e.Name()+"=pipe")
		default:
			list = append(list, e.Name()+"="+filepath.Base(to))
		}
	}
	return strings.Join(list, " ")
}

// order tells the fake replica name what to do and returns its answer.
func (c *cluster) order(name string, o fakeOrder) string {
	c.t.Helper()
	path := filepath.Join(c.runDir(), strings.TrimPrefix(name, "r"), "fake.sock")
	c.eventually("the fake "+name+" listens", func() bool { return exists(filepath.Join(filepath.Dir(path), "listening")) })
	conn, err := net.Dial("unix", path)
	if err != nil {
		c.t.Fatalf("order %s: %v", name, err)
	}
	defer conn.Close()
	if err := json.NewEncoder(conn).Encode(o); err != nil {
		c.t.Fatalf("order %s: %v", name, err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil && o.Exit == nil {
		c.t.Fatalf("order %s: %v", name, err)
	}
	return string(bytes.TrimSpace(answer))
}

// report has the fake replica name report s.
func (c *cluster) report(name string, s api.Status) {
	c.t.Helper()
	c.order(name, fakeOrder{Report: &s})
}

func (c *cluster) exit(name string, code int) {
	c.t.Helper()
	c.order(name, fakeOrder{Exit: &code})
}

// superviseAlone is called as: supervisor ROOT WISHES REPLICAS
func superviseAlone(args []string) int {
	n, err := strconv.Atoi(args[2])
	if err != nil {
		return 2
	}
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer cancel()
	err = Run(ctx, Config{
		Root: args[0], Topology: fakeTopology(n), Wait: testLimit,
		Command: []string{"/proc/self/exe", "fake-replicad", args[1]},
		Ready:   func(*ClusterStatus) { fmt.Println("ready") },
	})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}

func fakeTopology(n int) *topologies.Topology {
	t := &topologies.Topology{
		Path: "/fake.yaml", Name: "fake", Mode: topologies.Mode{Name: "sequential"},
		Restart: topologies.Restart{Policy: topologies.OnFailure, Backoff: time.Millisecond, BackoffMax: 4 * time.Millisecond, GiveUpAfter: 3},
	}
	for i := range n {
		name := "r" + strconv.Itoa(i+1)
		t.Replicas = append(t.Replicas, topologies.Replica{
			ID: boardID(i + 1), Name: name, Process: name, Client: "127.0.0.1:0", Peer: "127.0.0.1:0"})
	}
	return t
}
