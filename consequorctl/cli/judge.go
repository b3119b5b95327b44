package cli

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"

	"consequor/board"
	"consequor/replicad/api"
)

// The judge of a load: from what clients were told and what the boards hold at
// the end it says what was broken. It shares no code with what it judges, and
// does not trust keys: each post has a title that no other post has.

// posted is one post as its client saw it, all tries of its key together.
type posted struct {
	Title   string
	ID      board.ArticleID // zero unless it was acknowledged
	Outcome api.Outcome     // empty: acknowledged
	Above   uint64          // the highest seq told in an epoch that was over before this was sent
}

// copied is one article as a replica lists it at the end.
type copied struct {
	ID     board.ArticleID
	Parent board.ArticleID
	Title  string
	Digest [sha256.Size]byte // of all its texts and its time
}

func copyOf(a *board.Article) copied {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q %q %d", a.Author, a.Title, a.Body, a.Time)
	c := copied{ID: a.ID, Parent: a.Parent, Title: a.Title}
	h.Sum(c.Digest[:0])
	return c
}

// evidence is what the judge is given.
type evidence struct {
	Posts  []posted
	Boards map[string][]copied // by replica: every article, in the order listed
}

// verdict counts what was seen and what was broken. Violations tell the first
// few in words.
type verdict struct {
	Acknowledged int      `json:"acknowledged"`
	Refused      int      `json:"refused"`
	Unknown      int      `json:"unknown"`
	Lost         int      `json:"lost"`    // acknowledged, but not on some board
	Doubled      int      `json:"doubled"` // one post twice on a board, or one id for two posts
	Changed      int      `json:"changed"` // on a board under another id than acknowledged
	Undead       int      `json:"undead"`  // refused, but on some board
	Missing      int      `json:"missing"` // ids that a board leaves out, or lists out of order
	Unequal      int      `json:"unequal"` // articles that two boards do not agree on
	Sunk         int      `json:"sunk"`    // ids not above those of an epoch that was over
	Violations   []string `json:"violations"`
}

const violationsToldMax = 20

// OK reports whether nothing was broken.
func (v *verdict) OK() bool {
	return v.Lost+v.Doubled+v.Changed+v.Undead+v.Missing+v.Unequal+v.Sunk == 0
}

func (v *verdict) tell(count *int, format string, args ...any) {
	*count++
	if len(v.Violations) < violationsToldMax {
		v.Violations = append(v.Violations, fmt.Sprintf(format, args...))
	}
}

// judge compares the posts with each board, and the boards with each other.
func judge(h evidence) *verdict {
	v := &verdict{Violations: []string{}}
	v.countOutcomes(h.Posts)
	names := slices.Sorted(maps.Keys(h.Boards))
	for _, name := range names {
		v.judgeOrder(name, h.Boards[name])
		v.judgePosts(name, h.Boards[name], h.Posts)
	}
	for _, name := range names[min(1, len(names)):] {
		v.judgeEqual(names[0], h.Boards[names[0]], name, h.Boards[name])
	}
	return v
}

func (v *verdict) countOutcomes(posts []posted) {
	told := make(map[board.ArticleID]string)
	for _, p := range posts {
		switch p.Outcome {
		case api.Refused:
			v.Refused++
			continue
		case api.Unknown:
			v.Unknown++
			continue
		}
		v.Acknowledged++
		if other, taken := told[p.ID]; taken {
			v.tell(&v.Doubled, "id %s was told to %q and to %q", p.ID, other, p.Title)
		}
		told[p.ID] = p.Title
		if p.ID.Seq <= p.Above {
			v.tell(&v.Sunk, "%q was given id %s, but an epoch that was over had given %d", p.Title, p.ID, p.Above)
		}
	}
}

// judgeOrder: ids rise, those of the cluster by one. Where an epoch ends, the
// next one's are above all, so the cluster and a replica never share a seq. A
// reply has its parent above it in the list.
func (v *verdict) judgeOrder(name string, articles []copied) {
	listed := make(map[board.ArticleID]bool, len(articles))
	var last board.ArticleID
	for _, a := range articles {
		switch {
		case listed[a.ID]:
			v.tell(&v.Doubled, "%s lists id %s twice", name, a.ID)
		case a.ID.Compare(last) < 0:
			v.tell(&v.Missing, "%s lists id %s after %s", name, a.ID, last)
		case a.ID.Origin == board.Cluster && last.Origin == board.Cluster && a.ID.Seq != last.Seq+1:
			v.tell(&v.Missing, "%s lists id %s right after %d", name, a.ID, last.Seq)
		case last.Origin == board.Cluster && a.ID.Seq == last.Seq:
			v.tell(&v.Sunk, "%s lists id %s beside %s: a replica and the cluster gave out one seq", name, a.ID, last)
		}
		if !a.Parent.IsZero() && !listed[a.Parent] {
			v.tell(&v.Missing, "%s lists id %s without its parent %s", name, a.ID, a.Parent)
		}
		listed[a.ID], last = true, a.ID
	}
}

func (v *verdict) judgePosts(name string, articles []copied, posts []posted) {
	byTitle := make(map[string]board.ArticleID, len(articles))
	twice := make(map[string]board.ArticleID)
	for _, a := range articles {
		if _, there := byTitle[a.Title]; there {
			twice[a.Title] = a.ID
		} else {
			byTitle[a.Title] = a.ID
		}
	}
	for _, p := range posts {
		id, there := byTitle[p.Title]
		if second, doubled := twice[p.Title]; doubled {
			v.tell(&v.Doubled, "%s has %q twice, as %s and %s", name, p.Title, id, second)
		}
		switch {
		case p.Outcome == api.Refused && there:
			v.tell(&v.Undead, "%s has %q as %s, which was refused", name, p.Title, id)
		case p.Outcome == "" && !there:
			v.tell(&v.Lost, "%s lacks %q, acknowledged as %s", name, p.Title, p.ID)
		case p.Outcome == "" && id != p.ID:
			v.tell(&v.Changed, "%s has %q as %s, acknowledged as %s", name, p.Title, id, p.ID)
		}
	}
}

func (v *verdict) judgeEqual(first string, a []copied, second string, b []copied) {
	for i := range max(len(a), len(b)) {
		switch {
		case i >= len(a):
			v.tell(&v.Unequal, "%s has %s, %s has not", second, b[i].ID, first)
		case i >= len(b):
			v.tell(&v.Unequal, "%s has %s, %s has not", first, a[i].ID, second)
		case a[i] != b[i]:
			v.tell(&v.Unequal, "article %d of the list: %s has %s %q, %s has %s %q with other content",
				i+1, first, a[i].ID, a[i].Title, second, b[i].ID, b[i].Title)
		}
	}
}
