package topologies

import (
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"consequor/board"
)

// DelayMax bounds the delay of a link. Its jitter is no more than the delay.
const DelayMax = time.Minute

// delayLeast is the shortest delay that can be asked for.
const delayLeast = time.Microsecond

// rest names all replicas that the other side of a fault does not.
const rest = "rest"

func (p *parser) readSeed(_, n *yaml.Node) {
	if seed, ok := p.integer(n, "seed", 1, 1<<62); ok {
		p.topology.Seed = uint64(seed)
	}
}

// readFaults only keeps the place: replicas are known once the whole file is
// read.
func (p *parser) readFaults(_, n *yaml.Node) { p.faultsNode = n }

// placeFaults reads the faults of links.
func (p *parser) placeFaults() {
	if p.faultsNode == nil {
		return
	}
	if p.faultsNode.Kind != yaml.SequenceNode {
		p.errorf(p.faultsNode, "faults: want a list, got %s", describe(p.faultsNode))
		return
	}
	var all Faults
	said := make(map[wrong]int)
	for _, item := range p.faultsNode.Content {
		item = resolve(item)
		p.addFault(&all, said, item, p.readFault(item))
	}
	if len(all.Links) > LinkFaultsMax {
		p.errorf(p.faultsNode, "faults: more than %d directions of links have some", LinkFaultsMax)
	}
	p.topology.Faults = all.Links
}

// wrong is one thing that is wrong with one direction.
type wrong struct {
	from, to board.ReplicaID
	what     string
}

// linkFault is one entry of the list.
type linkFault struct {
	between, and, from, to         group
	fault                          LinkFault
	cut, delayed, jittered, losing *yaml.Node // nil: not said
}

// group is one side of a link.
type group struct {
	node    *yaml.Node // nil: not said
	ids     []board.ReplicaID
	rest    bool
	unknown bool // a name was: it is reported
}

func (p *parser) readFault(n *yaml.Node) *linkFault {
	var f linkFault
	before := len(p.problems)
	side := func(g *group, what string) field {
		return func(_, n *yaml.Node) { *g = p.readGroup(n, what) }
	}
	p.mapping(n, "a fault", map[string]field{
		"between": side(&f.between, "between"),
		"and":     side(&f.and, "and"),
		"from":    side(&f.from, "from"),
		"to":      side(&f.to, "to"),
		"cut": func(_, n *yaml.Node) {
			f.fault.Cut, _ = p.boolean(n, "cut")
			f.cut = n
		},
		"delay": func(_, n *yaml.Node) {
			f.fault.Delay, _ = p.duration(n, "delay", delayLeast, DelayMax)
			f.delayed = n
		},
		"jitter": func(_, n *yaml.Node) {
			f.fault.Jitter, _ = p.duration(n, "jitter", delayLeast, DelayMax)
			f.jittered = n
		},
		"loss": func(_, n *yaml.Node) {
			f.fault.Loss = p.percent(n, "loss")
			f.losing = n
		},
	})
	if len(p.problems) == before { // else what seems to be missing may be misspelt
		p.checkFault(n, &f)
	}
	p.checkJitter(&f)
	return &f
}

func (p *parser) percent(n *yaml.Node, what string) float64 {
	part, err := ParsePercent(n.Value)
	if n.Kind != yaml.ScalarNode || err != nil || part == 0 {
		p.errorf(n, "%s: want a part such as 10%%, up to 100%%, got %s", what, describe(n))
	}
	return part
}

// checkFault reports what is missing, or does not go together.
func (p *parser) checkFault(n *yaml.Node, f *linkFault) {
	both, one := f.between.node != nil && f.and.node != nil, f.from.node != nil && f.to.node != nil
	said := 0
	for _, g := range []group{f.between, f.and, f.from, f.to} {
		if g.node != nil {
			said++
		}
	}
	switch {
	case both == one || said != 2:
		p.errorf(n, `a fault needs "between" and "and", for both directions, or "from" and "to", for one`)
	case f.cut == nil && f.delayed == nil && f.losing == nil:
		p.errorf(n, `a fault needs "cut", "delay" or "loss"`)
	}
}

func (p *parser) checkJitter(f *linkFault) {
	switch {
	case f.jittered == nil:
	case f.delayed == nil:
		p.errorf(f.jittered, `jitter: there is no "delay" for it`)
	case f.fault.Jitter > f.fault.Delay && f.fault.Delay > 0:
		p.errorf(f.jittered, "jitter: %v is more than the delay, %v", f.fault.Jitter, f.fault.Delay)
	}
}

// readGroup reads a name, or a list of names.
func (p *parser) readGroup(n *yaml.Node, what string) group {
	n = resolve(n)
	g := group{node: n}
	names := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		names = n.Content
	}
	if len(names) == 0 {
		p.errorf(n, "%s: names no replica", what)
		g.unknown = true
	}
	for _, name := range names {
		p.addMember(&g, resolve(name), what)
	}
	if g.rest && len(names) > 1 {
		p.errorf(n, "%s: %q stands alone: it is everyone that the other side does not name", what, rest)
		g.unknown = true
	}
	return g
}

func (p *parser) addMember(g *group, n *yaml.Node, what string) {
	name, ok := p.text(n, what)
	if !ok {
		g.unknown = true
		return
	}
	if name == rest {
		g.rest = true
		return
	}
	i := slices.IndexFunc(p.topology.Replicas, func(r Replica) bool { return r.Name == name })
	switch {
	case i >= 0 && slices.Contains(g.ids, p.topology.Replicas[i].ID):
		p.errorf(n, "%s: %s is named twice", what, name)
	case i >= 0:
		g.ids = append(g.ids, p.topology.Replicas[i].ID)
		return
	case strings.Contains(name, ","):
		p.errorf(n, "%s: there is no replica %s: write several as a list, [r1, r2]", what, describe(n))
	default:
		p.errorf(n, "%s: there is no replica %s%s", what, describe(n), suggest(name, p.memberNames()))
	}
	g.unknown = true
}

func (p *parser) memberNames() []string {
	names := []string{rest}
	for _, r := range p.topology.Replicas {
		names = append(names, r.Name)
	}
	return names
}

// addFault puts an entry into the table, direction by direction. What one
// direction has already is not said again.
func (p *parser) addFault(all *Faults, said map[wrong]int, n *yaml.Node, f *linkFault) {
	a, b := f.from, f.to
	if f.between.node != nil {
		a, b = f.between, f.and
	}
	if a.node == nil || b.node == nil || !p.fillRest(&a, &b) {
		return
	}
	for _, from := range a.ids {
		for _, to := range b.ids {
			p.addDirection(all, said, n, f, from, to)
			if f.between.node != nil {
				p.addDirection(all, said, n, f, to, from)
			}
		}
	}
}

// fillRest finds who the rest is, and reports false if the sides cannot be two.
func (p *parser) fillRest(a, b *group) bool {
	switch {
	case a.unknown || b.unknown:
		return false
	case a.rest && b.rest:
		p.errorf(b.node, "both sides are %q", rest)
		return false
	}
	for _, side := range [][2]*group{{a, b}, {b, a}} {
		if !side[0].rest {
			continue
		}
		for _, r := range p.topology.Replicas {
			if !slices.Contains(side[1].ids, r.ID) {
				side[0].ids = append(side[0].ids, r.ID)
			}
		}
		if len(side[0].ids) == 0 {
			p.errorf(side[0].node, "%q is nobody: the other side names all replicas", rest)
			return false
		}
	}
	for _, id := range a.ids {
		if slices.Contains(b.ids, id) {
			p.errorf(b.node, "%s is on both sides", p.topology.Replicas[id-1].Name)
			return false
		}
	}
	return true
}

func (p *parser) addDirection(all *Faults, said map[wrong]int, n *yaml.Node, f *linkFault, from, to board.ReplicaID) {
	if len(all.Links) > LinkFaultsMax {
		return // reported when all are read
	}
	link := all.On(from, to)
	for _, w := range []struct {
		node *yaml.Node
		what string
		set  func()
	}{
		{f.cut, "cut", func() { link.Cut = f.fault.Cut }},
		{f.delayed, "delay", func() { link.Delay, link.Jitter = f.fault.Delay, f.fault.Jitter }},
		{f.losing, "loss", func() { link.Loss = f.fault.Loss }},
	} {
		if w.node == nil {
			continue
		}
		if line, twice := said[wrong{from, to, w.what}]; twice {
			p.errorf(w.node, "%s of what %s says to %s is given twice: first in line %d", w.what,
				p.topology.Replicas[from-1].Name, p.topology.Replicas[to-1].Name, line)
			return
		}
		said[wrong{from, to, w.what}] = w.node.Line
		w.set()
	}
	all.Put(link)
}
