package web

import (
	"testing"

	"consequor/replicad/api"
)

// A post that got no answer is unknown, with the key that goes on; a refusal
// after that is no "surely not", until the article is there.
func TestAPIUnknown(t *testing.T) {
	t.Parallel() // it waits for an answer that does not come
	vl := newVillage(t, 1)
	url, _ := vl.serve(t, nil)
	c := newCaller(t, url)
	refuse := func(r *api.Request) *api.Error {
		return &api.Error{Outcome: api.Refused, Kind: api.KindInvalid, Message: "no"}
	}
	vl.when(nil, writes)
	lost := c.post("/api/post", `{"author":"a","body":"once"}`).wants(504, "outcome", "unknown", "key", "*", "hint", againHint)
	again := `{"author":"a","body":"once","key":"` + lost["key"].(string) + `"}`
	vl.when(refuse, nil)
	c.post("/api/post", again).wants(504, "kind", "unknown", "outcome", "unknown", "key", lost["key"].(string))
	c.post("/api/post", `{"author":"a","body":"another"}`).wants(400, "outcome", "refused")
	vl.when(nil, nil)
	c.post("/api/post", again).wants(200, "id", "1")
	if n := vl.count(); n != 1 {
		t.Errorf("%d articles", n)
	}
}

// Kinds have their codes: 504 is unknown and nothing else is.
func TestAPICodes(t *testing.T) {
	for _, k := range []struct {
		kind string
		code int
	}{
		{api.KindNotFound, 404}, {api.KindInvalid, 400}, {api.KindNoSuchReplica, 400}, {api.KindNoMajority, 409}, {api.KindOtherCluster, 409},
		{api.KindEpochChanging, 409}, {api.KindBehind, 409}, {api.KindNotConnected, 503}, {api.KindDeadline, 503}, {api.KindInternal, 500},
	} {
		if p := problemOf(&api.Error{Outcome: api.Refused, Kind: k.kind}); p.code != k.code || p.Kind != k.kind {
			t.Errorf("%s: %d, want %d", k.kind, p.code, k.code)
		}
		if p := problemOf(&api.Error{Outcome: api.Unknown, Kind: k.kind}); p.code != 504 {
			t.Errorf("%s, unknown: %d", k.kind, p.code)
		}
	}
}

// Where nobody is, that is said as JSON too.
func TestAPINobodyThere(t *testing.T) {
	url, _ := serve(t, Config{Source: nowhere{}})
	c := newCaller(t, url)
	c.get("/api/read").wants(503, "kind", "not_connected", "hint", "*")
	c.post("/api/post", `{"author":"a","body":"b"}`).wants(503, "outcome", "refused")
	c.get("/api/status").wants(503)
	vl := newVillage(t, 1)
	url, _ = vl.serve(t, nil)
	c = newCaller(t, url)
	c.get("/api/read").wants(200)
	vl.stops[0]()
	c.get("/api/read").wants(503, "kind", "not_connected")
	if c.head.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
}

// Of two tries of one key at the same time, a refusal of the one says nothing
// about the other.
func TestDoubtsOfTwoTries(t *testing.T) {
	refused := &api.Error{Outcome: api.Refused, Kind: api.KindNoMajority, Message: "no"}
	unknown := func(err error) bool { p, ok := err.(*problem); return ok && p.Outcome == api.Unknown }
	d := newDoubts()
	d.begin("k")
	d.begin("k")
	if err := d.end("k", refused); !unknown(err) {
		t.Errorf("refused beside another try: %v", err)
	}
	if err := d.end("k", refused); unknown(err) {
		t.Errorf("both are refused, and the last is told %v", err)
	}
	d.begin("k")
	d.begin("k")
	if err := d.end("k", nil); err != nil {
		t.Error(err)
	}
	if err := d.end("k", refused); !unknown(err) {
		t.Errorf("refused after another try was done: %v", err)
	}
	for range 2 * doubtsMax {
		d.doubt(newID())
	}
	if len(d.order) != doubtsMax || len(d.doubted) != doubtsMax || len(d.inFlight) != 0 {
		t.Errorf("%d, %d, %d keys are kept", len(d.order), len(d.doubted), len(d.inFlight))
	}
}
