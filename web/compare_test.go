package web

import (
	"strings"
	"testing"
)

// twoBoards are r1 of one village and r2 of another one: replicas that have
// drifted apart.
func twoBoards(t *testing.T) (left, right *village, url string) {
	t.Helper()
	left, right = newVillage(t, 1), newVillage(t, 2)
	source, err := DialAddresses([]string{left.source.replicas[0].ClientAddr, right.source.replicas[1].ClientAddr})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(source.Close)
	url, _ = serve(t, Config{Source: source})
	return left, right, url
}

// What one board lacks is marked, and so is what is not the same on both; equal
// boards are called so.
func TestCompare(t *testing.T) {
	left, right, url := twoBoards(t)
	b := newBrowser(t, url).get("/compare").wants(200, "r1 and r2 have the same board", "Both boards are empty")
	for _, vl := range []*village{left, right} {
		vl.put(0, "alice", "Shared", "the same words")
	}
	b.get("/compare?a=r1&b=r2").wants(200, "r1 and r2 have the same board", "Shared alicethe same words Shared alicethe same words")
	left.put(0, "bob", "Torn", "left words")
	right.put(0, "bob", "Torn", "right words")
	b.get("/compare?a=r1&b=r2").wants(200, "1 shown article not the same on both", "2 not the same on both", "left words", "right words")
	right.put(1, "eve", "<script>alert(1)</script>", "")
	b.get("/compare?a=r1&b=r2").wants(200, "r1 lacks 1 article", "3 on one board only lacks it <script>alert(1)</script> eve")
	if strings.Contains(b.text, "<script>alert") {
		t.Error("a title that is not inert")
	}
	b.get("/compare?a=r2&b=r1").wants(200, "r1 lacks 1 article", "<script>alert(1)</script> eve lacks it")
	if len(left.requests())+len(right.requests()) > 0 {
		t.Error("a mode was asked: that could make the boards equal")
	}
}

// Of many articles the first that are lacking are listed, and all are counted.
func TestCompareManyLacking(t *testing.T) {
	_, right, url := twoBoards(t)
	for range 1234 {
		right.put(0, "eve", "Flood", "")
	}
	b := newBrowser(t, url).get("/compare?a=r1&b=r2").wants(200, "r1 lacks 1234 articles")
	if n := strings.Count(b.text, `class="lacks"`); n != compareListed+compareNewest {
		t.Errorf("%d articles are shown", n)
	}
}

// A replica that does not answer is named; the other board is told of.
func TestCompareWithReplicaThatIsGone(t *testing.T) {
	left, right, url := twoBoards(t)
	right.put(0, "eve", "One", "")
	b := newBrowser(t, url).get("/compare?a=r1&b=r2").wants(200, "r1 lacks 1 article")
	left.stops[0]()
	b.get("/compare?a=r1&b=r2").wants(200, "its board is at 1")
	if strings.Contains(b.text, "verdict") {
		t.Error("a verdict without one of the boards")
	}
	b.get("/compare?a=r1&b=nobody").wants(404, "No such replica")
}
