package primary

import "consequor/board"

// keyTable finds the article that a key stands for, among the newest.
type keyTable struct {
	ids   map[string]board.ArticleID
	queue []board.KeyedID // what ids holds, as it came
	from  uint64          // it has the keys of all articles with this seq and above
}

func (t *keyTable) addAll(keys []board.KeyedID) {
	for _, k := range keys {
		t.add(k)
	}
}

func (t *keyTable) add(k board.KeyedID) {
	if t.ids == nil {
		t.ids = make(map[string]board.ArticleID)
	}
	if _, known := t.ids[k.Key]; known || k.Key == "" {
		return
	}
	t.ids[k.Key] = k.ID
	t.queue = append(t.queue, k)
	if len(t.queue) > 2*board.KeyCountMax {
		t.from = max(t.from, t.queue[0].ID.Seq+1)
		delete(t.ids, t.queue[0].Key)
		t.queue[0] = board.KeyedID{}
		t.queue = t.queue[1:]
	}
}

// tooOld reports whether a key that is not in the table may stand for an
// article that it has forgotten.
func (t *keyTable) tooOld(key string, mark uint64) bool { return key != "" && mark < t.from }
