package consequor

import (
	"encoding/json"
	"errors"
	"go/doc"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// mayImport is the picture of who may import whom, among our own packages.
// What is not here may import nothing of ours. Generated packages belong to
// the package above them.
var mayImport = map[string][]string{
	"board":                  {},
	"mutants":                {},
	"modes":                  {"board"},
	"modes/sequential":       {"board", "modes", "mutants"},
	"modes/originlog":        {"board", "modes", "mutants"},
	"modes/quorum":           {"board", "modes", "modes/originlog", "mutants"},
	"modes/readyourwrite":    {"board", "modes", "modes/originlog", "mutants"},
	"modes/builtin":          {"modes", "mutants", "modes/originlog", "modes/sequential", "modes/quorum", "modes/readyourwrite", "modes/example-primary/primary"},
	"modes/modeplugin":       {"board", "modes"},
	"modes/modetest":         {"board", "modes", "modes/modeplugin"},
	"topologies":             {"board", "modes"},
	"replicad/host":          {"board", "modes", "mutants"},
	"replicad/store":         {"board"},
	"replicad/wire":          {"board"},
	"replicad/api":           {"board"},
	"replicad/logfile":       {},
	"replicad/replica":       {"board", "modes", "modes/modeplugin", "replicad/host", "replicad/store", "replicad/wire", "replicad/api", "replicad/logfile", "topologies"},
	"replicad":               {"modes/builtin", "modes/modeplugin", "replicad/replica"},
	"supervisor":             {"board", "modes", "replicad/api", "replicad/logfile", "supervisor/modechange", "topologies"},
	"supervisor/modechange":  {"board", "mutants"},
	"sim/history":            {"board"},
	"sim/cluster":            {"board", "modes", "mutants", "replicad/host"},
	"sim":                    {"board", "modes", "modes/builtin", "mutants", "replicad/host", "sim/cluster", "sim/history", "supervisor/modechange"},
	"sim/report":             {"board", "sim/cluster", "sim/history"},
	"web":                    {"board", "replicad/api", "supervisor"},
	"consequorctl/record":    {"board", "replicad/api", "sim/history", "supervisor"},
	"consequorctl/cli":       {"board", "consequorctl/record", "modes", "modes/builtin", "modes/modeplugin", "mutants", "replicad/api", "replicad/logfile", "replicad/replica", "sim", "sim/cluster", "sim/history", "sim/report", "supervisor", "topologies", "web"},
	"consequorctl":           {"consequorctl/cli"},
	"replicad/wire/wiretest": {"replicad/wire"},

	// A third party's, as an example.
	"modes/example-primary":         {"modes/example-primary/primary", "modes/modeplugin"},
	"modes/example-primary/primary": {"board", "modes"},
}

// pure packages decide and compute; they reach neither clock nor system. Of
// time they may use Duration, which the second test below checks.
var pure = []string{"board", "mutants", "modes", "modes/sequential", "modes/originlog", "modes/quorum", "modes/readyourwrite", "modes/example-primary/primary", "replicad/host", "supervisor/modechange", "sim/cluster", "sim/history"}

var impure = []string{"net", "os", "log", "log/slog", "sync", "sync/atomic", "context", "math/rand", "crypto/rand"}

// homes says which package alone may import a heavy dependency.
var homes = map[string][]string{
	"github.com/hashicorp/yamux":         {"replicad/wire"},
	"github.com/hashicorp/go-plugin":     {"modes/modeplugin"},
	"github.com/cockroachdb/pebble/v2":   {"replicad/store"},
	"gopkg.in/yaml.v3":                   {"topologies"},
	"go.etcd.io/raft/v3":                 {"modes/sequential"},
	"github.com/alecthomas/kong":         {"consequorctl", "consequorctl/cli", "replicad"},
	"github.com/anishathalye/porcupine":  {"sim/history"},
	"github.com/yuin/goldmark":           {"web"},
	"github.com/microcosm-cc/bluemonday": {"web"},
	"os/exec":                            {"supervisor", "modes/modeplugin", "consequorctl/cli"}, // cli: a script's own programs
}

const module = "consequor"

type listed struct {
	ImportPath string
	Dir        string
	Imports    []string
	GoFiles    []string
}

// packages lists the module's packages.
func packages(t *testing.T) []listed {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Dir,Imports,GoFiles", "./...")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var list []listed
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return list
		} else if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
}

// short is a package's path within the module; the second result is false for
// packages of others.
func short(path string) (string, bool) {
	if path == module {
		return "", true
	}
	return strings.CutPrefix(path, module+"/")
}

// owner is the package that a generated one belongs to.
func owner(path string) string {
	for _, generated := range []string{"/internal/modepb", "/consequorpb"} {
		path = strings.TrimSuffix(path, generated)
	}
	return path
}

// Every import between our packages is in the picture, pure packages import
// nothing impure, and heavy dependencies have one home.
func TestImports(t *testing.T) {
	for _, p := range packages(t) {
		from, _ := short(p.ImportPath)
		from = owner(from)
		allowed, known := mayImport[from]
		if !known && from != "" {
			t.Errorf("package %s is not in the picture: add it to mayImport, to doc.go and to the design", from)
		}
		for _, path := range p.Imports {
			to, ours := short(path)
			if to = owner(to); ours && to != from && !slices.Contains(allowed, to) {
				t.Errorf("%s imports %s, which the picture does not allow", from, to)
			}
			if slices.Contains(pure, from) && slices.Contains(impure, path) {
				t.Errorf("%s imports %s, but must stay pure", from, path)
			}
			for heavy, home := range homes {
				if (path == heavy || strings.HasPrefix(path, heavy+"/")) && !slices.Contains(home, from) {
					t.Errorf("%s imports %s, whose home is %v", from, path, home)
				}
			}
		}
	}
}

// Pure packages use of package time nothing but durations.
func TestPurePackagesReadNoClock(t *testing.T) {
	for _, dir := range pure {
		for _, file := range sources(t, dir) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, clock := range []string{"time.Now", "time.Since", "time.Until", "time.After", "time.NewTimer", "time.Tick", "time.Sleep"} {
				if strings.Contains(string(text), clock+"(") {
					t.Errorf("%s calls %s", file, clock)
				}
			}
		}
	}
}

func sources(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no Go files in %s (%v)", dir, err)
	}
	return slices.DeleteFunc(files, func(f string) bool { return strings.HasSuffix(f, "_test.go") })
}

// Every package has a package doc of at least a sentence.
func TestPackageDocs(t *testing.T) {
	for _, p := range packages(t) {
		var text string
		for _, file := range p.GoFiles {
			f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, file), nil, parser.ParseComments|parser.PackageClauseOnly)
			if err != nil {
				t.Fatal(err)
			}
			text += f.Doc.Text()
		}
		if generated := owner(p.ImportPath) != p.ImportPath; !generated && len(new(doc.Package).Synopsis(text)) < 20 {
			t.Errorf("package %s has no package doc", p.ImportPath)
		}
	}
}

// The map in doc.go names every package of the picture, and no other.
func TestMapIsComplete(t *testing.T) {
	text, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	for path := range mayImport {
		if path == "replicad" || path == "consequorctl" || path == "replicad/wire/wiretest" { // mains, and what tests share
			continue
		}
		if !strings.Contains(string(text), "//\t"+path+" ") {
			t.Errorf("doc.go does not name %s", path)
		}
	}
}
