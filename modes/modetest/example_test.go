package modetest_test

import (
	"context"
	"fmt"
	"os"
	"testing"

	"consequor/modes/modeplugin"
	"consequor/modes/modetest"
)

// In an author's mymode_test.go this is all:
//
//	func TestContract(t *testing.T) { modetest.Run(t, modetest.Direct(New)) }
//
// Check is the same without a test: it returns what is wrong.
func Example() {
	err := modetest.Check(modetest.Direct(newSolo), modetest.Sizes(1))
	fmt.Println("solo:", err)
	// Output:
	// solo: <nil>
}

// The suite against the binary that users will run.
func ExamplePlugin() {
	testPlugin := func(t *testing.T) {
		process, err := modeplugin.Launch(context.Background(), modeplugin.LaunchConfig{
			Path:      "./my-mode",
			SHA256:    os.Getenv("MY_MODE_SHA256"), // what sha256sum says of it
			SocketDir: t.TempDir(),                 // a short path, for sockets
		})
		if err != nil {
			t.Fatal(err)
		}
		defer process.Kill()
		modetest.Run(t, modetest.Plugin(process))
	}
	_ = testPlugin
}
