package cli

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"consequor/consequorctl/record"
	"consequor/supervisor"
)

// tourCmd shows in a minute what there is, to somebody who has just built it: a
// cluster, a stale answer and a fresh one, a death, another mode, and a verdict
// on all of it.
type tourCmd struct {
	Report string `help:"Keep the verdict as one HTML page; nothing else is left behind." placeholder:"FILE"`
	NoOpen bool   `help:"Do not open the report."`
	Fast   bool   `help:"On a terminal: do not wait between the steps."`
}

// Help is shown by tour --help.
func (tourCmd) Help() string {
	return `A minute on real processes, with nothing running before and nothing left after: three replicas, posts, a
stale answer and a fresh one, the death of a coordinator, another mode, and a verdict on a record of it
all. Each command is printed as you would type it. Everything is on this machine.

  consequorctl tour
  consequorctl tour --report tour.html
  consequorctl tour --fast

Exit codes: 0 all went as told, 1 it did not (the last lines say what did).`
}

type tourResult struct {
	demoResult
	Acknowledged int     `json:"acknowledged"` // posts
	DeathToAck   float64 `json:"kill_to_ack_ms"`
	SwapPause    float64 `json:"swap_pause_ms"`
	Held         int     `json:"promises_held"`
	Broken       int     `json:"promises_broken"`
	Verdict      string  `json:"verdict"`
	Report       *string `json:"report"` // null: none is kept
}

const tourRecord = "tour.jsonl"

func (c *tourCmd) Run(ctx context.Context, console *Console, cluster clusterFlag) error {
	if cluster != "" {
		return usagef("tour starts a cluster of its own: it does not go through %s", cluster)
	}
	if err := writable(console, "tour --report", c.Report); err != nil {
		return err
	}
	r := &tourResult{demoResult: demoResult{Demo: "tour"}}
	err := tell(ctx, console, cluster, &r.demoResult, r, r.print, func(ctx context.Context, s *story) error {
		t := &tourStory{story: s, tourCmd: c, result: r, pace: newPacer(console, c.Fast)}
		return t.play(ctx)
	})
	if err == nil && r.Report != nil && !c.NoOpen {
		openPage(console, *r.Report)
	}
	return err
}

func (r *tourResult) print(w io.Writer) {
	fmt.Fprintf(w, "%.0f seconds, %s acknowledged, %d promises held, %d broken: verdict %s\n", r.Seconds, counted(r.Acknowledged, "post"), r.Held, r.Broken, r.Verdict)
	if r.Report != nil {
		fmt.Fprintf(w, "the report: %s\n", *r.Report)
	}
}

// tourStory is one tour. What was posted must be on every later page.
type tourStory struct {
	*story
	*tourCmd
	result *tourResult
	pace   *pacer
	posted []string // ids
}

func (t *tourStory) play(ctx context.Context) error {
	t.say("This is consequor: a bulletin board that is replicated over several processes, and a workbench to watch it, break it and judge it. " +
		"What you see from here on are real processes, each with its own disk, on this machine. Every command is as you would type it.")
	steps := []struct {
		title string
		do    func(context.Context) error
	}{
		{"A cluster in one command", t.start},
		{"Any replica takes any request", t.board},
		{"A stale answer, and a fresh one", t.stale},
		{"The coordinator dies", t.death},
		{"Another mode, while the board is live", t.swap},
		{"Was all that right?", t.verdict},
	}
	for i, step := range steps {
		if i > 0 {
			if err := t.pace.wait(ctx, t.story); err != nil {
				return err
			}
		}
		t.heading(i+1, step.title)
		if err := step.do(ctx); err != nil {
			return err
		}
	}
	t.result.Acknowledged = len(t.posted)
	t.next()
	return nil
}

func (t *tourStory) heading(n int, title string) {
	t.gap()
	text := fmt.Sprintf("%d. %s", n, title)
	if t.console.Terminal {
		text = "\x1b[1m" + text + "\x1b[0m"
	}
	t.line("%s", text)
	t.gap()
}

func (t *tourStory) start(ctx context.Context) error {
	status, err := t.up(ctx, "three")
	if err != nil {
		return err
	}
	var recording recordResult
	if err := t.do(ctx, &recording, "record", "start", tourRecord); err != nil {
		return err
	}
	t.got("%s is being recorded", recording.Cluster)
	t.say("Three replicas run now, each a process with a plugin that makes its decisions. %s coordinates. From here on everything that is asked is written down, to be judged at the end.",
		*status.Coordinator)
	return nil
}

// add posts, or replies, and keeps the id.
func (t *tourStory) add(ctx context.Context, args ...string) (*written, error) {
	answer := new(written)
	if err := t.do(ctx, answer, args...); err != nil {
		return nil, err
	}
	t.got("article %s, acknowledged by %s: on %s", answer.ID, answer.Replica, counted(answer.Copies, "disk"))
	t.posted = append(t.posted, answer.ID)
	return answer, nil
}

// look reads everything at a replica, and counts what of the posts it lacks.
func (t *tourStory) look(ctx context.Context, at string, flags ...string) (lacks int, page *readResult, err error) {
	page, err = t.read(ctx, at, append([]string{"--all"}, flags...)...)
	if err != nil || page == nil {
		return 0, nil, err
	}
	for _, id := range t.posted {
		if !page.holds(id) {
			lacks++
		}
	}
	return lacks, page, nil
}

// everything claims that a replica shows all that was posted.
func (t *tourStory) everything(ctx context.Context, at, sentence string, flags ...string) error {
	lacks, page, err := t.look(ctx, at, flags...)
	if err != nil {
		return err
	}
	t.claim(page != nil && lacks == 0, sentence, fmt.Sprintf("%s lacks %d of the %d articles that were acknowledged", at, lacks, len(t.posted)))
	return nil
}

func (t *tourStory) board(ctx context.Context) error {
	first, err := t.add(ctx, "post", "-t", "Hello", "from r1", "--at", "r1")
	if err != nil {
		return err
	}
	if _, err := t.add(ctx, "reply", first.ID, "hello from r2", "--at", "r2"); err != nil {
		return err
	}
	return t.everything(ctx, "r3", "Posted at r1, replied to at r2, read at r3. A post is acknowledged when it is on the disks of a majority, and "+
		"each command remembers what its session has seen: so it does not matter whom you ask next.")
}

func (t *tourStory) stale(ctx context.Context) error {
	status, err := t.whole(ctx)
	if err != nil {
		return err
	}
	at, behind := postedAndBehind(status)
	if err := t.fault(ctx, "cut", behind, "rest"); err != nil {
		return err
	}
	if _, err := t.add(ctx, "post", "-t", "News", behind+" cannot hear this", "--at", at); err != nil {
		return err
	}
	lacks, page, err := t.look(ctx, behind, "--no-session")
	if err != nil {
		return err
	}
	_, own, err := t.look(ctx, behind, "--timeout", "1s")
	if err != nil {
		return err
	}
	t.claim(page != nil && lacks == 1 && own == nil, fmt.Sprintf("Its links are cut, so %s knows of no news, and tells a stranger what it has: a stale answer, which its mode permits. "+
		"Whoever has posted the news is refused by %[1]s rather than shown less: a session never goes back.", behind),
		fmt.Sprintf("%s, to which nothing came, lacks %d articles, and its session was refused: %t", behind, lacks, own == nil))
	if err := t.fault(ctx, "heal"); err != nil {
		return err
	}
	return t.everything(ctx, behind, "And --fresh is never behind any post that was acknowledged before, wherever you ask.", "--fresh", "--no-session", "--timeout", "20s")
}

func (t *tourStory) death(ctx context.Context) error {
	asked := time.Now()
	killed, err := t.act(ctx, supervisor.Kill, "coordinator")
	if err != nil {
		return err
	}
	if _, err := t.add(ctx, "post", "-t", "After the death", "nobody has waited for this"); err != nil {
		return err
	}
	t.result.DeathToAck = millis(time.Since(asked))
	victim := killed.Replicas[0]
	if _, err := t.act(ctx, supervisor.Restart, victim, "--wait", "20s"); err != nil {
		return err
	}
	if _, err := t.whole(ctx); err != nil {
		return err
	}
	return t.everything(ctx, victim, fmt.Sprintf("SIGKILL, no farewell: from the kill until the next post was acknowledged it took %.1f ms, with the election of another coordinator in it. "+
		"%s has come back, has read its disk, and has what it missed. Nothing that was acknowledged is lost.", t.result.DeathToAck, victim))
}

func (t *tourStory) swap(ctx context.Context) error {
	swapped := new(supervisor.SwapResult)
	if err := t.do(ctx, swapped, "mode", "swap", "read-your-write"); err != nil {
		return err
	}
	t.result.SwapPause = swapped.PauseMS
	t.got("mode %s runs in epoch %d, after %s: posts waited %.1f ms", swapped.Mode, swapped.Epoch, swapped.From, swapped.PauseMS)
	if _, err := t.whole(ctx); err != nil {
		return err
	}
	if _, err := t.add(ctx, "post", "-t", "In another mode", "by r2 alone", "--at", "r2"); err != nil {
		return err
	}
	return t.everything(ctx, "r3", "A mode decides how replicas agree, and what that costs. In this one nobody coordinates, a post is acknowledged by one disk, and a board that is cut off goes on; "+
		"your session still finds all it has seen. Articles, ids and sessions are those of before. The modes and their promises: consequorctl mode list.")
}

func (t *tourStory) verdict(ctx context.Context) error {
	recorded := new(record.Result)
	if err := t.do(ctx, recorded, "record", "stop"); err != nil {
		return err
	}
	t.got("%s, %s, the boards of %s", counted(recorded.Ops, "operation"), counted(recorded.Events, "event"), strings.Join(recorded.Boards, ", "))
	args := []string{"check", tourRecord}
	if t.Report != "" { // the story's commands are given in another folder
		path, err := filepath.Abs(t.console.Path(t.Report))
		if err != nil {
			return fmt.Errorf("where the report goes: %w", err)
		}
		args = append(args, "--report", path)
		t.result.Report = &path
	}
	verdict := new(checkResult)
	if err := t.do(ctx, verdict, args...); err != nil {
		return err
	}
	t.result.Verdict = verdict.Verdict
	for _, p := range verdict.Promises {
		switch {
		case p.Outcome == "broken":
			t.result.Broken++
		case p.Outcome == "held" && p.Asked:
			t.result.Held++
			t.got("held: %s", p.Words)
		}
	}
	t.claim(verdict.Verdict == "held" && t.result.Held > 0,
		fmt.Sprintf("The record has all %d operations of this tour and all that was done to the cluster. The checkers, which share no code with the replicas, find that every promise was kept "+
			"that could be put to the test here.", verdict.Ops),
		"the checkers say: "+verdict.Verdict)
	return t.down(ctx)
}

func (t *tourStory) next() {
	t.say("That was all, and nothing of it runs any more. What to try next:")
	for _, line := range [][2]string{
		{"consequorctl up three", "a cluster of your own, in the foreground"},
		{"consequorctl demo failover", "a coordinator's death, by the millisecond"},
		{"consequorctl demo split-brain", "a protocol that gets it wrong"},
		{"consequorctl sim --seeds 1000", "every fault there is, in virtual time"},
		{"consequorctl --help", "everything else"},
	} {
		t.line("    %-32s %s", line[0], line[1])
	}
	t.gap()
	if t.result.Report == nil {
		t.say("With --report FILE the tour keeps its verdict as a page, with every operation drawn.")
	}
}
