package store

import (
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// segment is one file of the journal.
type segment struct {
	number    uint64
	base, end Position
	articles  Position // behind the last articles in it; 0: there are none
}

const segmentSuffix = ".journal"

func segmentName(number uint64) string { return fmt.Sprintf("%08d%s", number, segmentSuffix) }

// writeCategory labels our writes for Pebble's file system statistics.
const writeCategory vfs.DiskWriteCategory = "consequor-journal"

// roll ends the last segment and begins the group's. The old one is synced
// first: so every segment but the last is whole, and one that is not is
// damaged.
func (j *journal) roll(g *group) error {
	if j.file != nil {
		if err := j.closeSegment(); err != nil {
			return err
		}
		if !j.noSync {
			g.synced = g.start
		}
	}
	if err := j.room.find(func() error { return j.createSegment(g.segment) }); err != nil {
		return err
	}
	header := appendSegmentHeader(nil, j.id, g.segment.number, g.segment.base)
	_, err := j.file.WriteAt(header, 0)
	return err
}

func (j *journal) closeSegment() error {
	if !j.noSync {
		if err := j.file.SyncData(); err != nil {
			return err
		}
	}
	err := j.file.Close()
	j.file = nil
	return err
}

func (j *journal) createSegment(s *segment) error {
	if j.file != nil { // of a try before: the disk was full
		if err := j.file.Close(); err != nil {
			return err
		}
		j.file = nil
	}
	file, err := j.fs.Create(j.fs.PathJoin(j.dir, segmentName(s.number)), writeCategory)
	if err != nil {
		return err
	}
	j.file, j.zeroed, j.offset = file, 0, segmentHeaderSize
	j.seed = seedOf(j.id, s.number)
	if err := j.fillZeros(segmentHeaderSize); err != nil || j.noSync {
		return err
	}
	return j.folder.Sync()
}

// reserve makes sure that the file is written up to size, so that writing
// there neither changes its size nor finds the disk full.
func (j *journal) reserve(size int64) error {
	if size <= j.zeroed {
		return nil
	}
	return j.room.find(func() error {
		err := j.fillZeros(size)
		if isDiskFull(err) && j.zeroed < size {
			return err
		}
		return j.metRoom(err)
	})
}

var zeros [64 << 10]byte

// fillZeros writes zeros up to size and ahead of it, but ahead only as far as
// the segment goes.
func (j *journal) fillZeros(size int64) error {
	size = max(size, min(size+zeroedAhead, j.segmentSize))
	for j.zeroed < size {
		n, err := j.file.WriteAt(zeros[:min(int64(len(zeros)), size-j.zeroed)], j.zeroed)
		j.zeroed += int64(n)
		if err != nil {
			return err
		}
	}
	return nil
}

// appendCheckpoint appends what makes all older segments superfluous but for
// the records and articles in them; the lock is held.
func (j *journal) appendCheckpoint(dst []byte) []byte {
	body := binary.AppendUvarint(nil, uint64(j.articles.floorOnDisk))
	body = binary.AppendUvarint(body, uint64(len(j.segments)))
	for _, s := range j.segments {
		for _, n := range []uint64{s.number, uint64(s.base), uint64(s.end)} {
			body = binary.AppendUvarint(body, n)
		}
	}
	dst = appendEntry(dst, entrySegments, 0, body)
	for _, r := range j.replicas {
		body = body[:0]
		for _, n := range []uint64{r.generation, r.first, r.nextNumber} {
			body = binary.AppendUvarint(body, n)
		}
		dst = appendEntry(dst, entryCheckpoint, r.id, append(body, r.state...))
	}
	return dst
}

// listSegments returns the numbers of the segment files in dir, rising.
func listSegments(fs vfs.FS, dir string) ([]uint64, error) {
	names, err := fs.List(dir)
	if err != nil {
		return nil, err
	}
	var numbers []uint64
	for _, name := range names {
		digits, ok := strings.CutSuffix(name, segmentSuffix)
		if !ok {
			continue
		}
		n, err := strconv.ParseUint(digits, 10, 64)
		if err != nil || segmentName(n) != name {
			return nil, &CorruptError{fs.PathJoin(dir, name), -1, "not the name of a segment"}
		}
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	return numbers, nil
}

func readFile(fs vfs.FS, path string) ([]byte, error) {
	f, err := fs.Open(path, vfs.SequentialReadsOption)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	data := make([]byte, info.Size())
	_, err = io.ReadFull(f, data)
	return data, err
}
