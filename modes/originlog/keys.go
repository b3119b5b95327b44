package originlog

import (
	"container/heap"
	"hash/fnv"

	"consequor/board"
)

// keyTable finds the article that a key stands for, among those on this board.
// It has the keys of the articles with the highest ids; those of lower ones are
// forgotten, and then a key that is not there may have one between its mark and
// the floor.
//
// Articles do not come by rising id. Were the first to come the first to be
// forgotten, the floor could rise above the whole board, and every new key would
// be too old for good:
//
//  1. r3 is cut off, and posts more than the others together.
//  2. The cut heals, and r3 gets what the others have: as many articles as keys
//     are remembered, all below its own highest.
//  3. r3 would forget its own ones, and tell every new key, whose mark is its
//     highest seq, that it is too old.
//
// Nor does the floor rise by what others have posted: a key whose home is here
// has an article of this origin, or one that the cluster gave an id to in an
// epoch of another mode. Else a key that was made here right before step 2, with
// a mark from then, would be too old after it.
type keyTable struct {
	limit int             // keys remembered
	self  board.ReplicaID // whose table it is; 0: not known yet, and nothing is forgotten
	ids   map[string]board.ArticleID
	queue byID   // what ids holds
	floor uint64 // keys that have their home here, of all articles of at least this seq, are here; 0: of all articles
}

// byID is a heap with the lowest id on top.
type byID []board.KeyedID

func (q byID) Len() int           { return len(q) }
func (q byID) Less(i, j int) bool { return q[i].ID.Compare(q[j].ID) < 0 }
func (q byID) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *byID) Push(k any)        { *q = append(*q, k.(board.KeyedID)) }
func (q *byID) Pop() any {
	n := len(*q) - 1
	last := (*q)[n]
	(*q)[n] = board.KeyedID{}
	*q = (*q)[:n]
	return last
}

func newKeyTable(limit int) keyTable {
	return keyTable{limit: limit, ids: make(map[string]board.ArticleID)}
}

func (t *keyTable) add(k board.KeyedID) {
	if k.Key == "" {
		return
	}
	if _, ok := t.ids[k.Key]; ok {
		return
	}
	t.ids[k.Key] = k.ID
	heap.Push(&t.queue, k)
	if t.self != 0 {
		t.trim()
	}
}

// start says whose table it is, and how far back the keys reach that are in it.
func (t *keyTable) start(self board.ReplicaID, from uint64) {
	t.self, t.floor = self, from
	t.trim()
}

// trim forgets what is more than the table may hold.
func (t *keyTable) trim() {
	for len(t.queue) > t.limit {
		lowest := heap.Pop(&t.queue).(board.KeyedID)
		delete(t.ids, lowest.Key)
		if origin := lowest.ID.Origin; origin == t.self || origin == board.Cluster {
			t.floor = max(t.floor, lowest.ID.Seq+1)
		}
	}
}

func (t *keyTable) find(key string) (board.ArticleID, bool) {
	id, ok := t.ids[key]
	return id, ok
}

// tooOld reports whether a key that has its home here, and is not in the table,
// may have an article all the same: one below the floor, and above its mark.
func (t *keyTable) tooOld(mark uint64) bool { return t.floor > 0 && mark < t.floor-1 }

// homeOf is the replica that alone mints the article of a key: the one that the
// key's text names, else one that all replicas find alike.
func homeOf(key string, replicas []board.ReplicaID) board.ReplicaID {
	if named := board.ParseKey(key).Home; contains(replicas, named) {
		return named
	}
	h := fnv.New32a()
	h.Write([]byte(key)) // never fails
	return replicas[h.Sum32()%uint32(len(replicas))]
}
