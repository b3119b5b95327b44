package modeplugin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"github.com/hashicorp/go-plugin/runner"
	"google.golang.org/grpc"

	"consequor/modes/modeplugin/internal/modepb"
)

const (
	// startMax is how long a plugin may take from its start until it has
	// described itself; then it is killed.
	startMax = 5 * time.Second

	// socketNameMax is the longest name that we, or go-plugin, give a socket
	// below the socket folder: "/m0123456789/plugin0123456789".
	socketNameMax = 29
)

// LaunchConfig says which plugin to start, and where its sockets are to be.
type LaunchConfig struct {
	// Command starts a plugin that is trusted as this program is: our own
	// binary under another role. Either it or Path is set.
	Command []string

	// Path is a third party's plugin: one self-contained file. What runs is a
	// private copy of the very bytes that were found to have the sum SHA256,
	// in hex.
	Path   string
	SHA256 string

	// SocketDir is the folder for sockets, an absolute and short path. Nothing
	// stays there once the plugin runs.
	SocketDir string

	// Logger is told of the plugin's end, and at level debug what go-plugin
	// has to say. Default: nobody.
	Logger *slog.Logger

	// Stderr gets, line by line, what the plugin writes to its stderr and, in
	// plugins made with Serve, to its stdout. Default: nobody.
	Stderr io.Writer
}

func (c *LaunchConfig) validate() error {
	var faults []error
	if (len(c.Command) == 0) == (c.Path == "") {
		faults = append(faults, errors.New("want either a command or a path"))
	}
	if c.Path != "" && c.SHA256 == "" {
		faults = append(faults, fmt.Errorf("%s: its sha256 must be given", c.Path))
	}
	pathMax := len(syscall.RawSockaddrUnix{}.Path) - 1
	if n := len(c.SocketDir); n+socketNameMax > pathMax {
		faults = append(faults, fmt.Errorf("socket folder %s: a path of %d bytes; sockets there need it to have at most %d", c.SocketDir, n, pathMax-socketNameMax))
	}
	if !filepath.IsAbs(c.SocketDir) {
		faults = append(faults, fmt.Errorf("socket folder %q: want an absolute path", c.SocketDir))
	}
	return errors.Join(faults...)
}

func (c *LaunchConfig) name() string {
	if c.Path != "" {
		return c.Path
	}
	return strings.Join(c.Command, " ")
}

// Launch starts a plugin and returns once it has described itself. When ctx
// ends before, the plugin is killed; later ctx has no say. Whoever gets a
// Process must Kill it.
func Launch(ctx context.Context, config LaunchConfig) (*Process, error) {
	if err := config.validate(); err != nil {
		return nil, fmt.Errorf("mode plugin: %w", err)
	}
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	dir, err := os.MkdirTemp(config.SocketDir, "m")
	if err != nil {
		return nil, fmt.Errorf("mode plugin: %w", err)
	}
	// Once connected neither side needs a name in the file system any more.
	defer os.RemoveAll(dir)
	l := &launch{config: config, dir: dir, words: newLastWords(config.Stderr)}
	process, err := l.run(ctx)
	if err != nil {
		return nil, fmt.Errorf("start mode plugin %s: %w", config.name(), err)
	}
	return process, nil
}

// launch is one attempt to start a plugin.
type launch struct {
	config LaunchConfig
	dir    string
	words  *lastWords
	child  *child
	client *plugin.Client
}

func (l *launch) run(ctx context.Context) (*Process, error) {
	command, sum := l.config.Command, ""
	if l.config.Path != "" {
		var err error
		if sum, err = copyChecked(l.config.Path, l.config.SHA256, filepath.Join(l.dir, "plugin")); err != nil {
			return nil, err
		}
		command = []string{filepath.Join(l.dir, "plugin")}
	}
	l.child = newChild(command)
	l.client = plugin.NewClient(l.clientConfig())

	startCtx, cancel := context.WithTimeout(ctx, startMax)
	defer cancel()
	defer context.AfterFunc(startCtx, l.child.kill)()
	process, err := l.connect(startCtx)
	if err == nil && sum == "" {
		sum, err = l.child.sum()
	}
	if err != nil {
		return nil, l.abandon(startCtx, err)
	}
	process.sum = sum
	process.watch()
	return process, nil
}

func (l *launch) clientConfig() *plugin.ClientConfig {
	return &plugin.ClientConfig{
		HandshakeConfig:  handshake,
		Plugins:          plugin.PluginSet{pluginName: &adapter{}},
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		AutoMTLS:         true,
		SkipHostEnv:      true,
		StartTimeout:     2 * startMax, // ours comes first and says more
		UnixSocketConfig: &plugin.UnixSocketConfig{TempDir: l.dir},
		Logger:           quietLogger(l.config.Logger),
		Stderr:           l.words.writer(),
		SyncStderr:       l.words.writer(),
		SyncStdout:       l.words.writer(),
		GRPCDialOptions: []grpc.DialOption{
			grpc.WithNoProxy(),
			grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(frameSizeMax), grpc.MaxCallSendMsgSize(frameSizeMax)),
		},
		RunnerFunc: func(_ hclog.Logger, cmd *exec.Cmd, _ string) (runner.Runner, error) {
			// The last one of a name counts: sockets go to our folder, whose
			// path is shorter than that of the one go-plugin made in it.
			l.child.env = append(cmd.Env, plugin.EnvUnixSocketDir+"="+l.dir)
			return l.child, nil
		},
	}
}

// connect starts the child, and speaks with it until it is known to be what it
// should be.
func (l *launch) connect(ctx context.Context) (*Process, error) {
	protocol, err := l.client.Client()
	if err != nil {
		return nil, err
	}
	raw, err := protocol.Dispense(pluginName)
	if err != nil {
		return nil, err
	}
	service := raw.(modepb.ModeClient)
	description, err := service.Describe(ctx, &modepb.DescribeRequest{})
	if err != nil {
		return nil, fmt.Errorf("describe: %w", err)
	}
	life, end := context.WithCancel(context.Background())
	control, err := service.Control(life, &modepb.ControlRequest{})
	if err != nil {
		end()
		return nil, fmt.Errorf("open the control stream: %w", err)
	}
	return &Process{
		config:      l.config,
		child:       l.child,
		client:      l.client,
		conn:        protocol.(*plugin.GRPCClient).Conn,
		service:     service,
		control:     control,
		end:         end,
		description: descriptionFromWire(description),
		cleaned:     make(chan struct{}),
		machines:    make(map[*Machine]struct{}),
	}, nil
}

// abandon leaves nothing of a failed start, and returns why it failed: the
// cause if it is known, and the plugin's last words.
func (l *launch) abandon(ctx context.Context, err error) error {
	exited := l.child.ended()
	l.child.kill()
	l.client.Kill() // returns at once: the child is gone
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		err = fmt.Errorf("not ready within %v", startMax)
	case ctx.Err() != nil:
		err = ctx.Err()
	case exited != nil && !errors.Is(exited, errKilled): // go-plugin kills what it cannot understand
		err = fmt.Errorf("%w before it was ready", exited)
	}
	if last := l.words.last(); last != "" {
		err = fmt.Errorf("%w; its last words:\n%s", err, last)
	}
	return err
}
