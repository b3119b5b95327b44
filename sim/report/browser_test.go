package report

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// browse opens a page in a browser without a screen, and returns what has
// become of it, and what was said on the console.
func browse(t *testing.T, html string) (dom, console string) {
	t.Helper()
	browser, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("there is no chromium to open the page with")
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "run.html")
	if err := os.WriteFile(file, []byte(html), 0o644); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
		"--user-data-dir="+filepath.Join(dir, "profile"), "--enable-logging=stderr", "--window-size=1280,800",
		"--virtual-time-budget=4000", "--dump-dom", "file://"+file)
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("chromium: %v\n%s", err, said.String())
	}
	for line := range strings.SplitSeq(said.String(), "\n") {
		if strings.Contains(line, "CONSOLE") {
			console += line + "\n"
		}
	}
	return string(out), console
}

// data reads one of the attributes that the page leaves for tests.
func data(t *testing.T, dom, name string) string {
	t.Helper()
	found := regexp.MustCompile(`<html[^>]* data-` + name + `="([^"]*)"`).FindStringSubmatch(dom)
	if found == nil {
		t.Fatalf("the page has not set data-%s: its script did not come to an end", name)
	}
	return found[1]
}

// Each sample opens without a word on the console, its proof is in view, and
// nothing that its texts say has run.
func TestOpens(t *testing.T) {
	for name, r := range samples() {
		t.Run(name, func(t *testing.T) {
			dom, console := browse(t, written(t, r))
			if console != "" || data(t, dom, "errors") != "0" {
				t.Errorf("the console says:\n%s", console)
			}
			var proof []string
			for _, p := range modelOf(r).Summary.Proof {
				proof = append(proof, strconv.Itoa(p.Number))
			}
			if got, want := data(t, dom, "proof"), strings.Join(proof, " "); got != want {
				t.Errorf("operations %q of the proof are in view, want %q", got, want)
			}
			t.Logf("ready after %s ms", data(t, dom, "ready"))
		})
	}
}

// driver presses keys and writes down what comes of it.
const driver = `<script>
const press = (key, target = document.body) => target.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
const heading = () => document.querySelector("#details h3").textContent + "@" + location.hash;
const told = [];
press("n"); told.push(heading());
press("n"); told.push(heading());
press("j"); told.push(heading());
press("k"); press("k"); told.push(heading());
press("/"); told.push(document.activeElement.id);
const filter = document.getElementById("filter");
filter.value = "s2 post"; filter.dispatchEvent(new Event("input"));
press("Escape", filter);
told.push(document.getElementById("hits").textContent);
told.push(String(document.querySelectorAll("#ops .row:not(.head)").length));
for (const key of ["t", "+", "+", "-", "0", "Escape"]) press(key);
told.push(document.querySelector("#details h3").textContent);
document.documentElement.dataset.told = told.join("|");
</script>`

// Scenario: n goes to both operations of the proof in turn; j and k walk the
// events around; / goes to the filter, which leaves one operation; zoom and
// scale change without an error, and Escape lets go.
func TestKeys(t *testing.T) {
	html := written(t, cutRun())
	html = regexp.MustCompile(`<meta http-equiv[^>]*>`).ReplaceAllString(html, "") // or the driver would not run
	html = strings.Replace(html, "</body>", driver+"</body>", 1)
	dom, console := browse(t, html)
	if console != "" {
		t.Errorf("the console says:\n%s", console)
	}
	want := "Operation 2: post@#op-2|Operation 3: post@#op-3|called@#event-27|called@#event-25|filter|1 event, 1 operation|1|Point at anything, or press it"
	if got := data(t, dom, "told"); got != want {
		t.Errorf("the keys led to\n%s, want\n%s", got, want)
	}
}
