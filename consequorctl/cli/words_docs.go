package cli

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// wordDoc is what people are told of one word of scripts, wherever they ask:
// in a script (help), on the command line (run --words), in the shell, and in
// SCRIPTS.md, which a test holds to this.
type wordDoc struct {
	Name    string `json:"name"`
	Group   string `json:"group"`
	Grammar string `json:"grammar"` // what stands behind the word
	Meaning string `json:"meaning"`
	Example string `json:"example"` // a whole line
}

// The groups of words, in the order in which they are told. Those of the
// command line come after them, in its own order.
const (
	groupBefore    = "Before a command"
	groupTogether  = "Side by side"
	groupBoards    = "Boards"
	groupPrinted   = "What was printed"
	groupFiles     = "Files"
	groupProcesses = "Processes and sockets"
	groupScript    = "The script itself"
)

// ownWords are the words that are not commands of the command line.
var ownWords = []wordDoc{
	{"at", groupBefore, "REPLICA COMMAND...", "ask this replica, and no other: as --at does.", "at r2 post 'hello from r2'"},
	{"as", groupBefore, "NAME COMMAND...", "ask as this author, with a session of that name: as --as does.", "as ann read"},
	{"capture", groupBefore, "NAME [PATH] COMMAND...", "set $NAME to what COMMAND answers: without a PATH the id in its JSON, or the whole answer if it has none. A PATH goes down into the JSON, as articles.0.id or .articles.0.id does; what stands behind NAME is one if it begins with a dot, or a known word follows it.", "capture ID post 'to be answered'"},
	{"eventually", groupBefore, "DURATION REGEXP COMMAND...", "give COMMAND again and again until what it prints matches; fail when DURATION is over.", "eventually 10s 'coordinator r[23]' status"},
	{"never", groupBefore, "DURATION REGEXP COMMAND...", "give COMMAND again and again for DURATION, and never may what it prints match. It must go well once at least.", "never 1s 'nobody wrote this' read"},
	{"refused", groupBefore, "COMMAND...", "COMMAND must be refused, surely not done: exit code 3.", "refused reply 99 'to nothing'"},
	{"unknown", groupBefore, "COMMAND...", "COMMAND must end unknown, perhaps done: exit code 4.", "unknown post 'nobody answers' --at r1 --timeout 1s"},
	{"exits", groupBefore, "CODE COMMAND...", "COMMAND must end with this exit code.", "exits 5 read --cluster nowhere"},

	{"sessions", groupTogether, "NAME...", "play the sections of the script file that have these names side by side, and wait for all. Each is a client of its own: author and session are its name. It begins with the variables set so far; those that it sets are here afterwards, in the order named.", "sessions writer reader"},
	{"barrier", groupTogether, "[NAME]", "wait, in a section, until all that play beside this one are at the same barrier. It fails at once when one of them has failed or cannot come any more.", "barrier posted"},
	{"load", groupTogether, "start [--clients 4] [--at REPLICA] [--rate 200] [--size 100] [--timeout 10s] [--cluster NAME] | stop", "let clients post in the background, and judge what came of it. start: so many posts a second in all (--rate 0: as many as can be had); the script goes on when the first one is acknowledged. stop: end them, read the board of every replica that serves, and fail unless all that was acknowledged is there once. A load that the script does not stop is stopped and judged at its end.", "load start --clients 2"},
	{"wait", groupTogether, "", "wait for the commands that were put into the background with & at the end of their lines.", "wait"},

	{"boards-equal", groupBoards, "[--cluster NAME] [DURATION]", "the boards of all replicas that serve hold the same articles with the same content, at once or within DURATION (default 10s). If not, it says the difference.", "boards-equal 20s"},

	{"stdout", groupPrinted, "[-count=N] [-q] REGEXP", "the last command has printed what matches, and N times if that is said.", "stdout '^article [0-9]+'"},
	{"stderr", groupPrinted, "[-count=N] [-q] REGEXP", "as stdout, for what went to standard error.", "stderr 'hint: '"},
	{"cmp", groupPrinted, "[-q] FILE1 FILE2", "the two files are equal; stdout and stderr stand for what the last command printed. FILE2 is what is expected: run --update writes it anew into the script file if it is a section of it.", "cmp stdout want.txt"},
	{"cmpenv", groupPrinted, "[-q] FILE1 FILE2", "as cmp, with the values of variables put in for $NAME in both; never written anew.", "cmpenv stdout want.txt"},
	{"grep", groupPrinted, "[-count=N] [-q] REGEXP FILE", "as stdout, for a file.", "grep 'replicas: 3' topologies/three.yaml"},
	{"equal", groupPrinted, "TEXT TEXT", "the two texts are equal.", "equal $FIRST $SECOND"},

	{"stdin", groupFiles, "FILE", "the next command reads FILE from standard input.", "stdin body.txt"},
	{"fill", groupFiles, "FILE SIZE", "write SIZE bytes of text.", "fill long.txt 65537"},
	{"expand", groupFiles, "FILE", "put the values of variables in for $NAME in FILE.", "expand own.yaml"},
	{"sum", groupFiles, "NAME FILE", "set $NAME to the SHA-256 of FILE, in hex.", "sum SUM my-mode"},
	{"flip", groupFiles, "FILE", "change one bit in the middle of FILE.", "flip my-mode"},
	{"barren", groupFiles, "FOLDER", "the folder is empty or not there.", "barren $CONSEQUOR_HOME/three/run"},
	{"cat", groupFiles, "FILE...", "print files.", "cat body.txt"},
	{"cd", groupFiles, "FOLDER", "go on in this folder.", "cd deeper"},
	{"chmod", groupFiles, "MODE FILE...", "change who may do what with a file, as in 0600.", "chmod 0400 own.yaml"},
	{"cp", groupFiles, "FROM... TO", "copy files; stdout and stderr stand for what the last command printed.", "cp stdout before.txt"},
	{"exists", groupFiles, "[-readonly] [-exec] FILE...", "the files are there.", "exists report.html"},
	{"mkdir", groupFiles, "FOLDER...", "make folders, and those above them.", "mkdir deeper/still"},
	{"mv", groupFiles, "FROM TO", "move a file.", "mv a.txt b.txt"},
	{"replace", groupFiles, "[OLD NEW]... FILE", "put NEW in for OLD throughout a file.", "replace 'replicas: 3' 'replicas: 5' own.yaml"},
	{"rm", groupFiles, "PATH...", "remove files, and folders with all that is in them.", "rm a.txt"},
	{"symlink", groupFiles, "PATH -> TARGET", "make a symbolic link.", "symlink link.txt -> a.txt"},

	{"gone", groupProcesses, "DURATION PID...", "no such process lives any more, after DURATION at most.", "gone 5s $PID"},
	{"alive", groupProcesses, "PID...", "these processes live.", "alive $PID"},
	{"signal", groupProcesses, "NAME PID...", "send a signal: INT, TERM, KILL, STOP or CONT.", "signal TERM $PID"},
	{"processes", groupProcesses, "COUNT TEXT", "so many processes live that have TEXT in their command line.", "processes 0 $CONSEQUOR_HOME"},
	{"garbage", groupProcesses, "HOST:PORT", "send what is no protocol: the other end must hang up.", "garbage $PEERS"},
	{"stranger", groupProcesses, "HOST:PORT", "speak TLS without a certificate of the cluster: the other end must hang up.", "stranger $PEERS"},
	{"exec", groupProcesses, "PROGRAM [ARG...]", "run a program; $CONSEQUORCTL is this one.", "exec $CONSEQUORCTL version"},

	{"echo", groupScript, "TEXT...", "print a line.", "echo $ID"},
	{"env", groupScript, "[NAME[=VALUE]...]", "set variables, or print them.", "env GREETING=hello"},
	{"help", groupScript, "[WORD...]", "tell what words there are, or what these mean.", "help capture"},
	{"skip", groupScript, "WHY", "end the script here, which is no failure: it lacks something.", "[!exec:node] skip 'there is no node here'"},
}

// commandExamples has a line for each command of the command line that scripts
// may give.
var commandExamples = map[string]string{
	"up":       "up -d topologies/three.yaml",
	"down":     "down --wipe --yes",
	"status":   "status",
	"logs":     "logs r1 -n 20",
	"mode":     "mode swap quorum",
	"validate": "validate own.yaml",
	"web":      "web --web 127.0.0.1:7080 &",

	"post":   "post -t 'First' 'hello'",
	"reply":  "reply $ID 'hello back'",
	"read":   "read --all --at r2",
	"choose": "choose $ID",
	"sync":   "sync --at r3",

	"kill":    "kill coordinator",
	"stop":    "stop backup",
	"pause":   "pause r2",
	"resume":  "resume r2",
	"restart": "restart r1 --wait 20s",

	"cut":    "cut r1,r2 r3 --one-way",
	"delay":  "delay r1 r2 50ms --jitter 10ms",
	"loss":   "loss r1 r2 10%",
	"heal":   "heal",
	"faults": "faults",

	"sim":        "sim --mode quorum --seeds 10",
	"record":     "record start run.jsonl",
	"check":      "check run.jsonl",
	"diff":       "diff r1 r3",
	"bench":      "bench --posts 1000 --clients 8",
	"trace":      "trace post 'hello'",
	"demo":       "demo failover",
	"tour":       "tour",
	"completion": "completion zsh",
	"version":    "version",
}

// allWords lists every word of scripts, a group after the other.
func allWords() []wordDoc {
	words := slices.Clone(ownWords)
	for _, command := range commandLine().Children {
		if !isWord(command) {
			continue
		}
		words = append(words, wordDoc{
			Name: command.Name, Group: groupTitle(command), Grammar: grammarOf(command),
			Meaning: lowerFirst(command.Help), Example: commandExamples[command.Name],
		})
	}
	return words
}

func groupTitle(command *kong.Node) string {
	if command.Group == nil {
		return "Commands"
	}
	title, _, _ := strings.Cut(command.Group.Title, " (")
	return strings.TrimSuffix(title, ":")
}

// lowerFirst, for a sentence that goes on where another one began.
func lowerFirst(text string) string {
	if text == "" || len(text) > 1 && text[1] >= 'A' && text[1] <= 'Z' { // SIGKILL
		return text
	}
	return strings.ToLower(text[:1]) + text[1:]
}

// grammarOf tells what stands behind a command. Its flags are told by its
// --help: they are many.
func grammarOf(command *kong.Node) string {
	var parts, children []string
	for _, child := range command.Children {
		if !child.Hidden {
			children = append(children, child.Name)
		}
	}
	if len(children) > 0 {
		parts = append(parts, strings.Join(children, "|")+" ...")
	}
	for _, argument := range command.Positional {
		parts = append(parts, strings.ToUpper(strings.NewReplacer("<", "", ">", "").Replace(argument.Summary())))
	}
	return strings.Join(append(parts, "[FLAGS]"), " ")
}

// docOf finds a word.
func docOf(name string) (wordDoc, bool) {
	words := allWords()
	i := slices.IndexFunc(words, func(d wordDoc) bool { return d.Name == name })
	if i < 0 {
		return wordDoc{}, false
	}
	return words[i], true
}

// tell writes all that is to be said of one word.
func (d wordDoc) tell(w io.Writer) {
	fmt.Fprintf(w, "%s\n    %s\n    example: %s\n", strings.TrimSpace(d.Name+" "+d.Grammar), d.Meaning, d.Example)
	if commandNames()[d.Name] != "" {
		fmt.Fprintf(w, "    its flags: %s --help\n", d.Name)
	}
}

// tellWords writes what these words mean; none: what words there are.
func tellWords(w io.Writer, names []string) error {
	if len(names) == 0 {
		tellAllWords(w)
		return nil
	}
	for _, name := range names {
		doc, found := docOf(name)
		if !found {
			return noWord(name)
		}
		doc.tell(w)
	}
	return nil
}

func noWord(name string) error {
	return &Failure{Code: ExitUsage, Kind: "usage", Message: fmt.Sprintf("scripts know no word %q", name), Hint: "consequorctl run --words lists them"}
}

func tellAllWords(w io.Writer) {
	group := ""
	for _, d := range allWords() {
		if d.Group != group {
			group = d.Group
			fmt.Fprintf(w, "%s\n", group)
		}
		first, _, _ := strings.Cut(d.Meaning, ". ")
		fmt.Fprintf(w, "  %-13s %s\n", d.Name, strings.TrimSuffix(first, "."))
	}
	fmt.Fprint(w, "More of each, with an example: help WORD.\n",
		"Before any of them: ! it must fail; ? it may fail; [COND] only if, as in [exec:node]. Behind a command: & in the background.\n")
}

// wordNames lists every word, sorted.
func wordNames() []string {
	names := make(map[string]bool)
	for _, d := range allWords() {
		names[d.Name] = true
	}
	return slices.Sorted(maps.Keys(names))
}
