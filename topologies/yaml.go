package topologies

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// nodes collects what is wrong with a YAML document while it is walked. Its
// readers report a value that is not what they read, and then return false.
type nodes struct {
	path     string
	problems Problems
	warnings Problems
}

func (p *nodes) errorf(n *yaml.Node, format string, args ...any) {
	p.problems = append(p.problems, Problem{p.path, n.Line, n.Column, fmt.Sprintf(format, args...)})
}

func (p *nodes) warnf(n *yaml.Node, format string, args ...any) {
	p.warnings = append(p.warnings, Problem{p.path, n.Line, n.Column, fmt.Sprintf(format, args...)})
}

// syntaxError is the form of yaml.v3's errors.
var syntaxError = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)`)

// root returns the one document of data, or nil.
func (p *nodes) root(data []byte) *yaml.Node {
	d := yaml.NewDecoder(bytes.NewReader(data))
	var doc, more yaml.Node
	switch err := d.Decode(&doc); {
	case errors.Is(err, io.EOF):
		p.errorf(&yaml.Node{Line: 1, Column: 1}, "the file is empty")
		return nil
	case err != nil:
		p.syntax(err)
		return nil
	}
	switch err := d.Decode(&more); {
	case err == nil:
		p.errorf(&more, "a second document: a file holds one topology")
	case !errors.Is(err, io.EOF):
		p.syntax(err)
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) != 1 {
		p.errorf(&doc, "the file is empty")
		return nil
	}
	return doc.Content[0]
}

func (p *nodes) syntax(err error) {
	at, text := &yaml.Node{Line: 1, Column: 1}, err.Error()
	if m := syntaxError.FindStringSubmatch(text); m != nil {
		text = m[2]
		if line, err := strconv.Atoi(m[1]); err == nil {
			at.Line = line
		}
	}
	p.errorf(at, "not YAML: %s", text)
}

// field reads one field of a mapping: key, for its place, and value.
type field func(key, value *yaml.Node)

// mapping calls the reader of each of n's fields, and returns the keys found.
func (p *nodes) mapping(n *yaml.Node, what string, fields map[string]field) map[string]*yaml.Node {
	known := make([]string, 0, len(fields))
	for name := range fields {
		known = append(known, name)
	}
	slices.Sort(known)
	return p.entries(n, what, func(key, value *yaml.Node) {
		if read, ok := fields[key.Value]; ok {
			read(key, value)
			return
		}
		p.errorf(key, "unknown field %q in %s%s", key.Value, what, suggest(key.Value, known))
	})
}

// entries calls f for each key and value of the mapping n, but for keys that
// are there a second time.
func (p *nodes) entries(n *yaml.Node, what string, f field) map[string]*yaml.Node {
	n = resolve(n)
	found := make(map[string]*yaml.Node)
	if n.Kind != yaml.MappingNode {
		p.errorf(n, "%s: want fields (key: value), got %s", what, describe(n))
		return found
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := resolve(n.Content[i]), resolve(n.Content[i+1])
		if key.Kind != yaml.ScalarNode || key.Tag == "!!merge" {
			p.errorf(key, "%s: want a field's name, got %s", what, describe(key))
			continue
		}
		if first, ok := found[key.Value]; ok {
			p.errorf(key, "%q is given twice in %s: first in line %d", key.Value, what, first.Line)
			continue
		}
		found[key.Value] = key
		f(key, value)
	}
	return found
}

func (p *nodes) text(n *yaml.Node, what string) (string, bool) {
	switch {
	case n.Kind == yaml.ScalarNode && n.Tag == "!!str":
		return n.Value, true
	case n.Kind == yaml.ScalarNode && n.Tag != "!!null":
		p.errorf(n, "%s: want text, got %s; if it is meant, write %q", what, describe(n), n.Value)
	default:
		p.errorf(n, "%s: want text, got %s", what, describe(n))
	}
	return "", false
}

func (p *nodes) integer(n *yaml.Node, what string, least, most int) (int, bool) {
	var i int
	if n.Kind != yaml.ScalarNode || n.Tag != "!!int" || n.Decode(&i) != nil {
		p.errorf(n, "%s: want a whole number, got %s", what, describe(n))
		return 0, false
	}
	if i < least || i > most {
		p.errorf(n, "%s: %d is out of range: want %d to %d", what, i, least, most)
		return 0, false
	}
	return i, true
}

func (p *nodes) boolean(n *yaml.Node, what string) (bool, bool) {
	var b bool
	if n.Kind != yaml.ScalarNode || n.Tag != "!!bool" || n.Decode(&b) != nil {
		p.errorf(n, "%s: want true or false, got %s", what, describe(n))
		return false, false
	}
	return b, true
}

func (p *nodes) duration(n *yaml.Node, what string, least, most time.Duration) (time.Duration, bool) {
	d, err := time.ParseDuration(n.Value)
	if n.Kind != yaml.ScalarNode || err != nil {
		p.errorf(n, "%s: want a time such as 200ms, 5s or 1m, got %s", what, describe(n))
		return 0, false
	}
	if d < least || d > most {
		p.errorf(n, "%s: %v is out of range: want %v to %v", what, d, least, most)
		return 0, false
	}
	return d, true
}

// resolve follows an alias. Aliases do not chain.
func resolve(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode && n.Alias != nil {
		return n.Alias
	}
	return n
}

// shownMax bounds how much of a wrong value is repeated in a message.
const shownMax = 40

func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "fields"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "an alias"
	}
	if n.Tag == "!!null" {
		return "nothing"
	}
	shown := strings.ToValidUTF8(n.Value, "?")
	if r := []rune(shown); len(r) > shownMax {
		shown = string(r[:shownMax]) + "..."
	}
	return strconv.Quote(shown)
}
