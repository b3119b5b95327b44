package web

import (
	"net/http"
	"strings"
	"testing"
)

// What a page elsewhere, or a name of its own for this machine, can send is
// refused before anything is done.
func TestForeignRequestsAreRefused(t *testing.T) {
	vl := newVillage(t, 1)
	url, _ := vl.serve(t, nil)
	host := strings.TrimPrefix(url, "http://")
	_, port, _ := strings.Cut(host, ":")
	cases := []struct {
		name   string
		method string
		host   string
		header map[string]string
		want   int
	}{
		{"ours", "GET", host, nil, 200},
		{"localhost", "GET", "localhost:" + port, nil, 200},
		{"rebound name", "GET", "evil.example:" + port, nil, 421},
		{"no port", "GET", "127.0.0.1", nil, 421},
		{"read from elsewhere", "GET", host, map[string]string{"Origin": "http://evil.example"}, 403},
		{"from a file", "GET", host, map[string]string{"Origin": "null"}, 403},
		{"image on another site", "GET", host, map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}, 403},
		{"frame of another port", "GET", host, map[string]string{"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}, 403},
		{"a link elsewhere", "GET", host, map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}, 200},
		{"form elsewhere", "POST", host, map[string]string{"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"}, 403},
		{"form of another port", "POST", host, map[string]string{"Origin": "http://127.0.0.1:1", "Sec-Fetch-Site": "same-site"}, 403},
		{"form of nowhere", "POST", host, nil, 403},
		{"form that lies of its origin", "POST", host, map[string]string{"Origin": url, "Sec-Fetch-Site": "cross-site"}, 403},
	}
	for _, c := range cases {
		r, err := http.NewRequest(c.method, url+"/post", strings.NewReader("title=x"))
		if err != nil {
			t.Fatal(err)
		}
		r.Host = c.host
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		for k, v := range c.header {
			r.Header.Set(k, v)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != c.want {
			t.Errorf("%s: status %d, want %d", c.name, resp.StatusCode, c.want)
		}
		if policy := resp.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: policy %q", c.name, policy)
		}
	}
	if n := vl.count(); n != 0 {
		t.Errorf("%d articles were posted", n)
	}
}

// A form without its token, or with another visitor's, posts nothing; its words
// come back.
func TestFormToken(t *testing.T) {
	vl := newVillage(t, 1)
	url, _ := vl.serve(t, nil)
	b, other := newBrowser(t, url).signIn("alice"), newBrowser(t, url).signIn("eve").get("/post")
	for _, token := range []string{"", "nonsense", other.fill("/post").Get("form")} {
		b.get("/post").submit("/post", "form", token, "body", "my words").wants(403, "the form is not of this session", "my words")
		for _, action := range []string{"/sync", "/name", "/replica"} {
			b.get("/").submit(action, "form", token, "name", "mallory", "at", "r1").wants(403, "Not done")
		}
	}
	if n := vl.count(); n != 0 {
		t.Errorf("%d articles were posted", n)
	}
	b.get("/post").wants(200, "as alice")
}

// Who follows a link from elsewhere comes without a cookie (it is strict), keeps
// it, and has it with the next request.
func TestLinkFromElsewhereKeepsTheSession(t *testing.T) {
	url, _ := newVillage(t, 1).serve(t, nil)
	b := newBrowser(t, url)
	r, err := http.NewRequest("GET", url+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"} {
		r.Header.Set(k, v)
	}
	b.do(r).wants(200)
	if !strings.Contains(b.text, `http-equiv="refresh"`) || len(b.client.Jar.Cookies(mustURL(t, url))) != 0 {
		t.Errorf("got a cookie, or no reload:\n%s", b.text)
	}
}

// A form leads back to a page of ours, wherever it says.
func TestBackStaysHere(t *testing.T) {
	url, _ := newVillage(t, 1).serve(t, nil)
	b := newBrowser(t, url).signIn("alice")
	for _, back := range []string{"//evil.example/", "http://evil.example/", `/\evil.example`, "javascript:alert(1)", "/\t/evil.example"} {
		if b.get("/").submit("/name", "name", "x", "back", back).wants(200); b.path != "/" {
			t.Errorf("back %q leads to %s", back, b.path)
		}
	}
}

// The cookie is out of scripts' reach and does not go along from other sites.
func TestCookie(t *testing.T) {
	url, _ := newVillage(t, 1).serve(t, nil)
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	for _, c := range resp.Cookies() {
		if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" {
			t.Errorf("cookie %v", c)
		}
	}
	if len(resp.Cookies()) != 1 {
		t.Errorf("%d cookies", len(resp.Cookies()))
	}
}
