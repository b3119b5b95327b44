package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"consequor/supervisor"
)

// story is how a demo speaks and acts: words for people, commands that are the
// command line's own, and claims that must be true.
type story struct {
	console  *Console
	out      *stickyWriter // where it is told; with --json and -q nowhere
	cluster  clusterFlag   // that ran before; empty: the story's own, in its stage
	dir      string        // where its commands are given
	result   *demoResult
	started  time.Time
	began    bool // the cluster was whole: what it lacks now is the story's doing
	progress bool // something was printed since the last empty line
}

// storyWidth is the width of a line of a story on a wide terminal, or on none.
const storyWidth = 100

// tell sets the stage for play, which tells the story named, and clears it away
// again, also when play fails or is interrupted. figures is what --json prints,
// and has result in it; last prints the last line.
func tell(ctx context.Context, console *Console, cluster clusterFlag, result *demoResult, figures any, last func(io.Writer), play func(context.Context, *story) error) error {
	s := &story{console: console, out: &stickyWriter{to: console.Stdout}, cluster: cluster, dir: console.Dir, result: result, started: time.Now()}
	if console.JSON || console.Quiet {
		s.out.to = io.Discard
	}
	result.Instead, result.Commands = []string{}, []string{}
	err := s.onStage(ctx, play)
	result.Seconds = time.Since(s.started).Seconds()
	if err = errors.Join(err, unprinted(s.out.err)); err != nil {
		return err
	}
	result.Happened = len(result.Instead) == 0
	s.gap()
	if err := console.Result(figures, last); err != nil {
		return err
	}
	if !result.Happened {
		return failedf("demo %s: it did not happen as told: %s", result.Demo, strings.Join(result.Instead, "; "))
	}
	return nil
}

// onStage gives play a home for clusters that nobody else has, unless it plays
// on a cluster that runs.
func (s *story) onStage(ctx context.Context, play func(context.Context, *story) error) error {
	if !s.own() {
		err := play(ctx, s)
		if err != nil {
			err = errors.Join(err, s.restore(context.WithoutCancel(ctx)))
		}
		return err
	}
	stage, err := newStage("")
	if err != nil {
		return err
	}
	s.dir = stage.work()
	err = play(ctx, s)
	if err != nil && ctx.Err() != nil {
		err = ctx.Err() // whatever it was that could not go on
	}
	return errors.Join(err, stage.strike())
}

// restore brings back whom a story that broke off has killed or paused on a
// cluster that was whole before it.
func (s *story) restore(ctx context.Context) error {
	if !s.began {
		return nil
	}
	cluster, err := s.find()
	if err != nil {
		return err
	}
	status, err := cluster.Status(ctx)
	if err != nil {
		return err
	}
	return bringBack(ctx, cluster, status)
}

// own reports whether the cluster is the story's own.
func (s *story) own() bool { return s.cluster == "" }

// say tells something in plain words, as a paragraph.
func (s *story) say(format string, args ...any) {
	s.gap()
	for _, line := range wrap(fmt.Sprintf(format, args...), s.width()) {
		s.line("%s", line)
	}
	s.gap()
}

// line prints one line as it stands.
func (s *story) line(format string, args ...any) {
	fmt.Fprintf(s.out, format+"\n", args...)
	s.progress = true
}

// gap leaves one empty line, unless there is one.
func (s *story) gap() {
	if s.progress {
		fmt.Fprintln(s.out)
	}
	s.progress = false
}

func (s *story) width() int {
	if c := s.console.Columns; c > 0 && c < storyWidth {
		return c
	}
	return storyWidth
}

// wrap breaks text between words into lines of at most width characters.
func wrap(text string, width int) []string {
	var lines []string
	line, length := "", 0
	for word := range strings.SplitSeq(text, " ") {
		n := len([]rune(word))
		if length > 0 && length+1+n > width {
			lines, line, length = append(lines, line), "", 0
		}
		if length > 0 {
			line, length = line+" ", length+1
		}
		line, length = line+word, length+n
	}
	return append(lines, line)
}

// claim is a sentence that the story rests on: it is told if it is true, else
// what happened instead, and then the story has failed.
func (s *story) claim(true bool, sentence, instead string) {
	if true {
		s.say("%s", sentence)
		return
	}
	s.say("NOT AS TOLD: %s", instead)
	s.result.Instead = append(s.result.Instead, instead)
}

// show prints the command line that args are.
func (s *story) show(args []string) {
	words := []string{"consequorctl"}
	for _, a := range args {
		words = append(words, shellWord(a))
	}
	command := strings.Join(words, " ")
	s.result.Commands = append(s.result.Commands, command)
	if s.console.Terminal {
		command = "\x1b[1m" + command + "\x1b[0m"
	}
	s.line("$ %s", command)
}

// shellWord makes a word safe for a shell.
func shellWord(word string) string {
	if word != "" && !strings.ContainsAny(word, " \t\n*?[]{}()<>|&;$#~\"`\\'!") {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

const gotIndent = "    "

// got prints what a command's result comes to.
func (s *story) got(format string, args ...any) {
	for line := range strings.Lines(strings.TrimRight(fmt.Sprintf(format, args...), "\n")) {
		for _, piece := range wrap(inertLine(strings.TrimRight(line, "\n")), s.width()-len(gotIndent)) {
			s.line("%s%s", gotIndent, piece)
		}
	}
}

// do carries out a command line, as Main does, and decodes its result. It does
// not tell of an error: one that ends the story is printed when it has ended.
func (s *story) do(ctx context.Context, result any, args ...string) error {
	s.show(args)
	return s.perform(ctx, result, args)
}

// perform carries out a command line and says nothing of it.
func (s *story) perform(ctx context.Context, result any, args []string) error {
	var stdout, stderr bytes.Buffer
	world := World{Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &stderr, Dir: s.dir, Self: s.console.Self, Now: s.console.Now}
	line := append([]string{"--json"}, args...)
	if s.cluster != "" {
		line = append([]string{"--cluster", string(s.cluster)}, line...)
	}
	code := Main(ctx, world, line)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if code != ExitOK {
		return failureIn(stdout.Bytes(), code, args)
	}
	if err := json.Unmarshal(stdout.Bytes(), result); err != nil {
		return fmt.Errorf("the result of %s: %w", strings.Join(args, " "), err)
	}
	return nil
}

// failureIn is how a command ended badly: the error is the last line.
func failureIn(stdout []byte, code ExitCode, args []string) error {
	lines := bytes.Split(bytes.TrimSpace(stdout), []byte("\n"))
	var told struct {
		Error *Failure `json:"error"`
	}
	if err := json.Unmarshal(lines[len(lines)-1], &told); err != nil || told.Error == nil {
		return failedf("%s: exit code %d", strings.Join(args, " "), code)
	}
	told.Error.Code = code
	return told.Error
}

// find is the cluster that the story plays on.
func (s *story) find() (*supervisor.Client, error) { return s.cluster.find() }
