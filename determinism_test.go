package consequor

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// deterministic packages give the same for the same input, whichever run it is:
// a simulation is a function of its seed, and replicas agree. The pure ones do,
// and what makes and judges simulated runs; that one may use goroutines, to run
// several at a time.
var deterministic = append(slices.Clone(pure), "sim")

// orderComment is what a range over a map must say, on its line, with a reason.
const orderComment = "order does not matter"

// globalRandom lists what of math/rand/v2 does not draw from the global source.
var globalRandom = []string{"New", "NewPCG", "NewChaCha8", "NewZipf"}

// clocks lists what of package time looks at a clock or waits for one.
var clocks = []string{"Now", "Since", "Until", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker", "Sleep"}

// A range over a map says why its order does not matter. Nothing is drawn from
// the global source of randomness, no clock is read, no goroutine runs, and
// nothing is chosen among channels.
func TestDeterminism(t *testing.T) {
	var paths []string
	for _, dir := range deterministic {
		paths = append(paths, "./"+dir)
	}
	exports := exportsOf(t, paths...)
	for _, dir := range deterministic {
		s, err := parseSource(dir, sources(t, dir))
		if err == nil {
			err = s.check(exports)
		}
		if err != nil {
			t.Errorf("%s: %v", dir, err)
			continue
		}
		for _, finding := range s.findings(slices.Contains(pure, dir)) {
			t.Error(finding)
		}
	}
}

// Each kind of sin is found, and what is allowed is not.
func TestDeterminismFindsSins(t *testing.T) {
	const text = `package sins

import ("maps"; "math/rand/v2"; "slices"; "time")

func sins(m map[int]int, c, d chan int, random *rand.Rand) (sum int) {
	for k := range m { sum -= k }
	for k := range m { // order does not matter: a sum
		sum += k
	}
	for _, k := range slices.Sorted(maps.Keys(m)) { sum -= k }
	for k := range maps.Keys(m) { sum -= k }
	for _, k := range slices.Collect(maps.Values(m)) { sum -= k }
	for i := range []int{1} { sum -= i }
	sum += random.IntN(3) + rand.IntN(3)
	random = rand.New(rand.NewPCG(1, 2))
	sum += int(time.Now().Unix()) + int(time.Second)
	go sins(m, c, d, random)
	select { case <-c: case <-d: }
	return sum
}
`
	want := []int{6, 11, 12, 14, 16, 17, 18}
	file := t.TempDir() + "/sins.go"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := parseSource("sins", []string{file})
	if err == nil {
		err = s.check(exportsOf(t, "maps", "math/rand/v2", "slices", "time"))
	}
	if err != nil {
		t.Fatal(err)
	}
	var got []int
	for _, f := range s.findings(true) {
		got = append(got, f.at.Line)
	}
	if !slices.Equal(got, want) {
		t.Errorf("sins found in lines %v, want %v", got, want)
	}
}

// exportsOf maps these packages, and what they import, to the compiler's export
// data.
func exportsOf(t *testing.T, paths ...string) map[string]string {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-export", "-deps", "-json=ImportPath,Export"}, paths...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	exports := map[string]string{}
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct{ ImportPath, Export string }
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return exports
		} else if err != nil {
			t.Fatal(err)
		}
		exports[p.ImportPath] = p.Export
	}
}

// source is one package's, with what its names stand for.
type source struct {
	dir   string
	files *token.FileSet
	trees []*ast.File
	info  types.Info

	notes map[token.Position]bool // lines with an orderComment; of positions, file and line
}

func parseSource(dir string, names []string) (*source, error) {
	s := &source{dir: dir, files: token.NewFileSet(), notes: map[token.Position]bool{}}
	for _, name := range names {
		tree, err := parser.ParseFile(s.files, name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		s.trees = append(s.trees, tree)
		for _, group := range tree.Comments {
			for _, c := range group.List {
				if strings.Contains(c.Text, orderComment) && len(c.Text) > len("// ")+len(orderComment) {
					s.notes[s.line(c)] = true
				}
			}
		}
	}
	return s, nil
}

// check finds out what names stand for.
func (s *source) check(exports map[string]string) error {
	s.info = types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Uses: map[*ast.Ident]types.Object{}}
	look := func(path string) (io.ReadCloser, error) {
		if exports[path] == "" {
			return nil, fmt.Errorf("no export data of %s", path)
		}
		return os.Open(exports[path])
	}
	config := types.Config{Importer: importer.ForCompiler(s.files, "gc", look)}
	_, err := config.Check(module+"/"+s.dir, s.files, s.trees, &s.info)
	return err
}

func (s *source) line(n ast.Node) token.Position {
	p := s.files.Position(n.Pos())
	return token.Position{Filename: p.Filename, Line: p.Line}
}

// finding is something that may differ from run to run.
type finding struct {
	at  token.Position
	why string
}

func (f finding) String() string { return fmt.Sprintf("%s:%d: %s", f.at.Filename, f.at.Line, f.why) }

// findings lists them in the order of the source. Strictly: neither clocks nor
// goroutines either.
func (s *source) findings(strictly bool) (found []finding) {
	sorted := map[ast.Expr]bool{} // arguments of what sorts
	for _, tree := range s.trees {
		ast.Inspect(tree, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok && strings.HasPrefix(s.called(call), "slices.Sorted") {
				sorted[call.Args[0]] = true
			}
			if why := s.sin(n, sorted, strictly); why != "" {
				found = append(found, finding{s.line(n), why})
			}
			return true
		})
	}
	return found
}

func (s *source) sin(n ast.Node, sorted map[ast.Expr]bool, strictly bool) string {
	switch n := n.(type) {
	case *ast.RangeStmt:
		if _, isMap := s.info.TypeOf(n.X).Underlying().(*types.Map); isMap && !s.notes[s.line(n)] {
			return "range over a map: walk it in order, or say on this line why its " + orderComment
		}
	case *ast.CallExpr:
		name := s.called(n)
		unordered := name == "maps.Keys" || name == "maps.Values" || name == "maps.All"
		if unordered && !sorted[n] && !s.notes[s.line(n)] {
			return name + " without slices.Sorted around it"
		}
	case *ast.Ident:
		return s.sinOfName(n, strictly)
	case *ast.GoStmt:
		if strictly {
			return "a goroutine"
		}
	case *ast.SelectStmt:
		if strictly {
			return "a choice among channels"
		}
	}
	return ""
}

func (s *source) sinOfName(n *ast.Ident, strictly bool) string {
	f, ok := s.info.Uses[n].(*types.Func)
	if !ok || f.Pkg() == nil || f.Signature().Recv() != nil {
		return ""
	}
	switch path := f.Pkg().Path(); {
	case path == "math/rand", path == "math/rand/v2" && !slices.Contains(globalRandom, f.Name()):
		return "rand." + f.Name() + " draws from the global source"
	case path == "hash/maphash":
		return "maphash." + f.Name() + " depends on the process"
	case path == "time" && strictly && slices.Contains(clocks, f.Name()):
		return "time." + f.Name() + " looks at a clock"
	}
	return ""
}

// called names the function of another package that is called: "maps.Keys".
func (s *source) called(call *ast.CallExpr) string {
	selector, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	f, ok := s.info.Uses[selector.Sel].(*types.Func)
	if !ok || f.Pkg() == nil || f.Signature().Recv() != nil {
		return ""
	}
	return f.Pkg().Name() + "." + f.Name()
}
