package web

import (
	"net/http"
	"strings"
	"testing"

	"consequor/supervisor"
)

// controller is a browser that was shown the token.
func controller(t *testing.T, url string) *browser {
	t.Helper()
	b := newBrowser(t, url).get("/?control="+controlToken).wants(200, "This browser may control the cluster now")
	if b.path != "/cluster" {
		t.Errorf("the token leads to %s", b.path)
	}
	return b
}

// Each deed asks once more, names the command that does the same, and reaches the
// supervisor.
func TestControlReachesTheSupervisor(t *testing.T) {
	m, url := newMayor(t, 3)
	b := controller(t, url)
	cases := []struct{ query, command, told string }{
		{"verb=kill&target=r1", "consequorctl kill r1", "kill r1"},
		{"verb=pause&target=r2", "consequorctl pause r2", "pause r2"},
		{"verb=resume&target=r2", "consequorctl resume r2", "resume r2"},
		{"verb=restart&target=r1", "consequorctl restart r1", "restart r1"},
		{"verb=stop&target=coordinator", "consequorctl stop coordinator", "stop coordinator"},
		{"verb=kill&target=plugin:r3", "consequorctl kill plugin:r3", "kill plugin:r3"},
		{"verb=cut&a=r1&a=r2&b=r3", "consequorctl cut r1,r2 r3", "cut [r1 r2] [r3] false"},
		{"verb=cut&a=r1&b=rest&one_way=1", "consequorctl cut r1 rest --one-way", "cut [r1] [rest] true"},
		{"verb=heal&a=r1&b=r3", "consequorctl heal r1 r3", "heal [r1] [r3] false"},
		{"verb=heal", "consequorctl heal", "heal [] [] false"},
		{"verb=swap&mode=quorum&options=read%3D2+write%3D2", "consequorctl mode swap quorum --option read=2 --option write=2", "swap quorum read=2 write=2"},
	}
	for _, c := range cases {
		b.get("/cluster/confirm?"+c.query).wants(200, c.command+" Yes")
		if told := m.heard(); told != "" {
			t.Errorf("%s: done without being confirmed: %s", c.query, told)
		}
		form := b.fill("/cluster/do")
		for _, side := range []string{"a", "b"} { // fill keeps one value of a name
			form[side] = b.get("/cluster/confirm?" + c.query).r(side)
		}
		b.send("/cluster/do", form).wants(200, c.command)
		if told := m.heard(); told != c.told || b.path != "/cluster" {
			t.Errorf("%s: told %q, want %q; at %s", c.query, told, c.told, b.path)
		}
	}
}

// r are the values that the page's forms have under a name.
func (b *browser) r(name string) (values []string) {
	for _, n := range find(b.page, func(n *htmlNode) bool { return n.Data == "input" && attr(n, "name") == name }) {
		values = append(values, attr(n, "value"))
	}
	return values
}

// Without the token there are no buttons, and nothing is done; nor with that of
// another start, another browser's cookie, a form of no session, or from a page
// elsewhere.
func TestControlNeedsTheToken(t *testing.T) {
	m, url := newMayor(t, 3)
	may := controller(t, url).get("/cluster/confirm?verb=kill&target=r1")
	good := may.fill("/cluster/do")
	b := newBrowser(t, url).get("/cluster").wants(200, "This browser may look, and not control")
	if strings.Contains(b.text, "/cluster/confirm") || strings.Contains(b.text, controlToken) {
		t.Errorf("buttons, or the token, without the token:\n%s", b.text)
	}
	b.get("/?control=wrong").wants(403, "does not let you control")
	b.get("/?control=").wants(403, "does not let you control")
	b.get("/cluster/confirm?verb=kill&target=r1").wants(403, "may not control")
	own := b.get("/post").fill("/post").Get("form")
	for name, form := range map[string]string{"own form": own, "another's form": good.Get("form"), "no form": ""} {
		values := good
		values.Set("form", form)
		if b.send("/cluster/do", values).wants(403); m.heard() != "" {
			t.Errorf("%s: done without the token", name)
		}
	}
	for _, c := range may.client.Jar.Cookies(mustURL(t, url)) {
		if strings.HasSuffix(c.Name, "-control") {
			b.client.Jar.SetCookies(mustURL(t, url), []*http.Cookie{c})
		}
	}
	good.Set("form", own)
	b.send("/cluster/do", good).wants(403, "may not control")
	may.get("/cluster/confirm?verb=kill&target=r1").submit("/cluster/do", "form", "").wants(403, "Nothing was done")
	good = may.get("/cluster/confirm?verb=kill&target=r1").fill("/cluster/do")
	may.header.Set("Origin", "http://evil.example")
	if may.send("/cluster/do", good).wants(403); m.heard() != "" {
		t.Error("done for a page elsewhere")
	}
	if strings.Contains(newBrowser(t, url).get("/api/status").text, controlToken) {
		t.Error("/api/status tells the token")
	}
}

// The control cookie is out of scripts' reach, strict, and not the token itself.
func TestControlCookie(t *testing.T) {
	_, url := newMayor(t, 1)
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Get(url + "/?control=" + controlToken)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if to := resp.Header.Get("Location"); resp.StatusCode != 303 || strings.Contains(to, controlToken) {
		t.Errorf("%s, to %s", resp.Status, to)
	}
	if len(resp.Cookies()) != 2 {
		t.Errorf("cookies %v", resp.Cookies())
	}
	for _, c := range resp.Cookies() {
		if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || strings.Contains(c.Value, controlToken) {
			t.Errorf("cookie %v", c)
		}
	}
}

// What names nothing of this cluster is refused before the supervisor hears of it.
func TestControlTakesOnlyWhatThereIs(t *testing.T) {
	m, url := newMayor(t, 3)
	b := controller(t, url)
	for _, query := range []string{
		"", "verb=nuke&target=r1", "verb=kill", "verb=kill&target=r9", "verb=kill&target=r1%3B+reboot", "verb=stop&target=plugin:r1", "verb=kill&target=plugin:plugin:r1",
		"verb=cut&a=r1", "verb=cut", "verb=heal&a=r1", "verb=cut&a=r1&b=%3Cscript%3E", "verb=swap", "verb=swap&mode=../x", "verb=swap&mode=quorum&options=$(reboot)%3D1",
	} {
		if b.get("/cluster/confirm?"+query).wants(400, "That cannot be done"); strings.Contains(b.text, "<script>") {
			t.Errorf("%s: a script in the page", query)
		}
		b.get("/cluster/confirm?verb=kill&target=r1")
		form := b.fill("/cluster/do")
		form.Del("target")
		form.Del("verb")
		for _, part := range strings.Split(query, "&") {
			name, value, _ := strings.Cut(part, "=")
			form.Set(name, mustUnescape(t, value))
		}
		b.send("/cluster/do", form).wants(400, "That cannot be done")
	}
	if told := m.heard(); told != "" {
		t.Errorf("told %q", told)
	}
}

// What the supervisor refuses is told with its next step.
func TestControlRefused(t *testing.T) {
	m, url := newMayor(t, 1)
	b := controller(t, url).get("/cluster/confirm?verb=kill&target=r1")
	m.happen(func() {
		m.fail = &supervisor.Error{Kind: supervisor.KindNotAlive, Message: "it has no process", Hint: "start it with: consequorctl restart r1"}
	})
	b.submit("/cluster/do").wants(409, "Not done", "it has no process", "start it with")
}
