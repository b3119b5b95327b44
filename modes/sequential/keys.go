package sequential

import (
	"consequor/board"
	"consequor/mutants"
)

// keyTable finds the article that a key stands for, among those on the board.
// Which of them count is the state's business (see state.floor): the table may
// know keys of articles that the log has yet to give an id again, after a
// restart, and of some that are too old.
type keyTable struct {
	countMax uint64 // of articles whose keys count
	ids      map[string]board.ArticleID
	queue    []board.KeyedID // what ids holds, by rising id
}

// floor is the lowest seq whose keys count now.
func (m *Mode) floor() uint64 { return m.state.floor(m.keys.countMax) }

// lookUp is what a key means now.
func (m *Mode) lookUp(key string, mark uint64) (id board.ArticleID, found keyFound) {
	id, found = m.state.lookUp(&m.keys, key, mark)
	if found == keyTooOld && m.mutant == mutants.M29 { // it may have had an article, which nobody remembers
		found = keyNew
	}
	return id, found
}

// add puts in a key, unless the table has it. Ids rise from call to call but
// for those that are there already.
func (t *keyTable) add(k board.KeyedID) {
	if t.ids == nil {
		t.ids = make(map[string]board.ArticleID)
	}
	if _, ok := t.ids[k.Key]; ok {
		return
	}
	t.ids[k.Key] = k.ID
	t.queue = append(t.queue, k)
}

// forget drops the keys of articles below floor.
func (t *keyTable) forget(floor uint64) {
	n := 0
	for n < len(t.queue) && t.queue[n].ID.Seq < floor {
		delete(t.ids, t.queue[n].Key)
		t.queue[n] = board.KeyedID{}
		n++
	}
	t.queue = t.queue[n:]
}
