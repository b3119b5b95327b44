package cli

import (
	"regexp"
	"slices"
)

// articleIDsMax bounds the ids that are remembered for completion.
const articleIDsMax = 200

// articleIDs are the ids that were shown, the newest first.
type articleIDs []string

// shownID finds ids where lists, single articles, answers of post and JSON have
// them.
var shownID = regexp.MustCompile(`(?m)^(?: *|article )([0-9]+(?:\.[0-9]+)?)(?:  |$)|"id":"([0-9]+(?:\.[0-9]+)?)"`)

func (a *articleIDs) note(printed string) {
	for _, match := range shownID.FindAllStringSubmatch(printed, articleIDsMax) {
		id := match[1] + match[2]
		*a = slices.DeleteFunc(*a, func(have string) bool { return have == id })
		*a = slices.Insert(*a, 0, id)
	}
	*a = (*a)[:min(len(*a), articleIDsMax)]
}
