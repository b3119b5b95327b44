package board

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// ReplicaID is a replica's number within its cluster, from 1. As the origin of
// an article, 0 is the cluster itself.
type ReplicaID uint32

// Cluster is the origin of articles whose order the whole cluster decided.
const Cluster ReplicaID = 0

// String gives the replica's default name, "r1".
func (r ReplicaID) String() string { return "r" + strconv.FormatUint(uint64(r), 10) }

// ArticleID names an article for ever. The zero ArticleID names none.
type ArticleID struct {
	Seq    uint64    // from 1, rising within its origin
	Origin ReplicaID // who gave the id; Cluster if all of them did
}

// IsZero reports whether id names no article (the parent of a root).
func (id ArticleID) IsZero() bool { return id == ArticleID{} }

// Compare orders ids by (seq, origin): -1, 0 or +1.
func (id ArticleID) Compare(other ArticleID) int {
	if c := cmp.Compare(id.Seq, other.Seq); c != 0 {
		return c
	}
	return cmp.Compare(id.Origin, other.Origin)
}

// Before returns the id next below id in that order.
func (id ArticleID) Before() ArticleID {
	if id.Origin > 0 {
		return ArticleID{id.Seq, id.Origin - 1}
	}
	return ArticleID{id.Seq - 1, math.MaxUint32}
}

// String gives "17" for an id of the cluster and "17.2" for one of replica 2.
func (id ArticleID) String() string {
	if id.Origin == Cluster {
		return strconv.FormatUint(id.Seq, 10)
	}
	return strconv.FormatUint(id.Seq, 10) + "." + strconv.FormatUint(uint64(id.Origin), 10)
}

// ParseArticleID reads what String writes, and nothing else.
func ParseArticleID(text string) (ArticleID, error) {
	seqText, originText, dotted := strings.Cut(text, ".")
	seq, err := strconv.ParseUint(seqText, 10, 64)
	if err != nil || seq == 0 {
		return ArticleID{}, fmt.Errorf("article id %q: want a number from 1, as in 17 or 17.2", text)
	}
	id := ArticleID{Seq: seq}
	if dotted {
		origin, err := strconv.ParseUint(originText, 10, 32)
		if err != nil || origin == 0 {
			return ArticleID{}, fmt.Errorf("article id %q: want a replica number from 1 after the dot, as in 17.2", text)
		}
		id.Origin = ReplicaID(origin)
	}
	if id.String() != text {
		return ArticleID{}, fmt.Errorf("article id %q: write it as %s", text, id)
	}
	return id, nil
}
