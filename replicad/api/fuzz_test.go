package api

import (
	"testing"

	"google.golang.org/protobuf/proto"

	pb "consequor/replicad/api/consequorpb"
)

// Whatever bytes come as a request: no panic, and what is taken is within the
// limits and is the same after another way over the wire.
func FuzzRequest(f *testing.F) {
	for _, r := range []Request{
		{Verb: Post, Title: "x", Key: "7f3a~41.2"},
		{Verb: Read, After: "17.2@40,41.2", Since: "c:1:40", Count: 7},
	} {
		seed, err := proto.Marshal(encodeRequest(&r))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var m pb.Request
		if proto.Unmarshal(data, &m) != nil {
			return
		}
		r, err := decodeRequest(&m)
		if err != nil || r.check() != nil {
			return
		}
		again, err := decodeRequest(encodeRequest(&r))
		if err != nil || again.check() != nil {
			t.Fatalf("%+v was taken, its copy is not: %v", r, err)
		}
		if !proto.Equal(encodeRequest(&r), encodeRequest(&again)) {
			t.Fatalf("%+v became %+v", r, again)
		}
	})
}

// Whatever text comes as a cursor: what is taken is written back as it was.
func FuzzCursor(f *testing.F) {
	for _, seed := range []string{"", "17", "17.2@40,41.2", "@-", "17@"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := ParseCursor(text)
		if err != nil {
			return
		}
		again, err := ParseCursor(c.String())
		if err != nil || again.String() != c.String() {
			t.Fatalf("%q became %q became %q, %v", text, c, again, err)
		}
	})
}
