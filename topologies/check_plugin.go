package topologies

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"gopkg.in/yaml.v3"
)

// pluginSizeMax bounds a plugin's file, as package modeplugin does.
const pluginSizeMax = 1 << 30

// checkPlugin asks whether a plugin's file is there and has its sum, where the
// file was to be looked at. path and sum are where these stand; nil: nowhere.
func (p *parser) checkPlugin(mode Mode, path, sum *yaml.Node) {
	if !p.options.CheckPlugins || mode.Plugin == "" {
		return
	}
	what := "modes." + mode.Name
	have, err := sumFile(mode.Plugin)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		p.errorf(path, "%s.plugin: there is no file %s", what, mode.Plugin)
	case err != nil:
		p.errorf(path, "%s.plugin: %v", what, err)
	case mode.SHA256 != "" && mode.SHA256 != have:
		p.errorf(sum, "%s.sha256: the sum of %s is %s, not %s", what, mode.Plugin, have, mode.SHA256)
	}
}

// sumFile returns the SHA-256 of a file, in hex. A pipe or a device may never
// end, and is not opened.
func sumFile(path string) (string, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return "", err
	case !info.Mode().IsRegular():
		return "", fmt.Errorf("%s: want a regular file", path)
	case info.Size() > pluginSizeMax:
		return "", fmt.Errorf("%s: %d bytes, the limit is %d", path, info.Size(), pluginSizeMax)
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, io.LimitReader(f, pluginSizeMax)); err != nil {
		return "", err
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}
