package modetest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"consequor/board"
	"consequor/modes"
)

// RunTranscripts runs every file of a folder as a transcript: commands, each
// followed by what the cluster then did, one line per event and effect. With
// the test flag -rewrite the files are written anew; a change of theirs is to
// be explained.
//
//	cluster 3                    start three replicas (seed=N, trace=messages)
//	post 2 title=hello key=k     at replica 2 (parent=1: a reply; mark=N)
//	read 2                       (fresh, seen=VECTOR)
//	choose 2 id=1                sync 2
//	settle                       until no message and no write is on its way
//	advance 20ms                 timers run out too
//	cut 1 3                      heal 1 3; cut 1 3 oneway; heal
//	crash 1                      (keep=N unsynced writes); restart 1
//	pause 1                      resume 1
//	seal 1                       stop 1
//	epoch                        the seal is called off: the next epoch begins
//	show                         status and board of every replica
//
// newMode gives the mode for a transcript; options are the arguments of its
// cluster command that this package does not know, as in limit=10.
func RunTranscripts(t *testing.T, folder string, newMode func(options map[string]string) func() modes.Mode, message func([]byte) string) {
	datadriven.Walk(t, folder, func(t *testing.T, path string) {
		s := &script{newMode: newMode, message: message}
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			s.lines.Reset()
			if err := s.run(d); err != nil {
				d.Fatalf(t, "%v", err)
			}
			return s.lines.String()
		})
	})
}

// script is a transcript that is running.
type script struct {
	newMode func(options map[string]string) func() modes.Mode
	message func([]byte) string
	cluster *Cluster
	lines   strings.Builder
}

func (s *script) run(d *datadriven.TestData) error {
	args := readArgs(d)
	if d.Cmd != "cluster" && s.cluster == nil {
		return fmt.Errorf("%s: there is no cluster yet", d.Cmd)
	}
	switch d.Cmd {
	case "cluster":
		return s.start(args)
	case "post", "read", "choose", "sync":
		return s.request(d.Cmd, args)
	case "settle":
		s.cluster.Settle()
	case "advance":
		return s.advance(args)
	case "epoch":
		s.cluster.NextEpoch()
	case "show":
		s.show()
	case "cut", "heal", "crash", "restart", "pause", "resume", "seal", "stop":
		return s.fault(d.Cmd, args)
	default:
		return fmt.Errorf("unknown command %q", d.Cmd)
	}
	return nil
}

// args are a command's: words, and key=value pairs.
type args struct {
	words []string
	named map[string]string
}

func readArgs(d *datadriven.TestData) args {
	a := args{named: make(map[string]string)}
	for _, arg := range d.CmdArgs {
		if len(arg.Vals) == 0 {
			a.words = append(a.words, arg.Key)
		} else {
			a.named[arg.Key] = strings.Join(arg.Vals, ",")
		}
	}
	return a
}

func (a *args) has(word string) bool {
	for _, w := range a.words {
		if w == word {
			return true
		}
	}
	return false
}

// take returns a named value once, or what it is by default.
func (a *args) take(name, byDefault string) string {
	value, ok := a.named[name]
	if !ok {
		return byDefault
	}
	delete(a.named, name)
	return value
}

// number reads one word as a number.
func (a *args) number(i int) (int, error) {
	if i >= len(a.words) {
		return 0, fmt.Errorf("argument %d is missing", i+1)
	}
	var n int
	_, err := fmt.Sscan(a.words[i], &n)
	return n, err
}

func (s *script) start(a args) error {
	n, err := a.number(0)
	if err != nil {
		return err
	}
	var seed uint64
	if _, err := fmt.Sscan(a.take("seed", "1"), &seed); err != nil {
		return err
	}
	config := ClusterConfig{Replicas: n, Seed: seed, Trace: func(line string) { s.lines.WriteString(line + "\n") }}
	if a.take("trace", "short") == "messages" {
		config.Message = s.message
	}
	config.New = s.newMode(a.named)
	s.cluster = NewCluster(config)
	return nil
}

func (s *script) replica(a args, i int) (board.ReplicaID, error) {
	n, err := a.number(i)
	if err == nil && (n < 1 || n > len(s.cluster.replicas)) {
		err = fmt.Errorf("there is no replica %d", n)
	}
	return board.ReplicaID(n), err
}

func (s *script) request(verb string, a args) error {
	at, err := s.replica(a, 0)
	if err != nil {
		return err
	}
	request := modes.Request{Verb: verbs[verb], Fresh: a.has("fresh")}
	request.Article = board.Article{Author: "ann", Title: a.take("title", ""), Key: a.take("key", "")}
	if _, err := fmt.Sscan(a.take("mark", "0"), &request.Mark); err != nil {
		return err
	}
	if request.Seen, err = board.ParseVector(a.take("seen", "-")); err != nil {
		return err
	}
	if target := a.take("parent", a.take("id", "")); target != "" {
		if request.Target, err = board.ParseArticleID(target); err != nil {
			return err
		}
		_, request.OnBoard = s.cluster.Board(at).Get(request.Target)
		if verb == "post" {
			request.Verb = modes.VerbReply
		}
	}
	if within := a.take("within", ""); within != "" {
		d, err := time.ParseDuration(within)
		if err != nil {
			return err
		}
		request.Deadline = s.cluster.Now() + d
	}
	s.cluster.Do(at, request)
	return nil
}

var verbs = map[string]modes.Verb{
	"post": modes.VerbPost, "read": modes.VerbRead, "choose": modes.VerbChoose, "sync": modes.VerbSync,
}

func (s *script) advance(a args) error {
	if len(a.words) != 1 {
		return fmt.Errorf("advance by how much? as in: advance 20ms")
	}
	d, err := time.ParseDuration(a.words[0])
	if err == nil {
		s.cluster.Advance(d)
	}
	return err
}

func (s *script) fault(command string, a args) error {
	if command == "heal" && len(a.words) == 0 {
		s.cluster.HealAll()
		return nil
	}
	at, err := s.replica(a, 0)
	if err != nil {
		return err
	}
	switch command {
	case "cut", "heal":
		return s.link(command, at, a)
	case "crash":
		var keep int
		if _, err := fmt.Sscan(a.take("keep", "0"), &keep); err != nil {
			return err
		}
		s.cluster.Crash(at, keep)
	case "restart":
		s.cluster.Restart(at)
	case "pause":
		s.cluster.Pause(at)
	case "resume":
		s.cluster.Resume(at)
	case "seal":
		s.cluster.Seal(at)
	case "stop":
		s.cluster.Stop(at)
	}
	return nil
}

func (s *script) link(command string, from board.ReplicaID, a args) error {
	to, err := s.replica(a, 1)
	if err != nil {
		return err
	}
	if command == "cut" {
		s.cluster.Cut(from, to, a.has("oneway"))
	} else {
		s.cluster.Heal(from, to)
	}
	return nil
}

func (s *script) show() {
	for _, r := range s.cluster.replicas {
		if !r.up {
			fmt.Fprintf(&s.lines, "%s is down\n", r.id)
			continue
		}
		fmt.Fprintf(&s.lines, "%s %s; %d records; board %s:", r.id, describeStatus(r.status), r.saved-r.forgotten, r.board.Vector())
		for _, a := range r.board.Span(nil) {
			fmt.Fprintf(&s.lines, " %s %q", a.ID, a.Title)
		}
		s.lines.WriteString("\n")
	}
}
