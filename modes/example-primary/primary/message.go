package primary

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"consequor/board"
	"consequor/modes"
)

// kind is what a message says. The capital words are those of the protocol.
type kind byte

const (
	kindHello      kind = iota + 1 // HELLO: leader (0: none known), backup, board
	kindNominate                   // NOMINATE: lead
	kindNewLeader                  // NEWLEADER: leader is the sender; backup, board
	kindGetID                      // GET_ID: life, request, mark, one article without its id
	kindBackupdate                 // BACKUPDATE: articles
	kindHave                       // HAVE: board, as it is on disk; gap: something was missing
	kindWrite                      // WRITE: given; most often with a span
	kindSync                       // SYNC: life, request, board: what is beyond it?
	kindSynced                     // with a span: life, request
)

var kindNames = map[kind]string{
	kindHello: "HELLO", kindNominate: "NOMINATE", kindNewLeader: "NEWLEADER", kindGetID: "GET_ID", kindBackupdate: "BACKUPDATE",
	kindHave: "HAVE", kindWrite: "WRITE", kindSync: "SYNC", kindSynced: "SYNCED",
}

func kindNamed(name string) kind {
	for k, n := range kindNames { // order does not matter: names differ
		if n == name {
			return k
		}
	}
	return 0
}

// message is every message. On the wire it is a line that people can read, too,
// in a trace of consequorctl sim, with the fields that are not zero:
//
//	NEWLEADER leader=2 backup=3 board=7
//
// and behind it, in binary, as many articles as the line says.
type message struct {
	kind           kind
	leader, backup board.ReplicaID
	gap            bool
	life           uint64 // incarnation of the asker
	request        modes.RequestID
	mark           uint64
	board          board.Vector
	articles       []board.Article
	given          []given
}

// given is the answer to a GET_ID.
type given struct {
	life    uint64 // of the asker
	request modes.RequestID
	id      board.ArticleID // zero: the key is too old, nobody knows
	copies  int
}

func appendMessage(w message) []byte {
	b := []byte(kindNames[w.kind])
	number := func(name string, n uint64) {
		if n != 0 {
			b = fmt.Appendf(b, " %s=%d", name, n)
		}
	}
	number("leader", uint64(w.leader))
	number("backup", uint64(w.backup))
	if w.gap {
		number("gap", 1)
	}
	number("life", w.life)
	number("request", uint64(w.request))
	number("mark", w.mark)
	if len(w.board) > 0 {
		b = fmt.Appendf(b, " board=%s", w.board)
	}
	for _, g := range w.given {
		b = fmt.Appendf(b, " given=%d:%d:%s:%d", g.life, g.request, g.id, g.copies)
	}
	number("articles", uint64(len(w.articles)))
	b = append(b, '\n')
	for i := range w.articles {
		b = board.AppendArticle(b, &w.articles[i])
	}
	return b
}

var errMalformed = errors.New("malformed message")

// cutMessage reads what appendMessage writes.
func cutMessage(b []byte) (message, error) {
	line, rest, _ := bytes.Cut(b, []byte("\n"))
	words := strings.Split(string(line), " ")
	w := message{kind: kindNamed(words[0])}
	articles := uint64(0)
	for _, word := range words[1:] {
		name, value, _ := strings.Cut(word, "=")
		if err := w.set(name, value, &articles); err != nil {
			return message{}, errMalformed
		}
	}
	r := board.Reader{Rest: rest}
	for ; articles > 0 && !r.Failed; articles-- {
		w.articles = append(w.articles, r.Article())
	}
	if len(line) == len(b) || !r.End() || w.kind == 0 || w.kind == kindGetID && len(w.articles) != 1 {
		return message{}, errMalformed
	}
	return w, nil
}

// set takes one field of the line.
func (w *message) set(name, value string, articles *uint64) (err error) {
	switch name {
	case "board":
		w.board, err = board.ParseVector(value)
		return err
	case "given":
		g, err := parseGiven(value)
		w.given = append(w.given, g)
		return err
	}
	n, err := strconv.ParseUint(value, 10, 64)
	if err != nil {
		return err
	}
	switch name {
	case "leader":
		w.leader, err = replica(n)
	case "backup":
		w.backup, err = replica(n)
	case "gap":
		w.gap = n != 0
	case "life":
		w.life = n
	case "request":
		w.request = modes.RequestID(n)
	case "mark":
		w.mark = n
	case "articles":
		*articles = n
	default:
		return errMalformed
	}
	return err
}

func replica(n uint64) (board.ReplicaID, error) {
	id := board.ReplicaID(n)
	if uint64(id) != n {
		return 0, errMalformed
	}
	return id, nil
}

func parseGiven(value string) (g given, err error) {
	parts := strings.Split(value, ":")
	if len(parts) != 4 {
		return g, errMalformed
	}
	life, err1 := strconv.ParseUint(parts[0], 10, 64)
	request, err2 := strconv.ParseUint(parts[1], 10, 64)
	copies, err4 := strconv.ParseUint(parts[3], 10, 31)
	g = given{life: life, request: modes.RequestID(request), copies: int(copies)}
	var err3 error
	if parts[2] != (board.ArticleID{}).String() {
		g.id, err3 = board.ParseArticleID(parts[2])
	}
	return g, errors.Join(err1, err2, err3, err4)
}
