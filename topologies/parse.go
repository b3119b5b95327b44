package topologies

import (
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"consequor/modes"
)

// parser reads one file into topology. Its fields beyond that are what can be
// checked only once the whole file is read.
type parser struct {
	nodes
	path     string
	options  Options
	topology *Topology

	modeNode    *yaml.Node         // without a place: the mode is the command line's
	description *modes.Description // of the mode, when it is built in
	plugins     map[string]Mode    // under "modes", by name
	optionNodes []*yaml.Node       // keys under mode.options

	replicasNode *yaml.Node
	places       []place // as listed, or so many empty ones
	ports        basePorts
	webNode      *yaml.Node
	unsafeNode   *yaml.Node // nil: not asked for
	faultsNode   *yaml.Node // nil: none
}

func (p *parser) parse(data []byte) {
	p.nodes.path = p.path
	root := p.root(data)
	if root == nil {
		return
	}
	p.plugins = p.readPlugins(root)
	for _, name := range slices.Sorted(maps.Keys(p.plugins)) {
		p.topology.Modes = append(p.topology.Modes, p.plugins[name])
	}
	found := p.mapping(root, "the topology", map[string]field{
		"name":        p.readName,
		"mode":        p.readMode,
		"replicas":    p.readReplicas,
		"ports":       p.readPorts,
		"restart":     p.readRestart,
		"modes":       func(_, _ *yaml.Node) {}, // before all others
		"tls":         p.readTLS,
		"web":         p.readWeb,
		"unsafe":      p.readUnsafe,
		"per_process": p.readPerProcess,
		"faults":      p.readFaults,
		"seed":        p.readSeed,
	})
	if root.Kind == yaml.MappingNode {
		p.defaults(root, found)
	}
	p.checkMode()
	p.placeReplicas()
	p.placeFaults()
	p.checkFit()
	p.checkLoopback()
}

func (p *parser) defaults(root *yaml.Node, found map[string]*yaml.Node) {
	for _, name := range []string{"mode", "replicas"} {
		if found[name] == nil && !p.overridden(name) {
			p.errorf(root, "the topology needs the field %q", name)
		}
	}
	if found["name"] != nil {
		return
	}
	base := filepath.Base(p.path)
	p.topology.Name = strings.TrimSuffix(base, filepath.Ext(base))
	if !ValidName(p.topology.Name) {
		p.errorf(root, "the file's name cannot be the cluster's: %q does not match %s: add the field \"name\"",
			p.topology.Name, NamePattern)
	}
}

func (p *parser) overridden(field string) bool {
	return field == "mode" && p.options.Mode != "" || field == "replicas" && p.options.Replicas > 0
}

func (p *parser) readName(_, n *yaml.Node) {
	if name, ok := p.name(n, "name"); ok {
		p.topology.Name = name
	}
}

func (p *parser) name(n *yaml.Node, what string) (string, bool) {
	name, ok := p.text(n, what)
	if ok && !ValidName(name) {
		p.errorf(n, "%s: %s does not match %s", what, describe(n), NamePattern)
		return "", false
	}
	return name, ok
}

func (p *parser) readWeb(_, n *yaml.Node) {
	if text, ok := p.text(n, "web"); ok && p.checkAddress(n, text) {
		p.topology.Web, p.webNode = text, n
	}
}

func (p *parser) readUnsafe(_, n *yaml.Node) {
	if unsafe, ok := p.boolean(n, "unsafe"); ok && unsafe {
		p.unsafeNode = n
	}
}

func (p *parser) readPerProcess(_, n *yaml.Node) {
	if i, ok := p.integer(n, "per_process", 1, replicasMax); ok && i > 1 {
		p.errorf(n, "per_process: not supported yet: several replicas in one process; the only value is 1")
	}
}

func (p *parser) readTLS(key, _ *yaml.Node) {
	p.errorf(key, "tls: not supported yet: certificates of your own; the supervisor makes them, and every listener stays on loopback")
}

// resolvePath makes a path that stands in the file absolute.
func (p *parser) resolvePath(path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(filepath.Dir(p.topology.Path), path)
}

// The ranges of the fields of "restart".
const (
	backoffLeast   = time.Millisecond
	backoffMost    = time.Hour
	giveUpAfterMax = 1000
)

func (p *parser) readRestart(key, n *yaml.Node) {
	r := &p.topology.Restart
	p.mapping(n, "restart", map[string]field{
		"policy": func(_, n *yaml.Node) { p.readPolicy(n) },
		"backoff": func(_, n *yaml.Node) {
			if d, ok := p.duration(n, "restart.backoff", backoffLeast, backoffMost); ok {
				r.Backoff = d
			}
		},
		"backoff_max": func(_, n *yaml.Node) {
			if d, ok := p.duration(n, "restart.backoff_max", backoffLeast, backoffMost); ok {
				r.BackoffMax = d
			}
		},
		"give_up_after": func(_, n *yaml.Node) {
			if i, ok := p.integer(n, "restart.give_up_after", 1, giveUpAfterMax); ok {
				r.GiveUpAfter = i
			}
		},
	})
	if r.BackoffMax < r.Backoff {
		p.errorf(key, "restart: backoff_max (%v) is below backoff (%v)", r.BackoffMax, r.Backoff)
	}
}

func (p *parser) readPolicy(n *yaml.Node) {
	policies := []string{string(OnFailure), string(Always), string(Never)}
	text, ok := p.text(n, "restart.policy")
	if ok && !slices.Contains(policies, text) {
		p.errorf(n, "restart.policy: %s is not one of %s%s", describe(n), strings.Join(policies, ", "), suggest(text, policies))
		return
	}
	p.topology.Restart.Policy = Policy(text)
}

var sha256Pattern = regexp.MustCompile(`^[0-9a-fA-F]{64}$`)

// readPlugins reads the field "modes" of the topology.
func (p *parser) readPlugins(root *yaml.Node) map[string]Mode {
	plugins := make(map[string]Mode)
	for i := 0; root.Kind == yaml.MappingNode && i+1 < len(root.Content); i += 2 {
		if root.Content[i].Value != "modes" {
			continue
		}
		p.entries(root.Content[i+1], "modes", func(key, n *yaml.Node) {
			mode := p.readPlugin(key, n)
			if name, ok := p.name(key, "a mode's name"); ok {
				plugins[name] = mode
			}
			if p.builtin(key.Value) != nil {
				p.errorf(key, "modes: %q is built in; give yours another name", key.Value)
			}
		})
		break // a second one is reported with the other fields
	}
	return plugins
}

func (p *parser) readPlugin(key, n *yaml.Node) Mode {
	what := "modes." + key.Value
	mode := Mode{Name: key.Value}
	var path, sum *yaml.Node
	found := p.mapping(n, what, map[string]field{
		"plugin": func(_, n *yaml.Node) {
			path = n
			if path, ok := p.text(n, what+".plugin"); ok && path != "" {
				mode.Plugin = p.resolvePath(path)
			} else if ok {
				p.errorf(n, "%s.plugin: want a path, got nothing", what)
			}
		},
		"sha256": func(_, n *yaml.Node) {
			sum = n
			if n.Kind != yaml.ScalarNode || !sha256Pattern.MatchString(n.Value) {
				p.errorf(n, "%s.sha256: want 64 hex digits, got %s", what, describe(n))
				return
			}
			mode.SHA256 = strings.ToLower(n.Value)
		},
	})
	for _, name := range []string{"plugin", "sha256"} {
		if found[name] == nil {
			p.errorf(key, "%s needs the field %q", what, name)
		}
	}
	p.checkPlugin(mode, path, sum)
	return mode
}

func (p *parser) builtin(name string) *modes.Description {
	known := slices.Concat(p.options.Modes, p.options.Exhibits)
	i := slices.IndexFunc(known, func(d modes.Description) bool { return d.Name == name })
	if i < 0 {
		return nil
	}
	return &known[i]
}
