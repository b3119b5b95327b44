package store

import (
	"encoding/binary"

	"consequor/board"
)

// The board in Pebble. Every key begins with the replica's number (4 bytes)
// and a table; ids are seq (8 bytes) and origin (4 bytes), big endian, so that
// keys sort as ids do.
//
//	a ID          the article, as board.AppendArticle writes it
//	i PARENT ID   how many direct replies ID has; PARENT is zero for a root
//	k ID          the article's idempotency key, perhaps empty
//	v             number of articles, vector
//
// Of the whole process (replica 0):
//
//	f             a journal position below which all articles are in Pebble
const (
	tableArticle = 'a'
	tableIndex   = 'i'
	tableKey     = 'k'
	tableVector  = 'v'
	tableFloor   = 'f'
)

const (
	tablePrefixSize = 5
	idSize          = 12
)

func appendTable(dst []byte, replica board.ReplicaID, table byte) []byte {
	return append(binary.BigEndian.AppendUint32(dst, uint32(replica)), table)
}

func appendKeyID(dst []byte, id board.ArticleID) []byte {
	dst = binary.BigEndian.AppendUint64(dst, id.Seq)
	return binary.BigEndian.AppendUint32(dst, uint32(id.Origin))
}

// keyID reads the id that a key ends with.
func keyID(key []byte) board.ArticleID {
	id := key[len(key)-idSize:]
	return board.ArticleID{
		Seq:    binary.BigEndian.Uint64(id),
		Origin: board.ReplicaID(binary.BigEndian.Uint32(id[8:])),
	}
}

func articleKey(replica board.ReplicaID, id board.ArticleID) []byte {
	return appendKeyID(appendTable(make([]byte, 0, tablePrefixSize+idSize), replica, tableArticle), id)
}

func indexKey(replica board.ReplicaID, parent, id board.ArticleID) []byte {
	key := appendTable(make([]byte, 0, tablePrefixSize+2*idSize), replica, tableIndex)
	return appendKeyID(appendKeyID(key, parent), id)
}

func keyKey(replica board.ReplicaID, id board.ArticleID) []byte {
	return appendKeyID(appendTable(make([]byte, 0, tablePrefixSize+idSize), replica, tableKey), id)
}

// prefixEnd returns the lowest key above all keys that begin with prefix.
func prefixEnd(prefix []byte) []byte {
	end := append([]byte(nil), prefix...)
	for i := len(end) - 1; i >= 0; i-- {
		if end[i]++; end[i] != 0 {
			return end[:i+1]
		}
	}
	return nil
}

// parentOf reads the parent from the front of an encoded article, without the
// texts.
func parentOf(value []byte) (board.ArticleID, error) {
	var seq, origin, parentSeq, parentOrigin uint64
	if _, err := cutUvarints(value, &seq, &origin, &parentSeq, &parentOrigin); err != nil {
		return board.ArticleID{}, err
	}
	return board.ArticleID{Seq: parentSeq, Origin: board.ReplicaID(parentOrigin)}, nil
}
