package topologies

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"consequor/modes"
)

// unsafeOption is what the field "unsafe" sets, in modes that have an option of
// this name.
const unsafeOption = "unsafe"

// checkFit asks what the mode itself would say, once the number of replicas is
// known as well: better here, with a place in the file, than by a replica that
// fails to start.
func (p *parser) checkFit() {
	d, n := p.description, len(p.places)
	if d == nil || n == 0 {
		return
	}
	p.settleUnsafe(d)
	if p.options.Check == nil {
		return
	}
	mode := &p.topology.Mode
	warning, err := p.options.Check(mode.Name, mode.Options, n)
	p.reportFit(err)
	if warning != "" {
		p.warnAt(p.countNode(), "--replicas", "%s", warning)
	}
	if mode.Unsafe && err == nil {
		p.checkUnsafeNeeded(n)
	}
}

// reportFit reports each of the errors that err joins where its option stands.
// Names that the mode does not know are reported already, with a suggestion.
func (p *parser) reportFit(err error) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, err := range joined.Unwrap() {
			p.reportFit(err)
		}
		return
	}
	var of *modes.OptionError
	isOption := errors.As(err, &of)
	if err == nil || isOption && !slices.Contains(p.knownOptions(), of.Option) {
		return
	}
	at, flag := p.optionsNode()
	if isOption {
		at, flag = p.optionNode(of.Option)
	}
	p.errorAt(at, flag, "mode %s: %v", p.topology.Mode.Name, err)
}

// settleUnsafe makes the field "unsafe" and the mode's option of that name one:
// what either says holds. When they contradict each other, that is reported, and
// the rest is checked as if the field held.
func (p *parser) settleUnsafe(d *modes.Description) {
	mode := &p.topology.Mode
	at := slices.IndexFunc(mode.Options, isUnsafe)
	switch {
	case at >= 0 && p.unsafeNode != nil && !saysYes(mode.Options[at]):
		p.errorf(p.unsafeNode, "unsafe: true, but the mode's option unsafe is %s", describe(&yaml.Node{Value: mode.Options[at].Value}))
		mode.Options[at].Value = "true"
	case at >= 0:
		mode.Unsafe = saysYes(mode.Options[at])
	case p.unsafeNode == nil:
	case slices.ContainsFunc(d.Options, func(o modes.OptionDescription) bool { return o.Name == unsafeOption }):
		mode.Options = append(mode.Options, modes.Option{Name: unsafeOption, Value: "true"})
		slices.SortFunc(mode.Options, byName)
		mode.Unsafe = true
	default:
		p.warnf(p.unsafeNode, "unsafe: no effect in mode %s", d.Name)
	}
}

// checkUnsafeNeeded warns when the mode would run without being let through:
// its promise holds then, whatever the file says.
func (p *parser) checkUnsafeNeeded(replicas int) {
	mode := &p.topology.Mode
	if _, err := p.options.Check(mode.Name, slices.DeleteFunc(slices.Clone(mode.Options), isUnsafe), replicas); err != nil {
		return
	}
	mode.Unsafe = false
	at, flag := p.optionsNode()
	if p.unsafeNode != nil {
		at = p.unsafeNode
	}
	p.warnAt(at, flag, "unsafe: no effect: mode %s keeps its promise with these options", mode.Name)
}

// optionsNode is where the mode's options stand, else the mode; when that is
// not in the file, the flag is what says it.
func (p *parser) optionsNode() (at *yaml.Node, flag string) {
	if len(p.optionNodes) > 0 {
		return p.optionNodes[0], "--option"
	}
	return p.modeNode, "--mode"
}

// optionNode is where the option of this name is given: what the command line
// says holds, and comes last.
func (p *parser) optionNode(name string) (at *yaml.Node, flag string) {
	for _, key := range slices.Backward(p.optionNodes) {
		if key.Value == name {
			return key, "--option"
		}
	}
	return p.optionsNode()
}

func isUnsafe(o modes.Option) bool { return o.Name == unsafeOption }

// saysYes takes what is no truth value for no; the mode's own check refuses it.
func saysYes(o modes.Option) bool {
	yes, err := strconv.ParseBool(o.Value)
	return err == nil && yes
}

func byName(a, b modes.Option) int { return strings.Compare(a.Name, b.Name) }
