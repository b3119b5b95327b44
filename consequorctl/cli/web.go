package cli

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"syscall"

	"consequor/supervisor"
	"consequor/web"
)

// webCmd serves the web client alone, until it is interrupted.
type webCmd struct {
	Replicas []string `help:"Where the replicas take clients, all of them, in their order: for a cluster that no supervisor of this machine keeps." placeholder:"HOST:PORT"`
	Web      string   `help:"Where to listen, on loopback; port 0: a free one." default:"127.0.0.1:0" placeholder:"ADDR"`
}

// Help is shown by --help.
func (c *webCmd) Help() string {
	return `Serves the board to browsers until Ctrl-C. A cluster that was brought up with up has a web
client already: status tells where. This one is for a cluster without (up --no-web), or for one
that is only known by its addresses:

  consequorctl web --cluster three --web 127.0.0.1:7080
  consequorctl web --replicas 127.0.0.1:7101,127.0.0.1:7102,127.0.0.1:7103

Exit codes: 0 after Ctrl-C, 1 the port is taken or lost, 2 usage, 5 no such cluster.`
}

// Validate is called by the parser.
func (c *webCmd) Validate() error { return checkWebAddr(c.Web) }

// checkWebAddr wants host:port on loopback: whoever reaches the web client may
// write as anyone.
func checkWebAddr(addr string) error {
	host, port, err := net.SplitHostPort(addr)
	if err != nil || port == "" {
		return fmt.Errorf("--web %s: want host:port, as 127.0.0.1:7080 (port 0: a free one)", addr)
	}
	if host == "localhost" {
		return nil
	}
	ip, err := netip.ParseAddr(host)
	switch {
	case err != nil:
		return fmt.Errorf("--web %s: want an IP address or localhost before the port", addr)
	case !ip.IsLoopback():
		return fmt.Errorf("--web %s: can be reached from other machines: that needs certificates of yours, which are not supported yet", addr)
	}
	return nil
}

type webResult struct {
	Web     string `json:"web"`
	Control string `json:"web_control,omitempty"` // for who may control the cluster
}

func (c *webCmd) Run(ctx context.Context, console *Console, name clusterFlag) error {
	source, done, err := c.source(name)
	if err != nil {
		return err
	}
	defer done()
	key, err := webKey()
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", c.Web)
	if err != nil {
		return listenFailure(c.Web, err)
	}
	token := rand.Text()
	server, err := newWeb(console, source, key, token)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	result := webResult{Web: "http://" + l.Addr().String()}
	if source.Control() != nil {
		result.Control = web.ControlURL(result.Web, token)
	}
	err = console.Result(result, func(w io.Writer) { printWeb(w, &result.Web, &result.Control) })
	if err != nil {
		return errors.Join(err, l.Close())
	}
	return server.Run(ctx, l)
}

// printWeb tells where the web client is, if there is one.
func printWeb(w io.Writer, url, control *string) {
	if url != nil {
		fmt.Fprintf(w, "web client at %s\n", *url)
	}
	if control != nil && *control != "" {
		fmt.Fprintf(w, "control the cluster from a browser at %s\n", *control)
	}
}

func listenFailure(addr string, err error) error {
	f := failedf("web client: %v", err)
	if errors.Is(err, syscall.EADDRINUSE) {
		f.Kind, f.Hint = string(supervisor.KindPortInUse), "give another with --web ADDR (port 0: a free one)"
		f.Message = "web client: " + addr + " is in use by another program"
	}
	return f
}

// source is the cluster that is meant, and what ends the way to it.
func (c *webCmd) source(name clusterFlag) (source web.Source, done func(), err error) {
	if len(c.Replicas) > 0 {
		if name != "" {
			return nil, nil, usagef("--replicas and --cluster: want one of them")
		}
		a, err := web.DialAddresses(c.Replicas)
		if err != nil {
			return nil, nil, usagef("--replicas: %v", err)
		}
		return a, a.Close, nil
	}
	cluster, err := name.find()
	if err != nil {
		return nil, nil, err
	}
	return web.Supervised(cluster), func() {}, nil
}

// web is the web client that the supervisor runs, and that lets who has the
// token control the cluster; nil: none.
func (c *upCmd) web(console *Console, token string) (func(context.Context, net.Listener, *supervisor.Client) error, error) {
	if c.NoWeb {
		return nil, nil
	}
	key, err := webKey()
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, l net.Listener, cluster *supervisor.Client) error {
		server, err := newWeb(console, web.Supervised(cluster), key, token)
		if err != nil {
			return errors.Join(err, l.Close())
		}
		return server.Run(ctx, l)
	}, nil
}

func newWeb(console *Console, source web.Source, key []byte, token string) (*web.Server, error) {
	return web.New(web.Config{
		Source: source, Key: key, ControlToken: token, Modes: webModes{console},
		Log: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
}

const (
	webKeyName = ".web-key" // no cluster has such a name
	webKeySize = 32
)

// webKey is what this user's web clients sign cookies with. It is kept, so that
// a session lives on when its server is started again: without its token, reads
// could go back.
func webKey() ([]byte, error) {
	root, err := supervisor.Root()
	if err != nil {
		return nil, err
	}
	path := filepath.Join(root, webKeyName)
	key, err := os.ReadFile(path)
	if err == nil && len(key) == webKeySize {
		return key, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read the key of web sessions: %w", err)
	}
	if err := os.MkdirAll(root, 0o700); err != nil {
		return nil, fmt.Errorf("keep the key of web sessions: %w", err)
	}
	return makeWebKey(path)
}

// makeWebKey keeps a new key, unless another process has just done so.
func makeWebKey(path string) ([]byte, error) {
	unlock, err := lockFile(path + ".lock")
	if err != nil {
		return nil, err
	}
	defer unlock()
	if key, err := os.ReadFile(path); err == nil && len(key) == webKeySize {
		return key, nil
	}
	key := make([]byte, webKeySize)
	rand.Read(key) // never fails
	fresh := path + ".new"
	if err := writeFileSync(fresh, key); err != nil {
		return nil, fmt.Errorf("keep the key of web sessions: %w", err)
	}
	if err := os.Rename(fresh, path); err != nil {
		return nil, fmt.Errorf("keep the key of web sessions: %w", err)
	}
	return key, nil
}
