package web

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"consequor/board"
	"consequor/replicad/api"
)

// caller is one with curl.
type caller struct {
	t    testing.TB
	base string
	code int
	head http.Header
	text string
}

func newCaller(t testing.TB, base string) *caller { return &caller{t: t, base: base} }

func (c *caller) do(method, path, body string, header ...string) *caller {
	c.t.Helper()
	r, err := http.NewRequest(method, c.base+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		if r.Header.Set(header[i], header[i+1]); header[i] == "Host" {
			r.Host = header[i+1]
		}
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	c.code, c.head, c.text = resp.StatusCode, resp.Header, string(text)
	return c
}

func (c *caller) get(path string) *caller { c.t.Helper(); return c.do(http.MethodGet, path, "") }
func (c *caller) post(path, body string) *caller {
	c.t.Helper()
	return c.do(http.MethodPost, path, body)
}

// wants checks the status, and that the answer, or its error, has these fields:
// name, value, name, value. A value "*" is any but none.
func (c *caller) wants(code int, fields ...string) map[string]any {
	c.t.Helper()
	var v map[string]any
	if err := json.Unmarshal([]byte(c.text), &v); err != nil {
		c.t.Fatalf("status %d, no JSON object: %s", c.code, c.text)
	}
	if c.code != code {
		c.t.Fatalf("status %d, want %d: %s", c.code, code, c.text)
	}
	if e, ok := v["error"].(map[string]any); ok {
		v = e
	}
	for i := 0; i < len(fields); i += 2 {
		text := asText(v[fields[i]])
		if text != fields[i+1] && (fields[i+1] != "*" || text == `""` || text == "null") {
			c.t.Errorf("%s is %s, want %s: %s", fields[i], text, fields[i+1], c.text)
		}
	}
	return v
}

func asText(v any) string {
	text, _ := json.Marshal(v)
	if s, ok := v.(string); ok && s != "" {
		return s
	}
	return string(text)
}

// The five requests and the status, as the contract with users has them.
func TestAPIFiveRequests(t *testing.T) {
	vl := newVillage(t, 2)
	url, _ := vl.serve(t, nil)
	c := newCaller(t, url)
	posted := c.post("/api/post", `{"author":"alice","title":"First","body":"a <b> & \u0000c"}`).wants(200, "id", "1", "key", "*", "copies", "2", "replica", "*", "mode", "sequential", "epoch", "1", "token", "*", "session", "*")
	vl.put(0, "carol", "Second", "x")
	replied := c.post("/api/reply/1", `{"author":"bob","body":"I see","token":"`+posted["session"].(string)+`"}`).wants(200, "id", "3", "token", vl.id+":1:3", "session", vl.id+":1:3")
	read := c.get("/api/read?at=r2&fresh&token="+replied["session"].(string)).wants(200, "replica", "r2", "next", "null", "guarantee", "sequential", "asked", "[]", "missed", "[]", "applied", "3", "known", "3")
	roots := read["articles"].([]any)
	want := map[string]any{"id": "1", "parent": nil, "author": "alice", "title": "First", "body": "a <b> & \u0000c", "time": "2001-09-09T01:46:40Z", "replies": 1.0}
	if len(roots) != 2 || !reflect.DeepEqual(roots[0], want) {
		t.Errorf("read shows %v, want first %v", roots, want)
	}
	chosen := c.get("/api/choose/3").wants(200, "replies", "[]", "next", "null")
	if chosen["parent"].(map[string]any)["id"] != "1" || chosen["article"].(map[string]any)["parent"] != "1" {
		t.Errorf("choose shows %v", chosen)
	}
	c.get("/api/choose/1").wants(200, "parent", "null")
	c.post("/api/sync", `{"at":"r1"}`).wants(200, "replica", "r1", "count", "3", "reached", `["r2"]`, "missed", "[]")
	c.post("/api/sync", "").wants(200)
	status := c.get("/api/status").wants(200, "mode", "sequential", "coordinator", "r1", "backup", "null", "web", "null")
	if rows := status["replicas"].([]any); len(rows) != 2 {
		t.Errorf("status has %d rows", len(rows))
	}
}

// A session has what was sent and what came; token is what came alone.
func TestAPISessionIsJoined(t *testing.T) {
	parse := func(text string) board.Token {
		token, err := board.ParseToken(text)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	s := servedFor(parse("c:1:40,3.1"), &api.Answer{Token: parse("c:2:7,9.2")})
	if s.Token != "c:2:7,9.2" || s.Session != "c:2:40,3.1,9.2" {
		t.Errorf("token %s, session %s", s.Token, s.Session)
	}
}

// Parameters arrive at the replica; pages lead on, and end.
func TestAPIParameters(t *testing.T) {
	vl := newVillage(t, 1)
	for range 5 {
		vl.put(0, "alice", "t", "b")
	}
	base, _ := vl.serve(t, nil)
	c := newCaller(t, base)
	first := c.get("/api/read?n=3&all=true&fresh=1").wants(200, "next", "*")
	second := c.get("/api/read?n=3&after="+url.QueryEscape(first["next"].(string))).wants(200, "next", "null")
	if n := len(second["articles"].([]any)); n != 2 {
		t.Errorf("the second page has %d articles", n)
	}
	vl.put(1, "bob", "", "a reply")
	since := c.get("/api/read?since="+url.QueryEscape(second["token"].(string))).wants(200, "token", "*")
	if a := since["articles"].([]any); len(a) != 1 || a[0].(map[string]any)["id"] != "6" {
		t.Errorf("since shows %v", a)
	}
	c.post("/api/post", `{"author":"a","title":"t","body":"b","key":"mine","at":"r1"}`).wants(200, "key", "mine", "id", "7")
	c.post("/api/post", `{"author":"a","title":"t","body":"b","key":"mine"}`).wants(200, "id", "7")
	asked := vl.requests()
	if r := asked[0]; !r.All || !r.Fresh || r.Count != 3 {
		t.Errorf("read asked for %+v", r)
	}
	if r := asked[3]; r.Key != "mine" || r.Author != "a" || r.Title != "t" || r.Body != "b" || r.Replica != "r1" {
		t.Errorf("post asked for %+v", r)
	}
}

// What is wrong with a call is said, and nothing is done.
func TestAPIUsage(t *testing.T) {
	vl := newVillage(t, 1)
	url, _ := vl.serve(t, nil)
	c := newCaller(t, url)
	for path, kind := range map[string]string{
		"/api/read?frehs=1": "usage", "/api/read?n=0": "usage", "/api/read?n=1001": "usage", "/api/read?n=x": "usage", "/api/read?all=maybe": "usage",
		"/api/read?since=x": "usage", "/api/read?token=x": "usage", "/api/read?after=x": "usage", "/api/read?n=1&n=2": "usage", "/api/read?a=%zz": "usage",
		"/api/read?at=r9": "bad_target", "/api/choose/x": "usage", "/api/choose/1?all=1": "usage", "/api/status?x=1": "usage",
	} {
		c.get(path).wants(400, "kind", kind, "message", "*", "hint", "*")
	}
	for _, body := range []string{"", "{}", `{"author":" "}`, `{"author":"a","bdoy":"x"}`, `{"author":1}`, "[]", "null x", `{"author":"a"} {}`, "{\"author\":\"\xff\"}", `{"author":"a","token":"x"}`} {
		c.post("/api/post", body).wants(400, "kind", "usage")
	}
	c.post("/api/post", `{"author":"a","title":"`+strings.Repeat("x", 201)+`"}`).wants(400, "kind", "invalid", "outcome", "refused")
	c.post("/api/post?author=a", `{"author":"a"}`).wants(400, "kind", "usage")
	c.post("/api/post", `{"author":"`+strings.Repeat("x", bodySizeMax)+`"}`).wants(413, "kind", "usage")
	c.get("/api/post").wants(405, "kind", "usage")
	c.post("/api/read", "{}").wants(405, "kind", "usage")
	if allow := c.head.Get("Allow"); allow != "GET" {
		t.Errorf("Allow: %q", allow)
	}
	c.get("/api/nothing").wants(404, "kind", "usage")
	c.get("/api/choose/7").wants(404, "kind", "not_found", "outcome", "refused")
	c.post("/api/reply/7", `{"author":"a","body":"b"}`).wants(404, "kind", "not_found")
	if n := vl.count(); n != 0 {
		t.Errorf("%d articles were posted", n)
	}
}

// A page elsewhere can send a form, or text that is not said to be JSON; neither
// posts, nor does what comes by another name.
func TestAPIForeign(t *testing.T) {
	vl := newVillage(t, 1)
	url, _ := vl.serve(t, nil)
	c := newCaller(t, url)
	body := `{"author":"eve","body":"x"}`
	for _, path := range []string{"/api/post", "/api/reply/1", "/api/sync"} {
		for _, kind := range []string{"text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "text/plain; application/json", ""} {
			c.do("POST", path, body, "Content-Type", kind).wants(415, "kind", "usage")
		}
		c.do("POST", path, body, "Origin", "http://evil.example").wants(403, "kind", "foreign")
		c.do("POST", path, body, "Origin", "null").wants(403)
		c.do("POST", path, body, "Sec-Fetch-Site", "cross-site").wants(403)
		c.do("POST", path, body, "Host", "evil.example").wants(421, "kind", "foreign")
		c.do("OPTIONS", path, "", "Origin", "http://evil.example", "Access-Control-Request-Method", "POST").wants(403)
		if allow := c.head.Get("Access-Control-Allow-Origin"); allow != "" {
			t.Errorf("%s lets %s in", path, allow)
		}
	}
	c.do("GET", "/api/read", "", "Origin", "http://evil.example").wants(403)
	if n := len(vl.requests()); n != 0 {
		t.Errorf("%d requests came to the replica", n)
	}
	c.do("POST", "/api/post", body, "Origin", url, "Content-Type", "application/json; charset=utf-8").wants(200)
}

// Who may read may not control: the address that lets one do so is not told.
func TestAPIStatusKeepsTheControlAddress(t *testing.T) {
	url, _ := serve(t, Config{Source: fullSource{}})
	c := newCaller(t, url)
	if c.get("/api/status").wants(200, "web", "x"); strings.Contains(c.text, "web_control") {
		t.Errorf("status tells %s", c.text)
	}
}
