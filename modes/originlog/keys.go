package originlog

import (
	"hash/fnv"

	"consequor/board"
)

// keyTable finds the article that a key stands for, among those on this board.
// It has the keys of the newest articles; older ones are forgotten, and then a
// key that is not there and whose mark lies below the floor may have one.
type keyTable struct {
	limit int // keys remembered
	ids   map[string]board.ArticleID
	queue []board.KeyedID // what ids holds, as it came
	floor uint64          // keys of all articles of at least this seq are here; 0: of all articles
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
	t.queue = append(t.queue, k)
	if len(t.queue) > t.limit {
		oldest := t.queue[0]
		delete(t.ids, oldest.Key)
		t.queue[0] = board.KeyedID{}
		t.queue = t.queue[1:]
		t.floor = max(t.floor, oldest.ID.Seq+1)
	}
}

func (t *keyTable) find(key string) (board.ArticleID, bool) {
	id, ok := t.ids[key]
	return id, ok
}

// tooOld reports whether a key that is not in the table may have an article all
// the same. An article's seq is above its key's mark.
func (t *keyTable) tooOld(mark uint64) bool { return mark < t.floor }

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
