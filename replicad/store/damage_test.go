package store

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"consequor/board"
)

const testJournal = "data/journal/"

func writeAt(t testing.TB, fs vfs.FS, path string, data []byte, offset int) {
	t.Helper()
	f, err := fs.OpenReadWrite(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(data, int64(offset)); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func mustRead(t testing.TB, fs vfs.FS, path string) []byte {
	t.Helper()
	data, err := readFile(fs, path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// groupsOf returns where each group of a segment begins, and where the last
// one ends.
func groupsOf(t testing.TB, data []byte, seed uint32) []int {
	t.Helper()
	offsets := []int{segmentHeaderSize}
	for at := segmentHeaderSize; ; {
		h, _, err := readGroup(data[at:], seed)
		if err != nil || h.length == 0 {
			return offsets
		}
		at += int(groupSize(h.length))
		offsets = append(offsets, at)
	}
}

// savedInGroups makes a store in which r1 saved n records, each in a group of
// its own, all of them synced.
func savedInGroups(t testing.TB, fs vfs.FS, n int, o Options) (seed func(segment uint64) uint32) {
	t.Helper()
	s := open(t, fs, o)
	r := newSyncer(s.Replica(1))
	for i := range n {
		r.sync(r.r.Save(fmt.Appendf(nil, "record %d", i+1)))
	}
	id := s.journal.id
	closeStore(t, s)
	return func(segment uint64) uint32 { return seedOf(id, segment) }
}

// A crash tears the last group at each of its bytes, leaving zeros or garbage
// behind: it is cut, and what came before is there. With the mark behind it,
// which says that the group was synced, the same is damage.
func TestTornTail(t *testing.T) {
	for _, garbage := range []bool{false, true} {
		for _, marked := range []bool{false, true} {
			t.Run(fmt.Sprintf("garbage=%v/marked=%v", garbage, marked), func(t *testing.T) {
				fs := vfs.NewMem()
				seed := savedInGroups(t, fs, 5, Options{})
				path := testJournal + segmentName(1)
				whole := mustRead(t, fs, path)
				groups := groupsOf(t, whole, seed(1))
				start, end := groups[len(groups)-2], groups[len(groups)-1]
				for at := start; at < start+groupHeaderSize+len("record 5")+4; at++ {
					torn := append([]byte(nil), whole...)
					if !marked {
						clear(torn[end : end+groupHeaderSize])
					}
					for i := at; i < end; i++ {
						torn[i] = 0
						if garbage {
							torn[i] = whole[i] ^ byte(1+i)
						}
					}
					writeAt(t, fs, path, torn, 0)
					checkTorn(t, fs, at, marked)
				}
			})
		}
	}
}

func checkTorn(t *testing.T, fs vfs.FS, at int, marked bool) {
	t.Helper()
	s, err := Open("data", Options{FS: fs})
	var corrupt *CorruptError
	if marked {
		if !errors.As(err, &corrupt) {
			t.Fatalf("torn at byte %d, though a mark says that it was synced: %v", at, err)
		}
		return
	}
	if err != nil {
		t.Fatalf("torn at byte %d: %v", at, err)
	}
	if n := len(s.Replica(1).Past().Records); n != 4 {
		t.Fatalf("torn at byte %d: %d records, want 4", at, n)
	}
	closeStore(t, s)
}

// Two groups were written but not synced; a crash keeps the second one only.
// The first one's place is taken by a new group of the same size: the second
// one must not come back behind it.
func TestCutTailStaysCut(t *testing.T) {
	fs := vfs.NewCrashableMem()
	seed := savedInGroups(t, fs, 4, Options{})
	path := testJournal + segmentName(1)
	whole := mustRead(t, fs, path)
	groups := groupsOf(t, whole, seed(1))
	last, _, err := readGroup(whole[groups[3]:], seed(1))
	if err != nil {
		t.Fatal(err)
	}
	fifth := appendNumbered(make([]byte, groupHeaderSize), entrySave, 1, 5, []byte("record 5"))
	sixth := appendNumbered(make([]byte, groupHeaderSize), entrySave, 1, 6, []byte("record 6"))
	start := last.end() + Position(len(fifth)-groupHeaderSize)
	sealGroup(sixth, seed(1), 0, start, last.end())
	writeAt(t, fs, path, sixth, groups[4]+int(groupSize(len(fifth)-groupHeaderSize)))
	for life, saved := range []int{4, 5} {
		s := open(t, fs, Options{})
		r := newSyncer(s.Replica(1))
		if n := len(r.r.Past().Records); n != saved {
			t.Fatalf("life %d: %d records, want %d", life+1, n, saved)
		}
		r.sync(r.r.Save([]byte("record x")))
		fs = fs.CrashClone(vfs.CrashCloneCfg{}) // without the mark
		closeStore(t, s)
	}
}

// Each bit of all journal files is flipped in turn, after everything was
// synced: the store says that it is damaged, or nothing was lost.
func TestBitFlips(t *testing.T) {
	fs := vfs.NewMem()
	const saved = 60
	savedInGroups(t, fs, saved, Options{SegmentSize: 1 << 10})
	numbers, err := listSegments(fs, testJournal)
	if err != nil || len(numbers) < 3 {
		t.Fatalf("segments %v, %v", numbers, err)
	}
	found := 0
	for _, number := range numbers {
		path := testJournal + segmentName(number)
		whole := mustRead(t, fs, path)
		for at := range whole {
			flipped := append([]byte(nil), whole...)
			flipped[at] ^= 1 << (at % 8)
			writeAt(t, fs, path, flipped, 0)
			if err := checkFlipped(fs, saved); err != nil {
				t.Fatalf("%s, byte %d: %v", path, at, err)
			} else if flipped := mustRead(t, fs, path); flipped[at] != whole[at] {
				found++
			}
			writeAt(t, fs, path, whole, 0)
		}
	}
	if found < saved*groupHeaderSize {
		t.Errorf("only %d flips were found", found)
	}
}

// checkFlipped recovers only the journal: opening Pebble thousands of times
// takes long.
func checkFlipped(fs vfs.FS, saved int) error {
	s, err := recoverJournal(fs, "data")
	var corrupt *CorruptError
	if errors.As(err, &corrupt) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("want a *CorruptError: %w", err)
	}
	past := s.Replica(1).Past()
	for i, record := range past.Records {
		if string(record) != fmt.Sprintf("record %d", i+1) {
			return fmt.Errorf("record %d is %q", i+1, record)
		}
	}
	if len(past.Records) != saved {
		return fmt.Errorf("%d records, want %d, and no error", len(past.Records), saved)
	}
	return nil
}

// recoverJournal reads the journal of a store without articles.
func recoverJournal(fs vfs.FS, dir string) (*Store, error) {
	s := &Store{dir: dir, fs: fs}
	var o Options
	o.setDefaults()
	v, err := readVersion(fs, fs.PathJoin(dir, versionName))
	if err != nil {
		return nil, err
	}
	s.journal = &journal{fs: fs, dir: fs.PathJoin(dir, "journal"), id: v.journal, log: o.Logger, segmentSize: o.SegmentSize}
	s.journal.init()
	rc := &recovery{j: s.journal, replica: s.Replica, records: make(map[board.ReplicaID]map[uint64]record)}
	_, err = rc.recover()
	return s, errors.Join(err, s.journal.closeFiles())
}

// Segments that are missing, swapped or another store's are named.
func TestWrongSegments(t *testing.T) {
	for _, c := range []struct {
		name, want string
		spoil      func(t *testing.T, fs vfs.FS) error
	}{
		{"missing", "00000002.journal is damaged: the file is missing", func(t *testing.T, fs vfs.FS) error {
			return fs.Remove(testJournal + segmentName(2))
		}},
		{"swapped", "another number", func(t *testing.T, fs vfs.FS) error {
			return fs.Rename(testJournal+segmentName(3), testJournal+segmentName(2))
		}},
		{"another store's", "another journal", func(t *testing.T, fs vfs.FS) error {
			other := vfs.NewMem()
			savedInGroups(t, other, 60, Options{SegmentSize: 1 << 10})
			writeAt(t, fs, testJournal+segmentName(2), mustRead(t, other, testJournal+segmentName(2)), 0)
			return nil
		}},
		{"board gone", "its files are gone or old", func(t *testing.T, fs vfs.FS) error { return fs.RemoveAll("data/board") }},
		{"version garbled", "VERSION is damaged", func(t *testing.T, fs vfs.FS) error {
			writeAt(t, fs, "data/VERSION", []byte("X"), 0)
			return nil
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			fs := vfs.NewMem()
			putMany(t, fs)
			err := c.spoil(t, fs)
			if err != nil {
				t.Fatal(err)
			}
			_, err = Open("data", Options{FS: fs})
			var corrupt *CorruptError
			if !errors.As(err, &corrupt) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("open: %v, want %q", err, c.want)
			}
		})
	}
}

// putMany makes a store with several segments whose records all stay, and
// whose board was flushed before the last segment began.
func putMany(t *testing.T, fs vfs.FS) {
	t.Helper()
	for life := range 2 {
		s := open(t, fs, Options{SegmentSize: 1 << 10})
		r := newSyncer(s.Replica(1))
		articles := []board.Article{root(uint64(life+1), "one")}
		r.r.Journal(articles)
		if err := r.r.Put(articles); err != nil {
			t.Fatal(err)
		}
		for i := range 30 {
			r.sync(r.r.Save(fmt.Appendf(nil, "record %d", i+1)))
		}
		closeStore(t, s)
	}
}

// The caller knows that there was data, and there is none, or only a part.
func TestLost(t *testing.T) {
	if _, err := Open("data", Options{FS: vfs.NewMem(), MustExist: true}); !errors.Is(err, ErrLost) {
		t.Errorf("empty disk: %v", err)
	}
	fs := vfs.NewMem()
	putMany(t, fs)
	if err := errors.Join(fs.RemoveAll("data/journal"), fs.MkdirAll("data/journal", 0o700)); err != nil {
		t.Fatal(err)
	}
	if _, err := Open("data", Options{FS: fs}); !errors.Is(err, ErrLost) {
		t.Errorf("journal removed: %v", err)
	}
}

// One folder is one process's, and one cluster's.
func TestClaim(t *testing.T) {
	fs := vfs.NewMem()
	s := open(t, fs, Options{Cluster: "c1"})
	if _, err := Open("data", Options{FS: fs, Cluster: "c1"}); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("second open: %v", err)
	}
	closeStore(t, s)
	if _, err := Open("data", Options{FS: fs, Cluster: "c2"}); !errors.Is(err, ErrOtherCluster) {
		t.Errorf("open for another cluster: %v", err)
	}
}

// Bytes of any kind are no segment, or one; never a panic, and never records
// that were not saved.
func FuzzSegment(f *testing.F) {
	fs := vfs.NewMem()
	savedInGroups(f, fs, 5, Options{SegmentSize: 512})
	numbers, err := listSegments(fs, testJournal)
	if err != nil {
		f.Fatal(err)
	}
	path := testJournal + segmentName(numbers[len(numbers)-1])
	whole := mustRead(f, fs, path)
	f.Add(whole)
	f.Add(whole[:100])
	f.Fuzz(func(t *testing.T, data []byte) {
		f, err := fs.Create(path, vfs.WriteCategoryUnspecified)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		writeAt(t, fs, path, data, 0)
		s, err := recoverJournal(fs, "data")
		if err != nil {
			return
		}
		for i, record := range s.Replica(1).Past().Records {
			if string(record) != fmt.Sprintf("record %d", i+1) {
				t.Errorf("record %d is %q", i+1, record)
			}
		}
	})
}

// An entry is read as it was written, or not at all.
func FuzzEntry(f *testing.F) {
	f.Add(appendNumbered(nil, entrySave, 3, 77, []byte("record")))
	f.Add(appendEntry(nil, entryArticles, 1, append([]byte{1}, board.AppendArticle(nil, &board.Article{ID: board.ArticleID{Seq: 4}})...)))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, rest, err := cutEntry(data)
		if err != nil {
			return
		}
		if len(e.body)+len(rest) >= len(data) {
			t.Fatalf("%d bytes of body and %d behind, of %d", len(e.body), len(rest), len(data))
		}
		again, rest, err := cutEntry(appendEntry(nil, e.kind, e.replica, e.body))
		if err != nil || len(rest) > 0 || again.kind != e.kind || again.replica != e.replica || string(again.body) != string(e.body) {
			t.Fatalf("%v became %v, %v", e, again, err)
		}
		if articles, err := cutArticles(e.body); err == nil && uint64(len(articles)) > uint64(len(e.body)) {
			t.Fatalf("%d articles in %d bytes", len(articles), len(e.body))
		}
	})
}
