package store

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"slices"
)

// Position is a place in the journal's stream: how many bytes of entries come
// before it, counted from the first entry ever written here.
type Position uint64

// A segment file:
//
//	header   64 B   magic, version, journal id, number, base position, checksum
//	group           header 32 B: checksum of the header, checksum of the payload,
//	                payload length, how much of it is the checkpoint,
//	                start position, position up to which all was synced before
//	                payload: checkpoint (only a segment's first group has one), entries
//	group           every group starts at a multiple of 8
//	...
//	mark            a group without payload, which only says how far all is
//	                synced; the next group takes its place
//	zeros
//
// All checksums (CRC-32C) are seeded with the journal's random id and the
// segment's number, so that neither another journal's bytes nor an article
// whose author knows this format can pass for a group.
const (
	segmentHeaderSize = 64
	groupHeaderSize   = 32
	groupAlign        = 8
	segmentVersion    = 1
)

var segmentMagic = [8]byte{'c', 'n', 's', 'q', 'j', 'r', 'n', 'l'}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// seedOf returns the start value of all checksums of one segment.
func seedOf(journalID, segment uint64) uint32 {
	var b [16]byte
	binary.LittleEndian.PutUint64(b[:], journalID)
	binary.LittleEndian.PutUint64(b[8:], segment)
	return crc32.Checksum(b[:], castagnoli)
}

// appendSegmentHeader appends the header of one segment to dst.
func appendSegmentHeader(dst []byte, journalID, number uint64, base Position) []byte {
	start := len(dst)
	dst = append(dst, segmentMagic[:]...)
	dst = binary.LittleEndian.AppendUint64(dst, segmentVersion)
	dst = binary.LittleEndian.AppendUint64(dst, journalID)
	dst = binary.LittleEndian.AppendUint64(dst, number)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(base))
	dst = binary.LittleEndian.AppendUint32(dst, crc32.Checksum(dst[start:], castagnoli))
	return append(dst, make([]byte, segmentHeaderSize-(len(dst)-start))...)
}

// readSegmentHeader returns the base position of the segment that data begins.
func readSegmentHeader(data []byte, journalID, number uint64) (Position, error) {
	const summed = 40
	switch {
	case len(data) < segmentHeaderSize:
		return 0, errors.New("shorter than a segment header")
	case [8]byte(data) != segmentMagic:
		return 0, errors.New("not a journal segment")
	case crc32.Checksum(data[:summed], castagnoli) != binary.LittleEndian.Uint32(data[summed:]):
		return 0, errors.New("segment header does not check")
	case binary.LittleEndian.Uint64(data[8:]) != segmentVersion:
		return 0, errors.New("segment of an unknown version")
	case binary.LittleEndian.Uint64(data[16:]) != journalID:
		return 0, errors.New("segment of another journal")
	case binary.LittleEndian.Uint64(data[24:]) != number:
		return 0, errors.New("segment of another number than its name says")
	}
	return Position(binary.LittleEndian.Uint64(data[32:])), nil
}

type groupHeader struct {
	length     int // of the payload
	checkpoint int // of its checkpoint
	start      Position
	synced     Position
}

// end returns the position behind the group's entries.
func (h groupHeader) end() Position { return h.start + Position(h.length-h.checkpoint) }

// sealGroup fills in the header at the front of group; the rest of group is
// the payload.
func sealGroup(group []byte, seed uint32, checkpoint int, start, synced Position) {
	payload := group[groupHeaderSize:]
	le := binary.LittleEndian
	le.PutUint32(group[4:], crc32.Update(seed, castagnoli, payload))
	le.PutUint32(group[8:], uint32(len(payload)))
	le.PutUint32(group[12:], uint32(checkpoint))
	le.PutUint64(group[16:], uint64(start))
	le.PutUint64(group[24:], uint64(synced))
	le.PutUint32(group, crc32.Update(seed, castagnoli, group[4:groupHeaderSize]))
}

// The ways in which a place in a segment is no group.
var (
	errZeros   = errors.New("no group: zeros")
	errHeader  = errors.New("group header does not check")
	errPayload = errors.New("group payload does not check")
)

var zeroHeader [groupHeaderSize]byte

// readGroupHeader reads the group header at the front of data.
func readGroupHeader(data []byte, seed uint32) (groupHeader, error) {
	if len(data) < groupHeaderSize {
		if len(data) == 0 || slices.Equal(data, zeroHeader[:len(data)]) {
			return groupHeader{}, errZeros
		}
		return groupHeader{}, errHeader
	}
	if [groupHeaderSize]byte(data) == zeroHeader {
		return groupHeader{}, errZeros
	}
	le := binary.LittleEndian
	if crc32.Update(seed, castagnoli, data[4:groupHeaderSize]) != le.Uint32(data) {
		return groupHeader{}, errHeader
	}
	h := groupHeader{
		length:     int(le.Uint32(data[8:])),
		checkpoint: int(le.Uint32(data[12:])),
		start:      Position(le.Uint64(data[16:])),
		synced:     Position(le.Uint64(data[24:])),
	}
	if h.checkpoint > h.length {
		return groupHeader{}, errHeader
	}
	return h, nil
}

// readGroup reads the group at the front of data.
func readGroup(data []byte, seed uint32) (groupHeader, []byte, error) {
	h, err := readGroupHeader(data, seed)
	if err != nil {
		return h, nil, err
	}
	rest := data[groupHeaderSize:]
	if h.length > len(rest) {
		return h, nil, errPayload
	}
	payload := rest[:h.length:h.length]
	if crc32.Update(seed, castagnoli, payload) != binary.LittleEndian.Uint32(data[4:]) {
		return h, nil, errPayload
	}
	return h, payload, nil
}

// groupSize returns how many bytes of a segment a group takes.
func groupSize(payload int) int64 { return alignUp(int64(groupHeaderSize + payload)) }

func alignUp(n int64) int64 { return (n + groupAlign - 1) &^ (groupAlign - 1) }

// attested returns the highest position that any group header in data, which
// begins at a group's place, says was synced. After a place that does not
// check, this tells damage from a torn tail: what was synced before some later
// group was written cannot be torn.
func attested(data []byte, seed uint32) Position {
	var highest Position
	for ; len(data) >= groupHeaderSize; data = data[groupAlign:] {
		if binary.LittleEndian.Uint64(data) == 0 {
			continue
		}
		if h, err := readGroupHeader(data, seed); err == nil {
			highest = max(highest, h.synced)
		}
	}
	return highest
}
