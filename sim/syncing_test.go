package sim

import (
	"strings"
	"testing"

	"consequor/board"
)

// A sync that says it has reached a board which it has not merged is found out.
func TestCheckMerged(t *testing.T) {
	p, err := Draw(Config{Mode: "quorum", Replicas: 3}, 1)
	if err != nil {
		t.Fatal(err)
	}
	mine, theirs := board.Vector{{Seq: 1, Origin: 1}}, board.Vector{{Seq: 1, Origin: 2}}
	for name, test := range map[string]struct {
		before []board.Vector
		want   string
	}{
		"all empty":                   {[]board.Vector{nil, nil, nil}, ""},
		"theirs is not here":          {[]board.Vector{nil, theirs, nil}, "whose own articles went up to 1 before"},
		"ours is not there":           {[]board.Vector{mine, nil, nil}, "this one's own articles went up to 1 before"},
		"a third one's is on its way": {[]board.Vector{theirs, mine, nil}, ""},
		"one that it has not reached": {[]board.Vector{nil, nil, theirs}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRun(p, nil)
			defer r.cluster.Close()
			for _, replica := range r.cluster.All() {
				replica.Boot()
			}
			o := &asked{session: &session{run: r}, before: test.before}
			o.checkMerged(1, []board.ReplicaID{2})
			switch err := r.cluster.Err(); {
			case test.want == "" && err != nil:
				t.Errorf("it is said that %v", err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("it is said that %v, want %q", err, test.want)
			}
		})
	}
}
