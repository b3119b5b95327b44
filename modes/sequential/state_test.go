package sequential

import (
	"fmt"
	"slices"
	"testing"

	"consequor/board"
	"consequor/modes"
)

// The keys of the newest 100,000 articles count. Across an earlier epoch's
// articles, of which several may share a seq, a part of that does.
func TestFloor(t *testing.T) {
	tests := []struct {
		state state
		want  uint64
	}{
		{state{first: 1, origins: 1, next: 1}, 1},
		{state{first: 1, origins: 1, next: 100_001}, 1},
		{state{first: 1, origins: 1, next: 100_002}, 2},
		{state{first: 1, origins: 1, next: 250_000}, 150_000},
		{state{first: 200_001, origins: 1, next: 200_001}, 100_001},
		{state{first: 200_001, origins: 4, next: 200_001}, 175_001},
		{state{first: 200_001, origins: 4, next: 260_001}, 190_001},
		{state{first: 200_001, origins: 4, next: 300_001}, 200_001},
		{state{first: 200_001, origins: 4, next: 300_002}, 200_002},
	}
	for _, test := range tests {
		if got := test.state.floor(board.KeyCountMax); got != test.want {
			t.Errorf("%+v: floor %d, want %d", test.state, got, test.want)
		}
	}
}

// A key is known while its article is among the newest 100,000; after that it
// is too old, never new. On a replica that replays its log, keys of articles
// that the board has and the log has yet to give an id do not count.
func TestLookUp(t *testing.T) {
	s := state{first: 1, origins: 1, next: 1}
	table := keyTable{countMax: board.KeyCountMax}
	for i := range board.KeyCountMax + 10 {
		table.add(board.KeyedID{ID: board.ArticleID{Seq: uint64(i + 1)}, Key: fmt.Sprint("k", i+1)})
	}
	look := func(key string, mark uint64) keyFound {
		_, found := s.lookUp(&table, key, mark)
		return found
	}
	if got := look("k1", 0); got != keyNew {
		t.Errorf("before article 1 is applied, its key is %d, want new", got)
	}
	s.next = board.KeyCountMax + 1
	if got := look("k1", 0); got != keyKnown {
		t.Errorf("with 100,000 articles, the key of the first is %d, want known", got)
	}
	if got := look("other", 0); got != keyNew {
		t.Errorf("while the table reaches back to the first article, an unknown key is %d, want new", got)
	}
	s.next = board.KeyCountMax + 11
	table.forget(s.floor(board.KeyCountMax))
	for key, want := range map[string]keyFound{"k10": keyTooOld, "k11": keyKnown, "": keyNew} {
		if got := look(key, 0); got != want {
			t.Errorf("ten articles later, key %q is %d, want %d", key, got, want)
		}
	}
	if got := look("other", 11); got != keyNew {
		t.Errorf("a key whose client had seen 11 is %d, want new", got)
	}
	if len(table.ids) != board.KeyCountMax || len(table.queue) != board.KeyCountMax {
		t.Errorf("the table holds %d and %d keys, want %d", len(table.ids), len(table.queue), board.KeyCountMax)
	}
}

// Of two epochs of one log, the seal of the first makes void what is of the
// first, behind it, and nothing else; that it comes late is no news.
func TestSealOfAnEpoch(t *testing.T) {
	m := newMode(defaultLimits)
	m.out, m.epoch = &modes.Effects{}, 2
	m.state = newState(nil)
	var batch applied
	post := func(title string, epoch uint64) {
		m.apply(appendPost(nil, &post{epoch: epoch, article: board.Article{Title: title}}), &batch)
	}
	post("before the seal", 1)
	m.apply(appendSeal(nil, 1), &batch)
	post("void", 1)
	post("of epoch 2", 2)
	m.apply(appendSeal(nil, 1), &batch)
	if batch.sealed || m.sealed() {
		t.Error("the seal of epoch 1 has sealed epoch 2")
	}
	m.apply(appendSeal(nil, 2), &batch)
	post("void", 2)
	if !batch.sealed || !m.sealed() {
		t.Error("epoch 2 is not sealed")
	}
	var got []string
	for _, a := range batch.articles {
		got = append(got, a.ID.String()+" "+a.Title)
	}
	if want := []string{"1 before the seal", "2 of epoch 2"}; !slices.Equal(got, want) {
		t.Errorf("articles %q, want %q", got, want)
	}
}

// What a sync brought is counted in articles of this log: its first one comes
// behind the seqs of whatever was on the board before.
func TestArticlesOfTheLog(t *testing.T) {
	m := newMode(defaultLimits)
	m.state = newState(board.Vector{{Seq: 4}, {Seq: 20, Origin: 2}})
	for clusterTo, want := range map[uint64]uint64{0: 0, 4: 0, 21: 1, 25: 5} {
		if m.clusterTo = clusterTo; m.articles() != want {
			t.Errorf("up to %d: %d articles, want %d", clusterTo, m.articles(), want)
		}
	}
}

func TestParentThere(t *testing.T) {
	s := state{first: 10, origins: 3, next: 15}
	for id, want := range map[board.ArticleID]bool{
		{}: true, {Seq: 14}: true, {Seq: 15}: false, {Seq: 9, Origin: 2}: true, {Seq: 12, Origin: 2}: false,
	} {
		if got := s.parentThere(id); got != want {
			t.Errorf("parent %s: %t, want %t", id, got, want)
		}
	}
}
