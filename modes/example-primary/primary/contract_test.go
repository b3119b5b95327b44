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

// Scenario: three replicas are put through the whole suite. Whatever dies, is
// lost or comes twice, the mode holds; where a replica is cut off, it does not,
// and the suite says so.
func TestCutsBreakIt(t *testing.T) {
	err := modetest.Check(modetest.Direct(New), modetest.Sizes(3))
	if err == nil {
		t.Fatal("the suite finds nothing wrong with a mode that has neither terms nor majorities")
	}
	for _, fault := range err.(interface{ Unwrap() []error }).Unwrap() {
		t.Log(first(fault.Error()))
		if !strings.HasPrefix(fault.Error(), "cut/replicas=3: ") {
			t.Errorf("it breaks without a cut: %.3000s", fault)
		}
	}
}

func first(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}
