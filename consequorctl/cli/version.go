package cli

import (
	"cmp"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strings"

	"consequor/modes/builtin"
)

// versionCmd tells what this program was built from.
type versionCmd struct{}

type versionResult struct {
	Version string   `json:"version"`
	Commit  string   `json:"commit"`
	Changed bool     `json:"changed"` // built from more than the commit
	Go      string   `json:"go"`
	Modes   []string `json:"modes"` // built in
}

func (versionCmd) Run(console *Console) error {
	result := versionOf()
	return console.Result(result, func(w io.Writer) {
		commit := cmp.Or(result.Commit, "unknown")
		if result.Changed {
			commit += ", changed since"
		}
		fmt.Fprintf(w, "consequorctl %s (commit %s), %s\nmodes: %s\n", result.Version, commit, result.Go, strings.Join(result.Modes, ", "))
	})
}

func versionOf() versionResult {
	result := versionResult{Version: "(devel)", Go: runtime.Version(), Modes: []string{}}
	for _, m := range builtin.Modes() {
		result.Modes = append(result.Modes, m.Description.Name)
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return result
	}
	result.Version = cmp.Or(info.Main.Version, result.Version)
	for _, setting := range info.Settings {
		switch setting.Key {
		case "vcs.revision":
			result.Commit = setting.Value
		case "vcs.modified":
			result.Changed = setting.Value == "true"
		}
	}
	return result
}
