package report

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var (
	rewrite = flag.Bool("rewrite", false, "write the golden files anew")
	pages   = flag.String("pages", "", "a folder to leave sample pages in, to be looked at")
)

func written(t *testing.T, r *Report) string {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// The model of a small run is what stands in the golden file.
func TestModel(t *testing.T) {
	got, err := json.MarshalIndent(modelOf(cutRun()), "", " ")
	if err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", "cut.json")
	if *rewrite {
		if err := os.WriteFile(golden, append(got, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.TrimSpace(string(want)), string(got)); diff != "" {
		t.Errorf("the model has changed (-want +got):\n%s", diff)
	}
}

// Every sample becomes a page; with -pages they stay to be looked at.
func TestSamples(t *testing.T) {
	for name, r := range samples() {
		text := written(t, r)
		if *pages != "" {
			if err := os.WriteFile(filepath.Join(*pages, name+".html"), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if n := strings.Count(text, "<script"); n != 2 {
			t.Errorf("%s: %d scripts, want the model and the program", name, n)
		}
	}
}

// What articles and notes say never becomes markup.
func TestEscaping(t *testing.T) {
	text := written(t, samples()["hostile"])
	for _, bad := range []string{"<script>alert", "<img", "\u202e", "\xff"} {
		if strings.Contains(text, bad) {
			t.Errorf("the page contains %q", bad)
		}
	}
	if !strings.Contains(text, `\u003c/script\u003e`) || !strings.Contains(text, "&lt;/script&gt;") {
		t.Error("the attack is not there at all, escaped")
	}
}

// The page asks for nothing: it names no address, and its policy would not let
// it.
func TestNothingIsFetched(t *testing.T) {
	text := written(t, longRun(500))
	for _, pattern := range []string{`https?:`, `src=`, `@import`, `url\(`, `\bfetch\(`, `XMLHttpRequest`, `<link`, `innerHTML`, `style="`} {
		if found := regexp.MustCompile(pattern).FindString(text); found != "" {
			t.Errorf("the page contains %q", found)
		}
	}
	if !strings.Contains(text, "default-src &#39;none&#39;") {
		t.Error("the policy does not forbid all that it does not allow")
	}
	if strings.Contains(text, "unsafe-inline") {
		t.Error("the policy allows any inline script")
	}
}

// The page says what failed, the proof and the command without its scripts.
func TestHeadNeedsNoScript(t *testing.T) {
	text, _, _ := strings.Cut(written(t, cutRun()), `<script type="application/json"`)
	for _, want := range []string{"two articles have the id 8", `<a href="#op-2">operation 2</a>`, "session 2: post at r3, ok 8", "sim run --mode example-primary"} {
		if !strings.Contains(text, want) {
			t.Errorf("the head of the page does not say %q", want)
		}
	}
}

// Ten thousand events fit into a page that opens at once.
func TestSize(t *testing.T) {
	const sizeMax = 3 << 20
	if n := len(written(t, longRun(10_000))); n > sizeMax {
		t.Errorf("%d bytes, the limit is %d", n, sizeMax)
	}
}
