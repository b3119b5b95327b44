package replica

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"consequor/board"
	"consequor/modes"
)

// rogue is a mode for one replica that misbehaves from a certain event on: its
// start, or the post or read with the title of its option "when".
type rogue struct {
	how, when string
	self      board.ReplicaID
	last      uint64
	board     board.Vector
	at        bool // it has begun
	rounds    int
}

func newRogue() modes.Mode { return &rogue{} }

func (r *rogue) Step(batch modes.Batch, out *modes.Effects) {
	for _, event := range batch.Events {
		switch e := event.(type) {
		case modes.Start:
			r.start(e, out)
		case modes.Request:
			r.request(e, out)
		case modes.Seal:
			out.Sealed(r.board)
		case modes.Stop:
			out.Stopped()
		}
	}
	if r.at {
		r.misbehave(batch, out)
	}
}

func (r *rogue) start(e modes.Start, out *modes.Effects) {
	r.self, r.board, r.last = e.Self, e.Board, e.Board.SeqMax()
	for _, o := range e.Options {
		switch o.Name {
		case "how":
			r.how = o.Value
		case "when":
			r.when = o.Value
		}
	}
	r.at = r.when == "start"
	if r.how == "local" {
		out.LocalReads("from the view of epoch " + strconv.FormatUint(e.Epoch, 10))
	}
	out.Report(modes.Status{Role: modes.RolePeer, Joined: true, CaughtUp: true})
}

func (r *rogue) request(e modes.Request, out *modes.Effects) {
	switch {
	case r.when == e.Verb.String() && e.Article.Title == "rehearsal", r.when == "read" && e.Verb == modes.VerbRead, r.when == e.Article.Title && r.when != "":
		r.at = true
	case e.Verb == modes.VerbRead:
		out.Serve(modes.Serve{Request: e.ID, UpTo: r.board, Guarantee: "one disk"})
	case e.Verb.Writes():
		r.last++
		a := e.Article
		a.ID = board.ArticleID{Seq: r.last}
		r.board = r.board.With(a.ID)
		out.Store(a)
		out.Reply(modes.Reply{Request: e.ID, Outcome: modes.OK, ID: a.ID, Copies: 1, Guarantee: "one disk"})
	}
}

// misbehave does one step of it.
func (r *rogue) misbehave(batch modes.Batch, out *modes.Effects) {
	r.rounds++
	switch r.how {
	case "crash":
		panic("by design")
	case "deaf":
		time.Sleep(time.Hour)
	case "halt":
		out.Halt("by design")
	case "stranger":
		out.Send(99, nil)
	case "effects":
		for range 300_000 {
			out.Note("")
		}
	case "novel": // a status as long as a book
		out.Report(modes.Status{Waiting: strings.Repeat("x", 1<<20), CaughtUp: true})
	case "zeal": // timers that never rest; it counts its steps
		out.SetTimer("again", 0)
		if _, ok := batch.Events[0].(modes.Request); ok {
			out.Report(modes.Status{Term: uint64(r.rounds), Joined: true, CaughtUp: true})
		}
	case "fickle": // another status with every step
		out.Report(modes.Status{Term: uint64(r.rounds), Joined: true, CaughtUp: true})
		out.SetTimer("again", 0)
	case "chatter":
		for range 1000 {
			out.Note("what I always wanted to say")
		}
		out.SetTimer("again", 0)
	case "loud":
		for range 100 {
			fmt.Fprintln(os.Stderr, strings.Repeat("loud ", 800))
		}
		out.SetTimer("again", 0)
	case "rabbits": // each message to oneself becomes two
		out.Send(r.self, nil)
		for range batch.Events {
			out.Send(r.self, nil)
			out.Send(r.self, nil)
		}
	case "hoard": // what it saves it never forgets
		out.Save(make([]byte, 1<<20))
		out.Send(r.self, nil)
	}
}

// children lists this process's child processes.
func children(t testing.TB) []int {
	t.Helper()
	files, err := filepath.Glob("/proc/self/task/*/children")
	if err != nil || len(files) == 0 {
		t.Skipf("the system does not tell children: %v", err)
	}
	var pids []int
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // a thread that has ended
		}
		for field := range strings.FieldsSeq(string(text)) {
			pid, err := strconv.Atoi(field)
			if err != nil {
				t.Fatal(err)
			}
			pids = append(pids, pid)
		}
	}
	return pids
}

// isPlugin reports whether a process is a mode plugin that runs.
func isPlugin(pid int) bool {
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return err == nil && bytes.Contains(line, []byte("mode-plugin"))
}
