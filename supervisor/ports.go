package supervisor

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"consequor/topologies"
)

// portWait is how long ports that are taken are tried again, all in all:
// processes of a supervisor that was killed a moment ago may not be quite gone.
const portWait = 2 * time.Second

// portPause lies between two tries.
const portPause = 20 * time.Millisecond

// binder holds the ports it was asked for until all are known, so that none is
// given twice.
type binder struct {
	taken    map[int]bool // kept by other clusters
	deadline time.Time    // for ports to become free
	held     []net.Listener
}

func (b *binder) release() {
	for _, l := range b.held {
		l.Close()
	}
}

// placeReplicas gives each replica of a topology its addresses: those that the
// topology names, else those it had before, else free ones. Every one of them
// can be bound just now.
func placeReplicas(want, before []topologies.Replica, taken map[int]bool) ([]topologies.Replica, error) {
	b := &binder{taken: taken, deadline: time.Now().Add(portWait)}
	defer b.release()
	placed := make([]topologies.Replica, len(want))
	var errs []error
	for i, r := range want {
		var old topologies.Replica
		if i < len(before) {
			old = before[i]
		}
		var err error
		if r.Client, err = b.place(r.Client, old.Client, r.Name+": client port"); err != nil {
			errs = append(errs, err)
		}
		if r.Peer, err = b.place(r.Peer, old.Peer, r.Name+": peer port"); err != nil {
			errs = append(errs, err)
		}
		placed[i] = r
	}
	return placed, firstPort(errs)
}

// firstPort makes one error of several ports in use.
func firstPort(errs []error) error {
	var first *Error
	for _, err := range errs {
		var e *Error
		if !errors.As(err, &e) {
			return err
		}
		if first == nil {
			first = e
			continue
		}
		first.Message += "; " + e.Message
	}
	if first == nil {
		return nil
	}
	return first
}

func (b *binder) place(want, before, what string) (string, error) {
	host, port, err := net.SplitHostPort(want)
	if err != nil {
		return "", fmt.Errorf("%s: %w", what, err)
	}
	if port != "0" {
		return want, b.hold(want, what)
	}
	if oldHost, _, err := net.SplitHostPort(before); err == nil && oldHost == host {
		return before, b.hold(before, what)
	}
	return b.choose(host, what)
}

// hold binds an address that must be this one.
func (b *binder) hold(address, what string) error {
	for {
		l, err := net.Listen("tcp", address)
		if err == nil {
			b.held = append(b.held, l)
			return nil
		}
		if !errors.Is(err, syscall.EADDRINUSE) || time.Now().After(b.deadline) {
			return portError(address, what, err)
		}
		time.Sleep(portPause)
	}
}

func portError(address, what string, err error) error {
	host, port, splitErr := net.SplitHostPort(address)
	if splitErr != nil || !errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%s: %w", what, err)
	}
	return &Error{Kind: KindPortInUse,
		Message: fmt.Sprintf("%s %s on %s is in use by another program", what, port, host),
		Hint:    "find it with: ss -ltnp sport = :" + port + "; end it, or set other ports in the topology"}
}

// choose finds a free port that is not in the range from which the system
// takes ports for outgoing connections: there, it could be gone when the
// replica is started again.
func (b *binder) choose(host, what string) (string, error) {
	low, count := portRange(readEphemeral())
	start := rand.IntN(count)
	for i := range count {
		port := low + (start+i)%count
		if b.taken[port] {
			continue
		}
		address := net.JoinHostPort(host, strconv.Itoa(port))
		l, err := net.Listen("tcp", address)
		switch {
		case err == nil:
			b.held = append(b.held, l)
			return address, nil
		case !errors.Is(err, syscall.EADDRINUSE) && !errors.Is(err, syscall.EACCES):
			return "", fmt.Errorf("%s: %w", what, err)
		}
	}
	return "", &Error{Kind: KindPortInUse, Message: fmt.Sprintf("%s: no port from %d to %d is free on %s", what, low, low+count-1, host),
		Hint: "set ports in the topology"}
}

// Ports are chosen from portLow up; fewer than portsLeast are too few to find
// free ones among.
const (
	portLow    = 10000
	portHigh   = 65535
	portsLeast = 1000
)

// portRange gives the ports to choose from: those below the ephemeral ones,
// else those above, else all.
func portRange(ephemeralLow, ephemeralHigh int) (low, count int) {
	if n := ephemeralLow - portLow; n >= portsLeast {
		return portLow, n
	}
	if n := portHigh - ephemeralHigh; n >= portsLeast {
		return ephemeralHigh + 1, n
	}
	return portLow, portHigh - portLow + 1
}

func readEphemeral() (low, high int) {
	data, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if err == nil {
		if n, err := fmt.Sscan(string(data), &low, &high); n == 2 && err == nil {
			return low, high
		}
	}
	return 32768, 60999 // Linux's own
}

// portsOfOthers lists the ports that other clusters under root keep for
// themselves, whether they run or not.
func portsOfOthers(root, name string) (map[int]bool, error) {
	taken := make(map[int]bool)
	homes, err := os.ReadDir(root)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("list clusters: %w", err)
	}
	for _, home := range homes {
		if home.Name() == name || !home.IsDir() {
			continue
		}
		for _, base := range []string{"", ephemeralName} {
			s, err := readState(filepath.Join(root, home.Name(), base))
			if err != nil || s == nil {
				continue // it is that cluster's trouble; at worst a port is in use when it starts
			}
			addPorts(taken, s.Replicas)
			addPort(taken, s.Web)
		}
	}
	return taken, nil
}

func addPorts(taken map[int]bool, replicas []topologies.Replica) {
	for _, r := range replicas {
		addPort(taken, r.Client)
		addPort(taken, r.Peer)
	}
}

func addPort(taken map[int]bool, address string) {
	_, text, err := net.SplitHostPort(address)
	if port, convErr := strconv.Atoi(text); err == nil && convErr == nil {
		taken[port] = true
	}
}
