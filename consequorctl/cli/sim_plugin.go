package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"

	"consequor/modes"
	"consequor/modes/modeplugin"
)

const pluginFileMax = 1 << 30

// pluginPool runs a third party's mode, in a process for each worker. All run
// the very bytes that were at the path when it was opened, as nothing else has
// their sum.
type pluginPool struct {
	description modes.Description
	dir         string // for sockets
	workers     []*pluginWorker
}

// openPool starts one process, which says what the mode is; the others start
// when they are needed.
func openPool(ctx context.Context, console *Console, path string, workers int) (*pluginPool, error) {
	sum, err := sumOf(console.Path(path))
	if err != nil {
		return nil, usagef("--plugin %s: %v", path, err)
	}
	dir, err := os.MkdirTemp("", "cq") // short: sockets go there
	if err != nil {
		return nil, fmt.Errorf("make a folder for the plugin %s: %w", path, err)
	}
	config := modeplugin.LaunchConfig{Path: console.Path(path), SHA256: sum, SocketDir: dir}
	if console.Verbose {
		config.Stderr = console.Stderr
	}
	pool := &pluginPool{dir: dir}
	for range max(1, workers) {
		pool.workers = append(pool.workers, newPluginWorker(ctx, config))
	}
	first, err := pool.workers[0].process()
	if err != nil {
		pool.close()
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, &Failure{Code: ExitUsage, Kind: "not_prepared", Message: err.Error(), Hint: "a plugin is one self-contained file that serves a mode: go doc ./modes/modeplugin"}
	}
	pool.description = first.Description()
	return pool, nil
}

func sumOf(path string) (string, error) {
	info, err := os.Stat(path) // before it is opened: a pipe would not return
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() || info.Size() > pluginFileMax {
		return "", fmt.Errorf("want a regular file of at most %d bytes", pluginFileMax)
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, io.LimitReader(f, pluginFileMax)); err != nil {
		return "", err
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

func (p *pluginPool) close() {
	for _, w := range p.workers {
		w.unwatch()
		w.end()
	}
	_ = os.RemoveAll(p.dir) // empty: each socket was removed once it was connected
}
