package cli

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

var rewriteDocs = flag.Bool("rewrite", false, "write the words' part of SCRIPTS.md anew")

// The engine knows the words that are told of, and no other; each has an
// example that begins with it.
func TestEveryWordIsTold(t *testing.T) {
	engine := newEngine(&Console{Output: &Output{}})
	told := wordNames()
	for name := range engine.Cmds {
		if !slices.Contains(told, name) {
			t.Errorf("nobody tells what %s means: add it to ownWords", name)
		}
	}
	for _, d := range allWords() {
		if engine.Cmds[d.Name] == nil {
			t.Errorf("scripts do not know %s", d.Name)
		}
		if !slices.Contains(strings.Fields(d.Example), d.Name) {
			t.Errorf("%s has no example: add one to commandExamples", d.Name)
		}
		if d.Meaning == "" || d.Group == "" {
			t.Errorf("%+v", d)
		}
	}
	for name := range commandExamples {
		if commandNames()[name] == "" {
			t.Errorf("there is an example of %s, which is no command", name)
		}
	}
}

// SCRIPTS.md ends with every word.
func TestScriptsDocument(t *testing.T) {
	const path, heading = "../SCRIPTS.md", "## Words\n\n"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	intro, words, found := strings.Cut(string(text), heading)
	if !found {
		t.Fatalf("%s has no line %q", path, heading)
	}
	want := wordsDocument()
	if *rewriteDocs {
		if err := os.WriteFile(path, []byte(intro+heading+want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if words != want {
		t.Errorf("%s is out of date: go test ./consequorctl/cli -run TestScriptsDocument -rewrite", path)
	}
}

func wordsDocument() string {
	var b strings.Builder
	fmt.Fprintln(&b, "Written by `go test ./consequorctl/cli -run TestScriptsDocument -rewrite` from what `help` and `run --words` tell.")
	group := ""
	for _, d := range allWords() {
		if d.Group != group {
			group = d.Group
			fmt.Fprintf(&b, "\n### %s\n\n", group)
		}
		fmt.Fprintf(&b, "- **`%s`** %s\n  `%s`\n", strings.TrimSpace(d.Name+" "+d.Grammar), d.Meaning, d.Example)
	}
	return b.String()
}

// Every word occurs in a script, which go test plays.
func TestEveryWordIsInAScript(t *testing.T) {
	paths, err := filepath.Glob("../testdata/script/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no scripts (%v)", err)
	}
	p := newPlayer(&Console{Output: &Output{}}, new(play))
	said := make(map[string]bool)
	for _, path := range paths {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		played := saidIn(p, archive.Comment, said)
		for _, f := range archive.Files {
			if slices.Contains(played, f.Name) {
				saidIn(p, f.Data, said)
			}
		}
	}
	for _, name := range wordNames() {
		if !said[name] {
			t.Errorf("no script says %s", name)
		}
	}
}

// saidIn notes the words of a script, those behind other words too, and returns
// the sections that it plays.
func saidIn(p *player, text []byte, said map[string]bool) (played []string) {
	for line := range bytes.Lines(text) {
		words := strings.Fields(string(line))
		for len(words) > 0 && (words[0] == "!" || words[0] == "?" || strings.HasPrefix(words[0], "[")) {
			words = words[1:]
		}
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		if words[0] == "sessions" {
			played = append(played, words[1:]...)
		}
		for len(words) > 0 {
			said[words[0]] = true
			skip, before := p.operands(words[0], words[1:])
			if !before || len(words) < 2+skip {
				break
			}
			words = words[1+skip:]
		}
	}
	return played
}
