package sequential

import (
	"strconv"
	"testing"

	"consequor/modes"
	"consequor/modes/modetest"
)

// Every file in testdata is one scenario: what is done to a cluster, and what
// its replicas then do. The option limit=N makes the log short.
func TestTranscripts(t *testing.T) {
	modetest.RunTranscripts(t, "testdata", func(options map[string]string) func() modes.Mode {
		l := defaultLimits
		if limit, err := strconv.Atoi(options["limit"]); err == nil {
			l.logLenMax, l.logLenKeep = limit, limit/2
		}
		return func() modes.Mode { return newMode(l) }
	}, DescribeMessage)
}
