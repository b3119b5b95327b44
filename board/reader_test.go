package board

import (
	"encoding/binary"
	"testing"
)

// Each field reads back as it was written; cut short anywhere, or out of its
// range, the reader has failed and gives zeros from there on.
func TestReader(t *testing.T) {
	article := Article{ID: ArticleID{Seq: 9, Origin: 2}, Author: "ada", Title: "t", Body: "b", Time: -5, Key: "k"}
	whole := binary.AppendUvarint(nil, 300)
	whole = binary.AppendVarint(whole, -7)
	whole = append(whole, 8)
	whole = appendText(whole, "some text")
	whole = binary.AppendUvarint(whole, 2) // items, of a byte each
	whole = AppendVector(whole, Vector{{Seq: 3}, {Seq: 4, Origin: 1}})
	whole = AppendArticle(whole, &article)
	read := func(r *Reader) bool {
		return r.Uvarint() == 300 && r.Varint() == -7 && r.Byte() == 8 && r.Text(9) == "some text" && r.Count(1) == 2 &&
			r.Vector().String() == "3,4.1" && r.Article() == article && r.End()
	}
	if r := (Reader{Rest: whole}); !read(&r) {
		t.Errorf("what was written does not read back: %+v", r)
	}
	for n := range whole {
		if r := (Reader{Rest: whole[:n]}); read(&r) || !r.Failed || len(r.Rest) > 0 {
			t.Errorf("cut to %d bytes: %+v, want it to fail", n, r)
		}
	}
	for name, read := range map[string]func(*Reader) bool{
		"a text above its limit":             func(r *Reader) bool { return r.Text(8) != "" },
		"more items than there are bytes":    func(r *Reader) bool { return r.Count(2) != 0 },
		"a replica of more than 32 bits":     func(r *Reader) bool { return r.Replica() != 0 },
		"a vector whose origins do not rise": func(r *Reader) bool { return r.Vector() != nil },
	} {
		rest := map[string][]byte{
			"a text above its limit":             appendText(nil, "some text"),
			"more items than there are bytes":    {2, 0, 0, 0},
			"a replica of more than 32 bits":     binary.AppendUvarint(nil, 1<<32),
			"a vector whose origins do not rise": {2, 3, 1, 4, 1},
		}[name]
		if r := (Reader{Rest: rest}); read(&r) || !r.Failed || r.Uvarint() != 0 {
			t.Errorf("%s: %+v, want it to fail", name, r)
		}
	}
}
