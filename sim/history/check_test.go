package history

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "write the verdicts of the stories anew; commit only what you can explain")

// Each story of testdata says how it must be judged: by which checker, for
// which property, by which operations and in which words; or that it is right.
// Its title names checker and property as well, and is not rewritten.
func TestStories(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no stories", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		parts := strings.Split("\n"+string(text), "\n== ")
		for i, part := range parts[1:] {
			name, rest, _ := strings.Cut(part, "\n")
			t.Run(strings.TrimSuffix(filepath.Base(file), ".txt")+"/"+name, func(t *testing.T) {
				story, want, ok := strings.Cut(rest, "\n-> ")
				if !ok {
					t.Fatal("no verdict is given")
				}
				got := verdict(Check(readStory(t, story), StepsDefault))
				parts[i+1] = strings.TrimRight(name+"\n"+story+"\n-> "+got, "\n") + "\n"
				if title, _, _ := strings.Cut(name, ":"); strings.HasPrefix(file, "testdata/bad") && !strings.HasPrefix(got, title+" [") {
					t.Errorf("judged\n  %s\nwant it rejected for %s", got, title)
				}
				if strings.HasPrefix(file, "testdata/good") && got != "ok" {
					t.Errorf("judged\n  %s\nwant it accepted", got)
				}
				if want = strings.TrimSpace(want); got != want && !*rewrite {
					t.Errorf("judged\n  %s\nwant\n  %s", got, want)
				}
			})
		}
		if *rewrite {
			if err := os.WriteFile(file, []byte(strings.TrimPrefix(strings.Join(parts, "\n== "), "\n")), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}
