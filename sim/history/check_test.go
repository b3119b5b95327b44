package history

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Each story of testdata says how it must be judged: by which checker, for
// which property, by which operations and in which words; or that it is right.
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
		for part := range strings.SplitSeq("\n"+string(text), "\n== ") {
			name, rest, ok := strings.Cut(part, "\n")
			if !ok || strings.TrimSpace(name) == "" {
				continue
			}
			t.Run(strings.TrimSuffix(filepath.Base(file), ".txt")+"/"+name, func(t *testing.T) {
				story, want, ok := strings.Cut(rest, "\n-> ")
				if !ok {
					t.Fatal("no verdict is given")
				}
				got := verdict(Check(readStory(t, story), StepsDefault))
				if want = strings.TrimSpace(want); got != want {
					t.Errorf("judged\n  %s\nwant\n  %s", got, want)
				}
			})
		}
	}
}
