package primary

import (
	"fmt"
	"strings"
	"testing"

	"consequor/modes"
	"consequor/modes/modetest"
)

// Every file in testdata is one scenario: what is done to a cluster, and what
// its replicas then do.
func TestTranscripts(t *testing.T) {
	modetest.RunTranscripts(t, "testdata", func(map[string]string) func() modes.Mode { return New }, describe)
}

// describe tells what a message says, for transcripts.
func describe(b []byte) string {
	w, err := cutMessage(b)
	if err != nil {
		return err.Error()
	}
	words := []string{kindNames[w.kind]}
	switch w.kind {
	case kindHello, kindNewLeader:
		words = append(words, fmt.Sprintf("leader %d, backup %d, board %s", w.leader, w.backup, w.board))
	case kindGetID:
		words = append(words, fmt.Sprintf("%q", w.articles[0].Title))
	case kindBackupdate:
		for _, a := range w.articles {
			words = append(words, fmt.Sprintf("%s %q", a.ID, a.Title))
		}
	case kindHave:
		words = append(words, w.board.String())
		if w.gap {
			words = append(words, "and lacks something")
		}
	case kindSync:
		words = append(words, "beyond", w.board.String())
	}
	for _, g := range w.given {
		words = append(words, fmt.Sprintf("request %d: %s", g.request, g.id))
	}
	return strings.Join(words, " ")
}
