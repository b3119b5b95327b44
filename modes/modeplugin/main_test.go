package modeplugin_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"consequor/board"
	"consequor/modes"
	"consequor/modes/modeplugin"
)

// TestMain runs this binary's tests or, when a role is given, plays a plugin
// or its host. An unknown role must not run the tests again.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "mode-plugin" {
		playPlugin(os.Args[2])
	}
	if len(os.Args) > 1 && os.Args[1] == "host" {
		playHost(os.Args[2])
	}
	if len(os.Args) > 1 && os.Args[1][0] != '-' {
		fmt.Fprintf(os.Stderr, "unknown role %q\n", os.Args[1])
		os.Exit(2)
	}
	os.Exit(m.Run())
}

// plugin is the command that starts this binary as the plugin of that name.
func plugin(name string) []string { return []string{"/proc/self/exe", "mode-plugin", name} }

func playPlugin(name string) {
	switch name {
	case "echo":
		modeplugin.Serve(describe("echo"), newEcho)
	case "hang":
		fmt.Fprintln(os.Stderr, "about to hang")
		time.Sleep(time.Hour)
	case "crash":
		for i := range 30 {
			fmt.Fprintf(os.Stderr, "line %d\n", i)
		}
		os.Exit(3)
	case "garbage":
		fmt.Println("hello, I am no plugin")
		time.Sleep(time.Hour)
	case "orphans": // leaves a child that keeps its pipes open
		modeplugin.Serve(describe("orphans"), newOrphans)
	}
	fmt.Fprintf(os.Stderr, "unknown mode %q\n", name)
	os.Exit(2)
}

// playHost launches a plugin, opens a machine, says both are there, and waits
// to be killed.
func playHost(socketDir string) {
	process, err := modeplugin.Launch(context.Background(), modeplugin.LaunchConfig{Command: plugin("echo"), SocketDir: socketDir})
	if err == nil {
		_, err = process.Open(1)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(process.PID())
	time.Sleep(time.Hour)
}

func describe(name string) modes.Description {
	return modes.Description{
		Name: name, Version: "7", Promise: "says back what it hears", Survives: "nothing", ReplicasMax: 9,
		Options: []modes.OptionDescription{{Name: "volume", Default: "low", Meaning: "how loud"}},
	}
}

// echo answers each event with one effect. Timers make it misbehave.
type echo struct{}

func newEcho() modes.Mode { return &echo{} }

func (*echo) Step(batch modes.Batch, out *modes.Effects) {
	for _, event := range batch.Events {
		switch e := event.(type) {
		case modes.Request:
			a := e.Article
			a.ID = board.ArticleID{Seq: uint64(e.ID)}
			out.Store(a)
			out.Reply(modes.Reply{Request: e.ID, Outcome: modes.OK, ID: a.ID})
		case modes.Receive:
			out.Send(e.From, e.Message)
		case modes.Timer:
			misbehave(e.Name, out)
		}
	}
}

func misbehave(how string, out *modes.Effects) {
	switch how {
	case "panic":
		panic("echo: a bug in the mode")
	case "oversize":
		for range 17 {
			out.Save(make([]byte, 1<<20))
		}
	case "print":
		fmt.Println("to stdout")
		fmt.Fprintln(os.Stderr, "to stderr")
	case "hang":
		time.Sleep(time.Hour)
	default:
		out.Note(how)
	}
}
