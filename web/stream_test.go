package web

import (
	"bufio"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"
)

// listen opens a stream and returns its messages, as "kind data".
func listen(t *testing.T, url, query string) (messages <-chan string, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, "GET", url+"/events"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if kind := resp.Header.Get("Content-Type"); resp.StatusCode != 200 || kind != "text/event-stream" {
		t.Fatalf("stream: %s, %s", resp.Status, kind)
	}
	c := make(chan string, 1000)
	go func() {
		defer close(c)
		defer resp.Body.Close()
		var kind string
		for s := bufio.NewScanner(resp.Body); s.Scan(); {
			if k, ok := strings.CutPrefix(s.Text(), "event: "); ok {
				kind = k
			}
			if data, ok := strings.CutPrefix(s.Text(), "data: "); ok {
				c <- kind + " " + data
			}
		}
	}()
	return c, cancel
}

func heard(t *testing.T, messages <-chan string, want string) {
	t.Helper()
	select {
	case got, ok := <-messages:
		if got != want {
			t.Errorf("heard %q (%v), want %q", got, ok, want)
		}
	case <-time.After(patience):
		t.Fatalf("heard nothing, want %q", want)
	}
}

// A stream tells of what its page does not show yet, then of each new article;
// many streams share one follower; all end with the server.
func TestStream(t *testing.T) {
	vl := newVillage(t, 2)
	vl.put(0, "a", "one", "")
	url, stop := vl.serve(t, nil)
	first, _ := listen(t, url, "?seen=1")
	second, leave := listen(t, url, "?seen=-")
	heard(t, second, `articles {"articles":[],"more":true}`)
	vl.put(1, "b", "", "two")
	for _, m := range []<-chan string{first, second} {
		heard(t, m, `articles {"articles":[{"id":"2","parent":"1"}]}`)
	}
	third, _ := listen(t, url, "?seen=1")
	heard(t, third, `articles {"articles":[{"id":"2","parent":"1"}]}`)
	leave()
	vl.put(0, "c", "three", "")
	heard(t, first, `articles {"articles":[{"id":"3","parent":null}]}`)
	heard(t, third, `articles {"articles":[{"id":"3","parent":null}]}`)
	stop()
	for _, m := range []<-chan string{first, third} {
		select {
		case got, ok := <-m:
			if ok {
				t.Errorf("heard %q at the end", got)
			}
		case <-time.After(patience):
			t.Error("the stream does not end with the server")
		}
	}
}

// A stream at a replica that goes away says so.
func TestStreamOfReplicaThatIsGone(t *testing.T) {
	vl := newVillage(t, 1)
	url, _ := vl.serve(t, nil)
	m, _ := listen(t, url, "")
	vl.stops[0]()
	heard(t, m, `away {"away":true}`)
}

// A reader who takes nothing is dropped; the others hear on.
func TestSlowReaderIsDropped(t *testing.T) {
	fs := newFeeds(newCluster(nowhere{}))
	fs.ctx = t.Context()
	slow, leave := fs.open("", nil)
	defer leave()
	quick, quit := fs.open("", nil)
	defer quit()
	for range streamQueue + 1 {
		fs.mu.Lock()
		fs.byName[""].send([]byte("x"))
		fs.mu.Unlock()
		<-quick.messages
	}
	n := 0
	for range slow.messages {
		n++
	}
	if n != streamQueue {
		t.Errorf("the slow one had %d messages, want %d and the end", n, streamQueue)
	}
}

// There are so many streams, and one more is refused.
func TestStreamsAreBounded(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	fs := newFeeds(newCluster(nowhere{}))
	fs.ctx = ctx
	var leaves []func()
	for range streamsMax {
		s, leave := fs.open("", nil)
		if s == nil {
			t.Fatal("refused too early")
		}
		leaves = append(leaves, leave)
	}
	if s, _ := fs.open("", nil); s != nil {
		t.Error("one too many is let in")
	}
	for _, leave := range leaves {
		leave()
	}
	if s, leave := fs.open("", nil); s == nil {
		t.Error("nobody is let in after all have left")
	} else {
		leave()
	}
	cancel()
	fs.running.Wait()
}
