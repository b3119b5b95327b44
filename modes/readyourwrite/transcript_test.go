package readyourwrite

import (
	"testing"

	"consequor/modes"
	"consequor/modes/modetest"
	"consequor/modes/originlog"
)

// Every file in testdata is one scenario: what is done to a cluster, and what
// its replicas then do. Other arguments of its cluster command are options.
func TestTranscripts(t *testing.T) {
	modetest.RunTranscripts(t, "testdata", func(options map[string]string) func() modes.Mode {
		return modetest.Configured(New, options)
	}, originlog.DescribeMessage)
}
