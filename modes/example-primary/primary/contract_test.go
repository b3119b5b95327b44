package primary

import (
	"strings"
	"testing"

	"consequor/modes/modetest"
)

// Without links to cut, the mode keeps the contract: alone it passes the whole
// suite.
func TestContractAlone(t *testing.T) {
	modetest.Run(t, modetest.Direct(New), modetest.Sizes(1))
}

// Scenario: clusters of several sizes are put through the whole suite. Whatever
// dies, is lost or comes twice, the mode holds; where a replica is cut off, it
// does not, and the suite says so.
func TestCutsBreakIt(t *testing.T) {
	for _, size := range []int{2, 3, 5} {
		err := modetest.Check(modetest.Direct(New), modetest.Sizes(size))
		if err == nil {
			t.Fatalf("of %d replicas: the suite finds nothing wrong with a mode that has neither terms nor majorities", size)
		}
		for _, fault := range err.(interface{ Unwrap() []error }).Unwrap() {
			if !strings.HasPrefix(fault.Error(), "cut/") || !strings.Contains(fault.Error(), "elsewhere it is") {
				t.Errorf("it breaks otherwise than by a cut and two articles under one id: %.3000s", fault)
			}
		}
	}
}
