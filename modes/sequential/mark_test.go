package sequential

import (
	"testing"

	"consequor/board"
	"consequor/modes"
)

// A key whose mark lies above its own article was made by hand. Its first use is
// void on every replica; else, 100,000 articles later, it would pass for new on
// one that never restarted, and not on one that did.
func TestMarkAheadOfTheBoard(t *testing.T) {
	for name, known := range map[string][]board.KeyedID{
		"never restarted":       nil,
		"restarted, told of it": {{ID: board.ArticleID{Seq: 1}, Key: "k~9999999.1"}},
	} {
		m := newMode(defaultLimits)
		m.out, m.epoch = &modes.Effects{}, 1
		m.state = state{first: 1, origins: 1, next: board.KeyCountMax + 2} // the table reaches back to 2
		for _, k := range known {
			m.keys.add(k)
		}
		var batch applied
		m.applyPost(&post{epoch: 1, mark: 9999999, article: board.Article{Title: "again", Key: "k~9999999.1"}}, &batch)
		if len(batch.articles) != 0 {
			t.Errorf("%s: it became article %s", name, batch.articles[0].ID)
		}
	}
}
