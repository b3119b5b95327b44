package host_test

import (
	"testing"

	"consequor/modes"
)

// Scenario: 1. A client makes a key and posts with it. 2. The mode posts the
// article, and dies before it says so. 3. The next life finds the key below its
// table: it is too old now, and was not then. A client that were told so would
// make another key, and the article would be there twice.
func TestKeyTooOldSince(t *testing.T) {
	for dies, want := range map[bool]string{false: modes.KeyTooOld, true: modes.KeyForgotten} {
		var open modes.RequestID
		c, n, _ := solo(t, func(_ *scripted, e modes.Event, out *modes.Effects) {
			if r, ok := e.(modes.Request); ok {
				open = r.ID
				if !dies {
					unknownOldKey(open, out)
				}
			}
		})
		c.settle()
		id := n.post("x", "key")
		c.settle()
		if dies {
			n.killPlugin()
			dies = false
			n.startPlugin()
			c.settle()
		}
		if a := n.answer(id); a.Why != want {
			t.Errorf("told %q, want %q", a.Why, want)
		}
	}
}
