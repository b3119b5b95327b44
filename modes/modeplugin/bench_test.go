package modeplugin_test

import (
	"strings"
	"testing"

	"consequor/board"
	"consequor/modes"
	"consequor/modes/modeplugin"
)

type steps interface {
	Step(modes.Batch) (*modes.Effects, error)
}

// directly steps a mode without anything between.
type directly struct{ mode modes.Mode }

func (d directly) Step(batch modes.Batch) (*modes.Effects, error) {
	var out modes.Effects
	d.mode.Step(batch, &out)
	return &out, nil
}

// BenchmarkRoundTrip measures one batch there and its effects back, with 1, 64
// and 1,024 posts of 350 bytes in it, each answered by a store and a reply:
// directly, behind a socket in this process, and in a plugin.
func BenchmarkRoundTrip(b *testing.B) {
	for name, machine := range map[string]func(b *testing.B) steps{
		"direct": func(*testing.B) steps { return directly{newEcho()} },
		"socket": func(b *testing.B) steps { return inProcess(b) },
		"process": func(b *testing.B) steps {
			return open(b, launch(b, modeplugin.LaunchConfig{Command: plugin("echo")}), 1)
		},
	} {
		for size, count := range map[string]int{"posts=1": 1, "posts=64": 64, "posts=1024": 1024} {
			b.Run(name+"/"+size, func(b *testing.B) { benchmarkSteps(b, machine(b), count) })
		}
	}
}

func benchmarkSteps(b *testing.B, m steps, posts int) {
	body := strings.Repeat("x", 350)
	var batch modes.Batch
	for i := range posts {
		batch.Events = append(batch.Events, modes.Request{
			ID: modes.RequestID(i + 1), Verb: modes.VerbPost, Deadline: 5e9, Seen: board.Vector{{Seq: 4711}},
			Article: board.Article{Author: "ada", Title: "a title", Body: body, Time: 1 << 60, Key: "7f3a9c01d2e4b5a6~41.2"},
		})
	}
	b.ReportAllocs()
	for b.Loop() {
		batch.Number++
		if _, err := m.Step(batch); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*posts), "ns/post")
}
