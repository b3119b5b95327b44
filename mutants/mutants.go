// Package mutants names the ways in which the protocol can be broken on
// purpose.
//
// A checker is worth what it catches. So each rule whose loss would cost
// somebody an article has a mutant: one place in the code, beside the rule,
// where the rule is left out when a simulator asks for that by name. There are
// no copies of the protocol; and nothing but a simulator or a test can ask,
// because no option, environment variable or message leads there.
//
//	if l.mutant != mutants.M16 {
//		... what the rule says ...
//	}
//
// Mutants inside the raft engine, whose code is not ours, are made by tampering
// with what goes in and comes out of it (M2, M3, M4, M6, M7).
//
// The idea is mutation testing's (DeMillo, Lipton, Sayward 1978: Hints on Test
// Data Selection), with mutants chosen by hand, as each stands for a mistake
// that somebody has made.
package mutants

import (
	"fmt"
	"strconv"
	"strings"
)

// Mutant is one of them; the zero Mutant breaks nothing.
type Mutant uint8

// The mutants, by the part that they break.
const (
	None Mutant = iota

	// The log of sequential.
	M1
	M2
	M3
	M4
	M5
	M6
	M7
	M8
	M9
	M10
	M11
	M12
	M13
	M14

	// The origin logs, quorum, sessions and keys.
	M15
	M16
	M17
	M18
	M19
	M20
	M21
	M22
	M23
	M24
	M25
	M26
	M27
	M28
	M29
	M30

	// Boards.
	M31
	M32
	M33

	// The host.
	M34
	M35
	M36
	M37

	// The mode change.
	M38
	M39
	M40
	M41

	end
)

// words says what each mutant does wrong, in a sentence without a subject.
var words = [end]string{
	M1:  "acknowledges a post before a majority has it",
	M2:  "is elected without a majority",
	M3:  "answers a vote before it is saved",
	M4:  "obeys messages of lower terms",
	M5:  "sends an answer without waiting for the disk",
	M6:  "counts an entry of an older term as committed",
	M7:  "votes for a candidate whose log is behind",
	M8:  "serves a fresh read without a barrier",
	M9:  "uses the contexts of barriers again in the plugin's next life",
	M10: "draws the id when a post is proposed, not when it is applied",
	M11: "takes the next id from the board after a restart",
	M12: "holds what is sent for its own batch only, not for those before it",
	M13: "keeps the end of the log under a snapshot that was installed",
	M14: "drops messages to itself when it is busy",

	M15: "reads from so few that R + W = N",
	M16: "reads without writing back",
	M17: "serves the whole board instead of what was found on enough disks",
	M18: "acknowledges at W - 1 copies",
	M19: "asks only N - W replicas for their highest seq",
	M20: "fixes the seq before the others have told theirs",
	M21: "pushes an article before it is durable at its origin",
	M22: "counts a copy that is held, but not durable",
	M23: "serves the board with the highest id instead of the join",
	M24: "drops the session's token when it goes to another replica",
	M25: "overwrites the session's token instead of joining",
	M26: "takes a post without waiting for its token",
	M27: "gives an id to a key whose home is elsewhere",
	M28: "forgets the keys at a mode change",
	M29: "takes a key that is too old for a new one",
	M30: "refuses a post that was proposed",

	M31: "takes a span though something before it is missing",
	M32: "replaces the board at a sync instead of merging",
	M33: "forgets the journal before the board is durable",

	M34: "applies the effects of a plugin that has died",
	M35: "applies half a batch",
	M36: "accepts messages of an older incarnation",
	M37: "starts a replica whose disk was lost as if it were new",

	M38: "acknowledges a post after the seal",
	M39: "uses an epoch's number again after a change was called off",
	M40: "activates before all boards are equal and on disk",
	M41: "tells replicas of a decision that is not durable yet",
}

// All lists them in order.
func All() []Mutant {
	var all []Mutant
	for m := M1; m < end; m++ {
		all = append(all, m)
	}
	return all
}

// String gives "M16".
func (m Mutant) String() string {
	if m == None {
		return "none"
	}
	return "M" + strconv.Itoa(int(m))
}

// Words says what the mutant does wrong: "reads without writing back".
func (m Mutant) Words() string { return words[m] }

// Parse reads what String writes.
func Parse(name string) (Mutant, error) {
	n, err := strconv.Atoi(strings.TrimPrefix(strings.ToUpper(name), "M"))
	if err != nil || n < 1 || n >= int(end) {
		return None, fmt.Errorf("there is no mutant %q: they are M1 to %s", name, end-1)
	}
	return Mutant(n), nil
}
