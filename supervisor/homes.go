package supervisor

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"syscall"
	"time"

	"consequor/topologies"
)

// Root is the folder in which all clusters of this user live, each in a folder
// of its own name.
func Root() (string, error) {
	if dir := os.Getenv("CONSEQUOR_HOME"); dir != "" {
		return filepath.Abs(dir)
	}
	if dir := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "consequor"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("where clusters live: set CONSEQUOR_HOME: %w", err)
	}
	return filepath.Join(home, ".local", "state", "consequor"), nil
}

// Home is the folder in which the cluster name lives, or would live.
func Home(name string) (string, error) {
	if !topologies.ValidName(name) {
		return "", &Error{Kind: KindNoSuchCluster, Message: fmt.Sprintf("%q is no cluster's name", name),
			Hint: "names match " + topologies.NamePattern}
	}
	root, err := Root()
	if err != nil {
		return "", err
	}
	return filepath.Join(root, name), nil
}

// ClusterHome is a cluster that exists, running or not.
type ClusterHome struct {
	Name    string
	Path    string
	Running bool
}

// Homes lists all clusters of this user, by name.
func Homes() ([]ClusterHome, error) {
	root, err := Root()
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(root)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("list clusters: %w", err)
	}
	var homes []ClusterHome
	for _, e := range entries {
		path := filepath.Join(root, e.Name())
		if e.IsDir() && topologies.ValidName(e.Name()) && exists(filepath.Join(path, lockName)) {
			homes = append(homes, ClusterHome{e.Name(), path, running(path)})
		}
	}
	return homes, nil
}

// Find returns a client for the cluster name; when name is empty, for the one
// that $CONSEQUOR_CLUSTER names, and else for the only one that runs.
func Find(name string) (*Client, error) {
	if name == "" {
		name = os.Getenv("CONSEQUOR_CLUSTER")
	}
	if name == "" {
		return findOnly()
	}
	home, err := Home(name)
	if err != nil {
		return nil, err
	}
	return Dial(home)
}

func findOnly() (*Client, error) {
	homes, err := Homes()
	if err != nil {
		return nil, err
	}
	var names []string
	var only string
	for _, h := range homes {
		if h.Running {
			names, only = append(names, h.Name), h.Path
		}
	}
	switch len(names) {
	case 0:
		return nil, &Error{Kind: KindNotRunning, Message: "no cluster is running", Hint: upHint}
	case 1:
		return Dial(only)
	}
	sort.Strings(names)
	return nil, &Error{Kind: KindAmbiguous, Message: "these clusters are running: " + strings.Join(names, ", "),
		Hint: "say which one with --cluster NAME"}
}

const upHint = "start one with: consequorctl up TOPOLOGY"

// Dial returns a client for the cluster that lives in home. The error's kind
// is KindNoSuchCluster or KindNotRunning.
func Dial(home string) (*Client, error) {
	home, err := filepath.Abs(home)
	if err != nil {
		return nil, err
	}
	name := clusterName(home)
	if !exists(filepath.Join(home, lockName)) {
		return nil, &Error{Kind: KindNoSuchCluster, Message: "there is no cluster " + name, Hint: upHint}
	}
	if !running(home) {
		return nil, notRunning(name)
	}
	return newClient(home), nil
}

func notRunning(name string) *Error {
	return &Error{Kind: KindNotRunning, Message: "cluster " + name + " is not running", Hint: upHint}
}

// running reports whether a supervisor answers in home. It does not try the
// lock: holding it, however briefly, could turn an `up` away.
func running(home string) bool {
	c, err := net.DialTimeout("unix", socketPath(home), dialLimit)
	if err != nil {
		return false
	}
	return c.Close() == nil
}

// dialLimit bounds connecting to a control socket; a local supervisor that
// takes longer is as good as gone.
const dialLimit = 2 * time.Second

const (
	lockName   = "lock"
	runName    = "run"
	socketName = "control.sock"
)

// ours reports whether dir is a folder that only this user can write to. The
// one that a link names may be gone, and another user's in its place.
func ours(dir string) bool {
	info, err := os.Lstat(dir)
	if err != nil || !info.IsDir() || info.Mode().Perm() != 0o700 {
		return false
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(owner.Uid) == os.Getuid()
}

// socketPath is where home's supervisor listens. Unix socket paths are limited
// to about 100 bytes, so "run" may be a link to a short folder elsewhere; the
// link must be resolved, for the limit holds for the path as given.
func socketPath(home string) string {
	run := filepath.Join(home, runName)
	if short, err := os.Readlink(run); err == nil && ours(short) {
		run = short
	}
	return filepath.Join(run, socketName)
}

func clusterName(home string) string { return filepath.Base(home) }

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// LogPath is where the process of a replica writes its log.
func LogPath(home, replica string) string {
	return filepath.Join(home, "logs", replica+".log")
}
