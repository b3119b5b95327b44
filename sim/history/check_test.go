package history

import (
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"consequor/board"
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

// A history that broke off is judged by what no end could have made good.
func TestCheckAnswers(t *testing.T) {
	post := func(number int, key string, ids ...board.ArticleID) Op {
		return Op{Number: number, Session: number, Replica: board.ReplicaID(number), Verb: Post, Key: key, IDs: ids}
	}
	one, two := board.ArticleID{Seq: 1}, board.ArticleID{Seq: 2}
	for name, test := range map[string]struct {
		ops  []Op
		want *Verdict
	}{
		"nothing":            {},
		"two posts, two ids": {ops: []Op{post(1, "a", one), post(2, "b", two)}},
		"two posts, one id":  {ops: []Op{post(1, "a", one), post(2, "b", one)}, want: &Verdict{Checker: "C0", Outcome: Violated, Property: "one id, one key", Ops: []int{1, 2}}},
		"one post, two ids":  {ops: []Op{post(1, "a", one, two)}, want: &Verdict{Checker: "C0", Outcome: Violated, Property: "one key, one id", Ops: []int{1}}},
	} {
		got := CheckAnswers(&History{Ops: test.ops})
		if got != nil {
			got.Sentence = ""
		}
		if !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: got %+v, want %+v", name, got, test.want)
		}
	}
}
