package cli

import (
	"context"
	"os"
	"slices"
	"unicode/utf8"

	"github.com/alecthomas/kong"
)

const about = `A replicated bulletin board, and the workbench to watch it, break it and prove it.

Exit codes: 0 ok, 1 failed, 2 usage or a bad topology, 3 refused (surely not done),
4 unknown (may have been done: retry with the key shown), 5 no such cluster, or it is not running.`

// grammar is the command line. Each command stands in a file of its own.
type grammar struct {
	Output
	Cluster clusterFlag `help:"The cluster to address (default: $$CONSEQUOR_CLUSTER, else the only one that runs)." placeholder:"NAME"`

	Up       upCmd       `cmd:"" group:"cluster" help:"Start the cluster of a topology."`
	Down     downCmd     `cmd:"" group:"cluster" help:"Stop the cluster."`
	Status   statusCmd   `cmd:"" group:"cluster" help:"Show how each replica is."`
	Logs     logsCmd     `cmd:"" group:"cluster" help:"Show what the replicas write to their logs."`
	Mode     modeCmd     `cmd:"" group:"cluster" help:"List modes, show what one promises, change the running one."`
	Web      webCmd      `cmd:"" group:"cluster" help:"Serve the board to browsers, where up does not."`
	Validate validateCmd `cmd:"" group:"cluster" help:"Check a topology and print all problems."`

	Post   postCmd   `cmd:"" group:"board" help:"Add an article that starts a thread."`
	Reply  replyCmd  `cmd:"" group:"board" help:"Add an article under another one."`
	Read   readCmd   `cmd:"" group:"board" help:"List articles."`
	Choose chooseCmd `cmd:"" group:"board" help:"Open one article with its parent and replies."`
	Sync   syncCmd   `cmd:"" group:"board" help:"Bring the replica, and where the mode says so all, up to date."`

	Kill    killCmd    `cmd:"" group:"faults" help:"SIGKILL a replica or its plugin."`
	Stop    stopCmd    `cmd:"" group:"faults" help:"Stop a replica in order."`
	Pause   pauseCmd   `cmd:"" group:"faults" help:"SIGSTOP a replica or its plugin."`
	Resume  resumeCmd  `cmd:"" group:"faults" help:"Let what was paused go on."`
	Restart restartCmd `cmd:"" group:"faults" help:"Start a replica again."`

	Cut    cutCmd    `cmd:"" group:"links" help:"Let nothing through between replicas."`
	Delay  delayCmd  `cmd:"" group:"links" help:"Bring messages between replicas later."`
	Loss   lossCmd   `cmd:"" group:"links" help:"Lose messages between replicas by chance."`
	Heal   healCmd   `cmd:"" group:"links" help:"Make links whole again: some, or all."`
	Faults faultsCmd `cmd:"" group:"links" help:"List link faults, and what came through."`

	Sim        simCmd        `cmd:"" group:"work" help:"Find out whether a mode keeps its promise, in virtual time and under every fault."`
	Record     recordCmd     `cmd:"" group:"work" help:"Write down everything that is asked of the cluster, for check to judge."`
	Check      checkCmd      `cmd:"" group:"work" help:"Judge a history that was written down."`
	Run        runCmd        `cmd:"" group:"work" help:"Run scripted sessions."`
	Shell      shellCmd      `cmd:"" group:"work" help:"Carry out the words of scripts as they are typed, or read."`
	Diff       diffCmd       `cmd:"" group:"work" help:"Show what one replica's board has and another's lacks."`
	Bench      benchCmd      `cmd:"" group:"work" help:"Measure a running cluster."`
	Trace      traceCmd      `cmd:"" group:"work" help:"Carry out one of the five requests and tell its way: who was asked, who answered, what it waited for."`
	Demo       demoCmd       `cmd:"" group:"work" help:"Tell a story on real processes: what happens, when, and whether the promise held."`
	Tour       tourCmd       `cmd:"" group:"work" help:"See in a minute what there is: a cluster, a death, another mode, a verdict."`
	Completion completionCmd `cmd:"" group:"work" help:"Print what makes a shell complete command lines."`
	Version    versionCmd    `cmd:"" group:"work" help:"Tell version, commit and built-in modes."`
}

var groups = kong.Groups{
	"cluster": "A cluster:",
	"board":   "The board:",
	"faults":  "Processes (TARGET: a replica, coordinator, backup, or plugin: before any of these):",
	"links":   "Links (A, B: a replica, several with commas between, coordinator, backup, or rest):",
	"work":    "The workbench:",
}

// Main carries out one command line in world. It returns when the command is
// done or, early, when ctx ends.
func Main(ctx context.Context, world World, args []string) ExitCode {
	var g grammar
	console := &Console{World: world, Output: &g.Output}
	helped := false
	parser, err := kong.New(&g, groups,
		kong.Name("consequorctl"), kong.Description(about),
		kong.Writers(world.Stdout, world.Stderr),
		kong.Exit(func(int) { helped = true }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true, WrapUpperBound: 110}),
		kong.Bind(console), kong.BindTo(ctx, (*context.Context)(nil)),
	)
	if err != nil {
		panic("cli: the grammar: " + err.Error()) // the same for every command line: a test parses them all
	}
	var command *kong.Context
	args = verbFirst(args)
	if err = checkText(args); err == nil {
		command, err = parser.Parse(args)
	}
	if helped {
		return ExitOK
	}
	if err == nil {
		err = command.Run(g.Cluster)
	} else {
		g.JSON = asksForJSON(args)
	}
	failure := describe(err)
	if failure == nil {
		return ExitOK
	}
	console.Fail(failure)
	return failure.Code
}

// checkText wants every argument to be UTF-8. Parsing would put U+FFFD for what
// is not, without a word, and an article would not be the one that was given.
// It is always a matter of the command line (exit code 2), whatever the
// argument is for: nothing has been asked of a cluster yet.
func checkText(args []string) error {
	for i, arg := range args {
		if !utf8.ValidString(arg) {
			return usagef("argument %d, %+q, is not UTF-8", i+1, arg)
		}
	}
	return nil
}

// asksForJSON looks for --json in a command line that does not parse.
func asksForJSON(args []string) bool {
	if end := slices.Index(args, "--"); end >= 0 {
		args = args[:end]
	}
	return slices.Contains(args, "--json")
}

// Self is the file by which this program runs itself again. The file of that
// name may be another one by then, or gone (go run removes it): what Linux
// offers are the very bytes that run.
func Self() (string, error) {
	const linux = "/proc/self/exe"
	if _, err := os.Stat(linux); err == nil {
		return linux, nil
	}
	return os.Executable()
}
