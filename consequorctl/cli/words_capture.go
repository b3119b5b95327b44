package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"rsc.io/script"
)

// freeText are the words behind which anything may stand, so that a known word
// there says nothing.
var freeText = []string{"post", "reply", "exec", "echo", "help", "skip"}

// hasPath decides what the argument behind capture's NAME is. It is a PATH when
// it begins with a dot, or when a known word follows it, as in capture M mode
// status; but not in capture ID post help, nor when it is itself a word that
// stands before another one.
func (p *player) hasPath(args []string) bool {
	if len(args) < 3 {
		return false
	}
	path, next := args[1], args[2]
	if strings.HasPrefix(path, ".") {
		return true
	}
	if _, before := p.operands(path, nil); before || slices.Contains(freeText, path) {
		return false
	}
	return p.engine.Cmds[next] != nil
}

// capture asks a command of the command line for JSON; what others print is
// taken as it is.
func (p *player) capture(s *script.State, args []string) (string, string, error) {
	if len(args) < 2 {
		return "", "", errWords
	}
	name, path, line := args[0], "", slices.Clone(args[1:])
	if p.hasPath(args) {
		path, line = strings.TrimPrefix(args[1], "."), line[1:]
	}
	at := p.commandAt(line)
	if at >= len(line) {
		return "", "", errWords
	}
	if hasFlag(line[at:], "json") {
		line = append(line[:at:at], give(line[at:], "--json")...)
	}
	stdout, stderr, err := p.carryOut(s, line)
	if err != nil {
		return stdout, stderr, err
	}
	value, err := answerOf([]byte(stdout), path, p.hasPath(args))
	if err == nil {
		err = s.Setenv(name, value)
	}
	return stdout, stderr, err
}

// answerOf is what is captured of an answer: what stands at path, else its id,
// else all of it.
func answerOf(answer []byte, path string, pathGiven bool) (string, error) {
	if path != "" {
		return fieldOf(answer, path)
	}
	var object struct {
		ID *string `json:"id"`
	}
	if !pathGiven && json.Unmarshal(answer, &object) == nil && object.ID != nil {
		return *object.ID, nil
	}
	return strings.TrimSuffix(string(answer), "\n"), nil
}

// fieldOf finds a field of a JSON text: names and indexes with dots between.
// What is neither text nor number comes as JSON.
func fieldOf(data []byte, path string) (string, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return "", fmt.Errorf("not JSON: %w", err)
	}
	for step := range strings.SplitSeq(path, ".") {
		found := false
		switch v := value.(type) {
		case map[string]any:
			value, found = v[step]
		case []any:
			if i, err := strconv.Atoi(step); err == nil && i >= 0 && i < len(v) {
				value, found = v[i], true
			}
		}
		if !found {
			return "", &mismatch{want: fmt.Sprintf("a field %q (of %q)", step, path), got: string(bytes.TrimSpace(data))}
		}
	}
	switch v := value.(type) {
	case string:
		return v, nil
	case json.Number:
		return v.String(), nil
	}
	text, err := json.Marshal(value)
	return string(text), err
}
