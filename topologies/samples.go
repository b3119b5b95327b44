package topologies

import (
	"embed"
	"io/fs"
	"path"
	"slices"
	"strings"
)

//go:embed *.yaml
var samples embed.FS

// Sample returns the text of the sample topology name ("three"), or false.
func Sample(name string) ([]byte, bool) {
	data, err := samples.ReadFile(name + ".yaml")
	return data, err == nil
}

// Samples lists the names of the sample topologies.
func Samples() []string {
	files, err := fs.Glob(samples, "*.yaml")
	if err != nil {
		panic("topologies: a constant pattern is bad: " + err.Error())
	}
	names := make([]string, len(files))
	for i, file := range files {
		names[i] = strings.TrimSuffix(path.Base(file), ".yaml")
	}
	slices.Sort(names) // "quorum" before "quorum-five", unlike their files
	return names
}
