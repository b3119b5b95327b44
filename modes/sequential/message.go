package sequential

import (
	"encoding/binary"

	"consequor/board"
)

// What replicas say to each other. The first byte of a message says which of
// these it is; integers are unsigned varints, the rest is length-prefixed.
const (
	messageRaft    byte = iota + 1 // the engine's messages, any number of them
	messageForward                 // posts, on their way to the coordinator
	messageDenied                  // a forward was not proposed and never will be
	messageGone                    // "I have lost the coordinator"
	messageBackup                  // the coordinator names its backup
	messageAsk                     // "what does your board hold?"
	messageHave                    // what it holds
	messageSeal                    // propose the seal
	messageDurable                 // to oneself: what came before this is on disk
)

// forward carries posts to the coordinator of one term; nobody else proposes
// them, and not in another term. So a copy that is late can do no harm.
type forward struct {
	coordinator board.ReplicaID
	term        uint64
	from        board.ReplicaID // where they were posted
	incarnation uint64          // of from
	round       uint64          // rises with each forward of one incarnation
	relayed     bool            // it came through another voter
	entries     [][]byte
}

func appendForward(dst []byte, f *forward) []byte {
	dst = append(dst, messageForward)
	dst = binary.AppendUvarint(dst, uint64(f.coordinator))
	dst = binary.AppendUvarint(dst, f.term)
	dst = binary.AppendUvarint(dst, uint64(f.from))
	dst = binary.AppendUvarint(dst, f.incarnation)
	dst = binary.AppendUvarint(dst, f.round)
	dst = append(dst, boolByte(f.relayed))
	dst = binary.AppendUvarint(dst, uint64(len(f.entries)))
	for _, entry := range f.entries {
		dst = appendBytes(dst, entry)
	}
	return dst
}

func cutForward(r *board.Reader) (f forward) {
	f.coordinator = r.Replica()
	f.term = r.Uvarint()
	f.from = r.Replica()
	f.incarnation = r.Uvarint()
	f.round = r.Uvarint()
	f.relayed = r.Byte() != 0
	n := r.Count(1)
	f.entries = make([][]byte, 0, n)
	for range n {
		f.entries = append(f.entries, r.Bytes())
	}
	return f
}

// denied answers a forward that was not proposed.
type denied struct {
	incarnation uint64 // of the asker, as in the forward
	round       uint64
	why         denial
}

// denial is why a forward was not proposed.
type denial byte

const (
	deniedOffice     denial = iota + 1 // not the coordinator of that term any more
	deniedMajority                     // its connected voters are no majority
	deniedOverloaded                   // too many posts are under way
)

func appendDenied(dst []byte, d denied) []byte {
	dst = append(dst, messageDenied)
	dst = binary.AppendUvarint(dst, d.incarnation)
	dst = binary.AppendUvarint(dst, d.round)
	return append(dst, byte(d.why))
}

func cutDenied(r *board.Reader) denied {
	return denied{incarnation: r.Uvarint(), round: r.Uvarint(), why: denial(r.Byte())}
}

// word names a replica in a term: the coordinator that is gone, or the backup.
type word struct {
	term    uint64
	replica board.ReplicaID
}

func appendWord(dst []byte, kind byte, w word) []byte {
	dst = append(dst, kind)
	dst = binary.AppendUvarint(dst, w.term)
	return binary.AppendUvarint(dst, uint64(w.replica))
}

func cutWord(r *board.Reader) word { return word{term: r.Uvarint(), replica: r.Replica()} }

func appendHave(dst []byte, v board.Vector) []byte {
	return board.AppendVector(append(dst, messageHave), v)
}

func appendDurable(dst []byte, number uint64) []byte {
	return binary.AppendUvarint(append(dst, messageDurable), number)
}

func boolByte(b bool) byte {
	if b {
		return 1
	}
	return 0
}
