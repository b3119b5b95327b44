package web

import (
	"fmt"
	"io"
	"net/http"
	"testing"
)

// BenchmarkPages loads pages of a board of 10,000 articles while 200 streams are
// open and articles come in: what a page costs from the browser's request to its
// last byte, replicas of this process included.
func BenchmarkPages(b *testing.B) {
	vl := newVillage(b, 3)
	for i := range 10_000 {
		vl.put(uint64(i/10*10%(i+1)), "author", fmt.Sprint("title ", i), "some *words* of a body")
	}
	url, _ := vl.serve(b, nil)
	for range 200 {
		resp, err := http.Get(url + "/events?seen=10000")
		if err != nil {
			b.Fatal(err)
		}
		defer resp.Body.Close()
		go io.Copy(io.Discard, resp.Body) //nolint:errcheck // it ends with the stream
	}
	for _, path := range []string{"/", "/?order=oldest", "/?from=5000", "/a/5001", "/post", "/?q=words", "/?q=absent"} {
		b.Run(path, func(b *testing.B) {
			browser := newBrowser(b, url).get("/")
			for b.Loop() {
				vl.put(0, "author", "news", "")
				if browser.get(path); browser.code != 200 {
					b.Fatalf("status %d", browser.code)
				}
			}
		})
	}
}
