package board

import (
	"strconv"
	"strings"
)

// KeyCountMax is how far back keys are remembered: the articles next below the
// id that is about to be given. An older key is refused as unknown, never
// taken for a new one.
const KeyCountMax = 100_000

// Key makes a post safe to repeat: all posts with one key are one article. Its
// text is what clients keep, show and send again; it is opaque but for a
// suffix that the client's library writes:
//
//	NAME~MARK.HOME     7f3a9c01d2e4b5a6~41.2
type Key struct {
	Text string    // whole, at most KeyLenMax bytes; this is the key's identity
	Mark uint64    // the highest seq its client had seen when it made the key
	Home ReplicaID // the replica it was first sent to; 0 when not named
}

// MakeKey writes mark and home behind name.
func MakeKey(name string, mark uint64, home ReplicaID) Key {
	text := name + "~" + strconv.FormatUint(mark, 10) + "." + strconv.FormatUint(uint64(home), 10)
	return Key{text, mark, home}
}

// ParseKey finds mark and home in a key's text. A text without them, such as a
// user's own key, has mark 0 and no home.
func ParseKey(text string) Key {
	k := Key{Text: text}
	at := strings.LastIndexByte(text, '~')
	if at < 0 {
		return k
	}
	markText, homeText, _ := strings.Cut(text[at+1:], ".")
	mark, err := strconv.ParseUint(markText, 10, 64)
	if err != nil {
		return k
	}
	home, err := strconv.ParseUint(homeText, 10, 32)
	if err != nil {
		return k
	}
	k.Mark, k.Home = mark, ReplicaID(home)
	return k
}

// KeyedID is a key together with the article that it stands for.
type KeyedID struct {
	ID  ArticleID
	Key string
}
