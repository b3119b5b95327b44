package store

import (
	"encoding/binary"
	"errors"
	"fmt"

	"consequor/board"
)

// An entry is: kind, replica, length, body; numbers are unsigned varints.
type entryKind byte

const (
	// Of a replica.
	entrySave       entryKind = iota + 1 // number, record
	entryForget                          // up to
	entryArticles                        // count, articles
	entryState                           // state
	entryReset                           // generation, state
	entryCheckpoint                      // generation, first, next, state: all of a replica but its records
	// Of the journal; the replica is 0.
	entrySegments // board floor, count, then number, base, end of each older segment that is still needed
	entryDropped  // number of a segment that is not needed any more
)

type entry struct {
	kind    entryKind
	replica board.ReplicaID
	body    []byte
}

var errEntry = errors.New("malformed entry")

func appendEntryHead(dst []byte, kind entryKind, replica board.ReplicaID, bodySize int) []byte {
	dst = append(dst, byte(kind))
	dst = binary.AppendUvarint(dst, uint64(replica))
	return binary.AppendUvarint(dst, uint64(bodySize))
}

func appendEntry(dst []byte, kind entryKind, replica board.ReplicaID, body []byte) []byte {
	return append(appendEntryHead(dst, kind, replica, len(body)), body...)
}

// appendNumbered appends an entry whose body is a number and data.
func appendNumbered(dst []byte, kind entryKind, replica board.ReplicaID, number uint64, data []byte) []byte {
	dst = appendEntryHead(dst, kind, replica, uvarintSize(number)+len(data))
	dst = binary.AppendUvarint(dst, number)
	return append(dst, data...)
}

func uvarintSize(n uint64) int {
	size := 1
	for ; n >= 0x80; n >>= 7 {
		size++
	}
	return size
}

// cutEntry reads one entry from the front of src and returns the rest.
func cutEntry(src []byte) (e entry, rest []byte, err error) {
	if len(src) == 0 {
		return entry{}, nil, errEntry
	}
	e.kind = entryKind(src[0])
	replica, src, err := cutUvarint(src[1:])
	if err != nil || replica > 1<<32-1 {
		return entry{}, nil, errEntry
	}
	e.replica = board.ReplicaID(replica)
	size, src, err := cutUvarint(src)
	if err != nil || size > uint64(len(src)) {
		return entry{}, nil, errEntry
	}
	e.body = src[:size:size]
	return e, src[size:], nil
}

func cutUvarint(src []byte) (uint64, []byte, error) {
	n, size := binary.Uvarint(src)
	if size <= 0 {
		return 0, nil, errEntry
	}
	return n, src[size:], nil
}

func cutUvarints(src []byte, into ...*uint64) (rest []byte, err error) {
	for _, n := range into {
		if *n, src, err = cutUvarint(src); err != nil {
			return nil, err
		}
	}
	return src, nil
}

func cutArticles(src []byte) ([]board.Article, error) {
	n, src, err := cutUvarint(src)
	if err != nil || n > uint64(len(src)) {
		return nil, errEntry
	}
	articles := make([]board.Article, n)
	for i := range articles {
		if articles[i], src, err = board.CutArticle(src); err != nil {
			return nil, fmt.Errorf("article %d of %d: %w", i+1, n, err)
		}
	}
	if len(src) > 0 {
		return nil, errEntry
	}
	return articles, nil
}
