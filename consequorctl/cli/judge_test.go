package cli

import (
	"slices"
	"strings"
	"testing"

	"consequor/board"
	"consequor/replicad/api"
)

func seq(n uint64) board.ArticleID { return board.ArticleID{Seq: n} }

func acked(title string, n uint64) posted { return posted{Title: title, ID: seq(n)} }

// boardOf is a board with these titles under the ids 1, 2, 3, ...
func boardOf(titles ...string) []copied {
	var list []copied
	for i, title := range titles {
		list = append(list, copyOf(&board.Article{ID: seq(uint64(i + 1)), Title: title, Body: "body of " + title}))
	}
	return list
}

func at(n uint64, origin board.ReplicaID) board.ArticleID {
	return board.ArticleID{Seq: n, Origin: origin}
}

// boardAt is a board with these titles under these ids.
func boardAt(ids []board.ArticleID, titles ...string) []copied {
	list := boardOf(titles...)
	for i := range list {
		list[i].ID = ids[i]
	}
	return list
}

func edited(list []copied, edit func([]copied)) []copied {
	list = slices.Clone(list)
	edit(list)
	return list
}

// Histories without a fault, with everything that a fault looks like to a
// careless judge: retries, unknown posts that were done and that were not,
// articles of other people, a thread.
func TestJudgeAccepts(t *testing.T) {
	thread := edited(boardOf("a", "b", "c"), func(l []copied) { l[2].Parent = seq(1) })
	mixed := boardAt([]board.ArticleID{seq(1), at(2, 1), at(2, 3), at(7, 2), seq(8), seq(9)}, "a", "x", "y", "b", "c", "d")
	for name, h := range map[string]evidence{
		"nothing at all":               {},
		"an empty board":               {Boards: map[string][]copied{"r1": nil, "r2": nil}},
		"all acknowledged, all there":  {Posts: []posted{acked("b", 2), acked("a", 1)}, Boards: map[string][]copied{"r1": boardOf("a", "b"), "r2": boardOf("a", "b")}},
		"unknown, done":                {Posts: []posted{acked("a", 1), {Title: "b", Outcome: api.Unknown}}, Boards: map[string][]copied{"r1": boardOf("a", "b")}},
		"unknown, not done":            {Posts: []posted{acked("a", 1), {Title: "b", Outcome: api.Unknown}}, Boards: map[string][]copied{"r1": boardOf("a")}},
		"refused, not there":           {Posts: []posted{acked("a", 1), {Title: "b", Outcome: api.Refused}}, Boards: map[string][]copied{"r1": boardOf("a")}},
		"somebody else's, equal title": {Posts: []posted{acked("b", 3)}, Boards: map[string][]copied{"r1": boardOf("x", "x", "b")}},
		"a thread":                     {Posts: []posted{acked("c", 3)}, Boards: map[string][]copied{"r1": thread, "r2": thread}},
		"ids of replicas, with holes":  {Posts: []posted{{Title: "b", ID: at(7, 2)}}, Boards: map[string][]copied{"r1": mixed, "r2": mixed}},
		"an epoch after another":       {Posts: []posted{acked("a", 1), {Title: "b", ID: at(7, 2), Above: 1}}, Boards: map[string][]copied{"r1": mixed}},
	} {
		t.Run(name, func(t *testing.T) {
			if v := judge(h); !v.OK() {
				t.Errorf("rejected a good history: %q", v.Violations)
			}
		})
	}
}

// Each history is broken in one way, and must be rejected for that, in words
// that name the replica and the article.
func TestJudgeRejects(t *testing.T) {
	ab := boardOf("a", "b")
	both := func(l []copied) map[string][]copied { return map[string][]copied{"r1": l, "r2": l} }
	for _, c := range []struct {
		name  string
		h     evidence
		count func(*verdict) int
		says  string
	}{
		{"lost everywhere", evidence{[]posted{acked("a", 1), acked("b", 2)}, both(boardOf("a"))},
			func(v *verdict) int { return v.Lost }, `r1 lacks "b", acknowledged as 2`},
		{"lost on one replica", evidence{[]posted{acked("a", 1), acked("b", 2)}, map[string][]copied{"r1": ab, "r2": boardOf("a")}},
			func(v *verdict) int { return v.Lost }, `r2 lacks "b", acknowledged as 2`},
		{"a retry landed twice", evidence{[]posted{acked("a", 1)}, both(boardOf("a", "a"))},
			func(v *verdict) int { return v.Doubled }, `r1 has "a" twice, as 1 and 2`},
		{"an unknown post landed twice", evidence{[]posted{{Title: "a", Outcome: api.Unknown}}, both(boardOf("a", "a"))},
			func(v *verdict) int { return v.Doubled }, `r1 has "a" twice, as 1 and 2`},
		{"one id told twice", evidence{[]posted{acked("a", 1), acked("b", 1)}, both(ab)},
			func(v *verdict) int { return v.Doubled }, `id 1 was told to "a" and to "b"`},
		{"one id listed twice", evidence{[]posted{acked("a", 1)}, both(edited(ab, func(l []copied) { l[1].ID = seq(1) }))},
			func(v *verdict) int { return v.Doubled }, "r1 lists id 1 twice"},
		{"another id than told", evidence{[]posted{acked("a", 2), acked("b", 1)}, both(ab)},
			func(v *verdict) int { return v.Changed }, `r1 has "a" as 1, acknowledged as 2`},
		{"refused, yet there", evidence{[]posted{acked("a", 1), {Title: "b", Outcome: api.Refused}}, both(ab)},
			func(v *verdict) int { return v.Undead }, `r1 has "b" as 2, which was refused`},
		{"a hole in the ids", evidence{[]posted{acked("a", 1)}, both(edited(ab, func(l []copied) { l[1].ID = seq(3) }))},
			func(v *verdict) int { return v.Missing }, "r1 lists id 3 right after 1"},
		{"ids that do not begin with 1", evidence{nil, both(edited(boardOf("a"), func(l []copied) { l[0].ID = seq(2) }))},
			func(v *verdict) int { return v.Missing }, "r1 lists id 2 right after 0"},
		{"ids out of order", evidence{nil, both(edited(ab, func(l []copied) { l[0], l[1] = l[1], l[0] }))},
			func(v *verdict) int { return v.Missing }, "r1 lists id 1 after 2"},
		{"a reply without its parent", evidence{nil, both(edited(ab, func(l []copied) { l[1].Parent = seq(9) }))},
			func(v *verdict) int { return v.Missing }, "r1 lists id 2 without its parent 9"},
		{"the cluster goes on with a hole", evidence{nil, both(boardAt([]board.ArticleID{at(1, 2), seq(5), seq(7)}, "a", "b", "c"))},
			func(v *verdict) int { return v.Missing }, "r1 lists id 7 right after 5"},
		{"a replica takes a seq of the cluster", evidence{nil, both(boardAt([]board.ArticleID{seq(1), at(1, 2)}, "a", "b"))},
			func(v *verdict) int { return v.Sunk }, "r1 lists id 1.2 beside 1"},
		{"an id below an epoch that was over", evidence{[]posted{acked("b", 2), {Title: "a", ID: seq(1), Above: 2}}, both(ab)},
			func(v *verdict) int { return v.Sunk }, `"a" was given id 1, but an epoch that was over had given 2`},
		{"other content under one id", evidence{nil, map[string][]copied{"r1": ab, "r2": edited(ab, func(l []copied) { l[1].Digest[0]++ })}},
			func(v *verdict) int { return v.Unequal }, `r1 has 2 "b", r2 has 2 "b" with other content`},
		{"another order", evidence{nil, map[string][]copied{"r1": ab, "r2": boardOf("b", "a")}},
			func(v *verdict) int { return v.Unequal }, `r1 has 1 "a", r2 has 1 "b" with other content`},
		{"one board shorter", evidence{nil, map[string][]copied{"r1": ab, "r2": boardOf("a")}},
			func(v *verdict) int { return v.Unequal }, "r1 has 2, r2 has not"},
		{"one board longer", evidence{nil, map[string][]copied{"r1": boardOf("a"), "r2": ab}},
			func(v *verdict) int { return v.Unequal }, "r2 has 2, r1 has not"},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := judge(c.h)
			if v.OK() || c.count(v) == 0 {
				t.Fatalf("accepted, or rejected for something else: %+v", v)
			}
			if all := strings.Join(v.Violations, "\n"); !strings.Contains(all, c.says) {
				t.Errorf("said %q, want %q", all, c.says)
			}
		})
	}
}
