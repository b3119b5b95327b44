package topologies

import (
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"consequor/modes"
)

// readMode takes the mode as it stands; checkMode looks it up.
func (p *parser) readMode(key, n *yaml.Node) {
	p.modeNode = n
	mode := &p.topology.Mode
	if n.Kind != yaml.MappingNode {
		mode.Name, _ = p.text(n, "mode")
		return
	}
	found := p.mapping(n, "mode", map[string]field{
		"name": func(_, n *yaml.Node) {
			p.modeNode = n
			mode.Name, _ = p.text(n, "mode.name")
		},
		"options": func(_, n *yaml.Node) { p.readOptions(n) },
	})
	if found["name"] == nil {
		p.errorf(key, "mode needs the field \"name\"")
	}
}

// readOptions runs when the mode's name may still be unknown, so that options
// are checked for their form here, and for their names with checkOption.
func (p *parser) readOptions(n *yaml.Node) {
	p.entries(n, "mode.options", func(key, value *yaml.Node) {
		if value.Kind != yaml.ScalarNode || value.Tag == "!!null" {
			p.errorf(value, "mode.options.%s: want a number, a word or true or false, got %s", key.Value, describe(value))
			return
		}
		p.optionNodes = append(p.optionNodes, key)
		p.topology.Mode.Options = append(p.topology.Mode.Options, modes.Option{Name: key.Value, Value: value.Value})
	})
	slices.SortFunc(p.topology.Mode.Options, byName)
}

// checkMode fills in what is known of the mode, once its name is.
func (p *parser) checkMode() {
	mode := &p.topology.Mode
	if p.options.Mode != "" && p.options.Mode != mode.Name {
		p.modeNode = &yaml.Node{}
		mode.Name, mode.Options, p.optionNodes = p.options.Mode, nil, nil
	}
	if mode.Name == "" {
		return // reported already
	}
	p.overrideOptions()
	plugin, ok := p.plugins[mode.Name]
	if ok {
		mode.Plugin, mode.SHA256 = plugin.Plugin, plugin.SHA256
		if p.unsafeNode != nil { // whether it has that option, only it knows
			p.warnf(p.unsafeNode, "unsafe: no effect in mode %s, which is not built in: set the option that it has for that, if any", mode.Name)
		}
		return // what options it has, and for how many replicas it is good, only it knows
	}
	description := p.builtin(mode.Name)
	if description == nil {
		p.unknownMode(p.modeNode, mode.Name)
		return
	}
	p.description = description
	p.checkOptions()
}

// overrideOptions takes the command line's options over those of the file.
func (p *parser) overrideOptions() {
	mode := &p.topology.Mode
	for _, o := range p.options.ModeOptions {
		mode.Options = slices.DeleteFunc(mode.Options, func(of modes.Option) bool { return of.Name == o.Name })
		mode.Options = append(mode.Options, o)
		p.optionNodes = append(p.optionNodes, &yaml.Node{Value: o.Name})
	}
	slices.SortFunc(mode.Options, byName)
}

func (p *parser) unknownMode(at *yaml.Node, name string) {
	var known []string
	for _, d := range p.options.Modes {
		known = append(known, d.Name)
	}
	for plugin := range p.plugins {
		known = append(known, plugin)
	}
	slices.Sort(known)
	hint := suggest(name, known)
	if hint == "" {
		hint = ": known are " + strings.Join(known, ", ")
	}
	p.errorAt(at, "--mode", "unknown mode %s%s", describe(&yaml.Node{Value: name}), hint)
}

func (p *parser) checkOptions() {
	known := p.knownOptions()
	for _, key := range p.optionNodes {
		if !slices.Contains(known, key.Value) {
			p.errorAt(key, "--option", "mode %s has no option %q%s", p.description.Name, key.Value, suggest(key.Value, known))
		}
	}
}

// knownOptions are the names of the options that the mode has.
func (p *parser) knownOptions() []string {
	var known []string
	for _, o := range p.description.Options {
		known = append(known, o.Name)
	}
	return known
}

// errorAt reports a problem of the file, or, where at has no place, of a flag.
func (p *parser) errorAt(at *yaml.Node, flag, format string, args ...any) {
	p.errorf(at, format, args...)
	if at.Line == 0 {
		p.problems[len(p.problems)-1].File = flag
	}
}

// warnAt is the same for what only looks wrong.
func (p *parser) warnAt(at *yaml.Node, flag, format string, args ...any) {
	p.warnf(at, format, args...)
	if at.Line == 0 {
		p.warnings[len(p.warnings)-1].File = flag
	}
}
