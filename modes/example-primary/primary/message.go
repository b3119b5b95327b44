package primary

import (
	"encoding/binary"
	"errors"

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

// message is every message. All have one form: the kind, then the fields, the
// integers as varints; one that a kind has no use for is zero and takes a byte.
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
	b := []byte{byte(w.kind)}
	for _, n := range w.numbers() {
		b = binary.AppendUvarint(b, n)
	}
	b = board.AppendVector(b, w.board)
	b = binary.AppendUvarint(b, uint64(len(w.articles)))
	for i := range w.articles {
		b = board.AppendArticle(b, &w.articles[i])
	}
	b = binary.AppendUvarint(b, uint64(len(w.given)))
	for _, g := range w.given {
		for _, n := range []uint64{g.life, uint64(g.request), g.id.Seq, uint64(g.id.Origin), uint64(g.copies)} {
			b = binary.AppendUvarint(b, n)
		}
	}
	return b
}

func (w *message) numbers() []uint64 {
	gap := uint64(0)
	if w.gap {
		gap = 1
	}
	return []uint64{uint64(w.leader), uint64(w.backup), gap, w.life, uint64(w.request), w.mark}
}

var errMalformed = errors.New("malformed message")

// cutMessage reads what appendMessage writes, and nothing else.
func cutMessage(b []byte) (message, error) {
	r := board.Reader{Rest: b}
	w := message{kind: kind(r.Uvarint())}
	w.leader, w.backup, w.gap = r.Replica(), r.Replica(), r.Uvarint() == 1
	w.life, w.request, w.mark = r.Uvarint(), modes.RequestID(r.Uvarint()), r.Uvarint()
	w.board = r.Vector()
	for range r.Count(1) {
		w.articles = append(w.articles, r.Article())
	}
	for range r.Count(1) {
		g := given{life: r.Uvarint(), request: modes.RequestID(r.Uvarint())}
		g.id = r.ID()
		g.copies = int(r.Uvarint())
		w.given = append(w.given, g)
	}
	if !r.End() || kindNames[w.kind] == "" || w.kind == kindGetID && len(w.articles) != 1 {
		return message{}, errMalformed
	}
	return w, nil
}
