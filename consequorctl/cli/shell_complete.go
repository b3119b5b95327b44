package cli

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"consequor/modes/builtin"
	"consequor/supervisor"
)

// complete lists what the word before a place on the line could be, sorted.
func (sh *shell) complete(line string, at int) []string {
	begin := wordBegin(line[:at])
	before, typed := fieldsOf(line[:begin]), line[begin:at]
	if strings.HasPrefix(typed, "'") {
		return nil // a text of one's own
	}
	if name, ok := strings.CutPrefix(typed, "$"); ok {
		return beginning(sh.variables(), "$"+name)
	}
	words := sh.possible(before, typed)
	slices.Sort(words)
	return beginning(slices.Compact(words), typed)
}

func beginning(words []string, typed string) []string {
	return slices.DeleteFunc(words, func(word string) bool { return !strings.HasPrefix(word, typed) })
}

// possible lists what may stand behind the words before, whether it fits to
// what was typed of it or not.
func (sh *shell) possible(before []string, typed string) []string {
	if len(before) > 0 && (before[0] == "!" || before[0] == "?") {
		before = before[1:]
	}
	at := sh.player.commandAt(before)
	if at >= len(before) { // no command stands there yet
		return sh.beforeCommand(before)
	}
	before = before[at:]
	switch before[0] {
	case "help":
		return wordNames()
	case "load":
		return loadWords(before, typed)
	}
	node, named := leafOf(before)
	if node == nil {
		return files(sh.state.Getwd(), typed) // most words of scripts are about files
	}
	if strings.HasPrefix(typed, "-") {
		return append(flagsOf(node), "--help")
	}
	if kind, ok := flagValues[before[len(before)-1]]; ok {
		return sh.values(kind, typed)
	}
	n := countArguments(before[named:])
	if words := fixedAt(node, n); len(words) > 0 {
		return words
	}
	return sh.values(argumentAt(node, n), typed)
}

// beforeCommand completes what a word wants that stands before a command, or
// the command.
func (sh *shell) beforeCommand(before []string) []string {
	if len(before) > 0 && before[len(before)-1] == "at" {
		return sh.values(someReplica, "")
	}
	for at := 0; at < len(before); {
		skip, _ := sh.player.operands(before[at], before[at+1:])
		if at += 1 + skip; at > len(before) {
			return nil // a number, a name, an expression
		}
	}
	return sh.words()
}

func loadWords(before []string, typed string) []string {
	switch {
	case len(before) == 1:
		return []string{"start", "stop"}
	case strings.HasPrefix(typed, "-"):
		flags := make([]string, len(loadFlagNames))
		for i, name := range loadFlagNames {
			flags[i] = "--" + name
		}
		return flags
	}
	return nil
}

// countArguments counts the words that are neither flags nor their values.
func countArguments(words []string) int {
	takers := valueFlags(commandsBelow(commandLine(), ""))
	count := 0
	for i, word := range words {
		if strings.HasPrefix(word, "-") || i > 0 && slices.Contains(takers, words[i-1]) {
			continue
		}
		count++
	}
	return count
}

// values lists what there is of a kind now.
func (sh *shell) values(kind argumentKind, typed string) []string {
	words := kind.words()
	switch {
	case kind.replicas():
		words = append(words, replicaNames(sh.base, kind, typed)...)
	case kind == someMode:
		for _, mode := range builtin.Modes() {
			words = append(words, mode.Description.Name)
		}
	case kind == someArticle:
		words = append(words, sh.ids...)
	case kind == someCluster:
		words = append(words, clusterNames()...)
	case kind == someFile, kind == someSample:
		words = append(words, files(sh.state.Getwd(), typed)...)
	}
	return words
}

// replicaNames lists the replicas of the cluster that a line would address;
// several of them may stand with commas between, and a plugin: before one.
func replicaNames(ctx context.Context, kind argumentKind, typed string) []string {
	cluster, err := supervisor.Find("")
	if err != nil {
		return nil
	}
	ctx, cancel := soon(ctx)
	defer cancel()
	status, err := cluster.Status(ctx)
	if err != nil {
		return nil
	}
	prefix := ""
	switch {
	case kind == someSide:
		prefix = typed[:strings.LastIndexByte(typed, ',')+1]
	case kind == someTarget && strings.HasPrefix(typed, "plugin:"):
		prefix = "plugin:"
	}
	var names []string
	for _, r := range status.Replicas {
		if !slices.Contains(strings.Split(prefix, ","), r.Name) {
			names = append(names, prefix+r.Name)
		}
	}
	return names
}

func clusterNames() []string {
	homes, err := supervisor.Homes()
	if err != nil {
		return nil
	}
	names := make([]string, len(homes))
	for i, home := range homes {
		names[i] = home.Name
	}
	return names
}

// files lists the files of the folder that typed is in, as typed would name them.
func files(dir, typed string) []string {
	folder, _ := filepath.Split(typed)
	look := folder
	if !filepath.IsAbs(look) {
		look = filepath.Join(dir, folder)
	}
	entries, err := os.ReadDir(look)
	if err != nil {
		return nil
	}
	var names []string
	for _, entry := range entries {
		name := entry.Name()
		if strings.HasPrefix(name, ".") || strings.ContainsAny(name, " \t'#$") { // hidden, or in need of quotes
			continue
		}
		if info, err := os.Stat(filepath.Join(look, name)); err == nil && info.IsDir() {
			name += "/"
		}
		names = append(names, folder+name)
	}
	return names
}

// variables lists what $NAME could be.
func (sh *shell) variables() []string {
	var names []string
	for _, pair := range sh.state.Environ() {
		name, _, _ := strings.Cut(pair, "=")
		names = append(names, "$"+name)
	}
	slices.Sort(names)
	return names
}

// wordBegin is where the last word of a line begins: behind a space that is not
// in quotes.
func wordBegin(line string) int {
	begin, quoted := 0, false
	for i := range len(line) {
		switch {
		case line[i] == '\'':
			quoted = !quoted
		case (line[i] == ' ' || line[i] == '\t') && !quoted:
			begin = i + 1
		}
	}
	return begin
}

// fieldsOf splits a line into its words; quotes stay.
func fieldsOf(line string) []string {
	var words []string
	for line = strings.TrimRight(line, " \t"); line != ""; line = strings.TrimRight(line, " \t") {
		begin := wordBegin(line)
		words = append(words, line[begin:])
		line = line[:begin]
	}
	slices.Reverse(words)
	return words
}
