package cli

import (
	"io"
	"regexp"
	"strings"
	"sync"

	"consequor/modes/modeplugin"
)

// pluginWords listens to what a plugin writes to its stderr, and passes it on.
// Of all that it keeps what tells why the process died: the line of a panic, else
// the last one.
type pluginWords struct {
	to     io.Writer // nil: nobody
	folder *regexp.Regexp

	mu    sync.Mutex
	panic string
	last  string
}

func newPluginWords(c modeplugin.LaunchConfig) *pluginWords {
	return &pluginWords{to: c.Stderr, folder: regexp.MustCompile(regexp.QuoteMeta(c.SocketDir) + `[^\s:]*`)}
}

// Write takes one line.
func (w *pluginWords) Write(line []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	text := strings.TrimSpace(string(line))
	if strings.HasPrefix(text, "panic: ") || strings.HasPrefix(text, "fatal error: ") {
		w.panic = text
	}
	if text != "" {
		w.last = text
	}
	if w.to != nil {
		return w.to.Write(line)
	}
	return len(line), nil
}

// forget is for a new process.
func (w *pluginWords) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.panic, w.last = "", ""
}

const pluginWordsMax = 200 // characters

// why tells why a process died that ended so.
func (w *pluginWords) why(end string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.panic != "":
		return w.lasting(w.panic)
	case w.last != "":
		return end + ", its last words: " + w.lasting(w.last)
	}
	return end
}

var (
	addresses = regexp.MustCompile(`0x[0-9a-f]+`)
	clockTime = regexp.MustCompile(`(\d{4}[-/]\d\d[-/]\d\d[ T])?\d\d:\d\d:\d\d([.,]\d+)?(Z|[+-]\d\d:?\d\d)? ?`)
)

// lasting leaves out what is another in each run: addresses, times, and the
// folder that the plugin was run in.
func (w *pluginWords) lasting(text string) string {
	text = addresses.ReplaceAllString(text, "0x...")
	text = clockTime.ReplaceAllString(text, "")
	text = w.folder.ReplaceAllString(text, "the plugin")
	if runes := []rune(text); len(runes) > pluginWordsMax {
		text = string(runes[:pluginWordsMax]) + "..."
	}
	return text
}
