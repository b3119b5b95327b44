package topologies

import (
	"net"
	"net/netip"
	"strconv"

	"gopkg.in/yaml.v3"

	"consequor/board"
)

// replicasMax bounds a cluster, whatever its mode: each has a process of its
// own.
const replicasMax = 1000

const portMax = 65535

// place is where one replica is to be, as the file says.
type place struct {
	name, host   string
	client, peer int // 0: not said

	node                 *yaml.Node // nil: the replica is not listed
	nameNode, hostNode   *yaml.Node // nil: not said
	clientNode, peerNode *yaml.Node
}

// basePorts are the first replica's ports; 0: not said.
type basePorts struct {
	client, peer int
	node         *yaml.Node
	reported     bool // that they do not fit; once is enough for all replicas
}

func (p *parser) readReplicas(_, n *yaml.Node) {
	p.replicasNode = n
	if n.Kind != yaml.SequenceNode {
		if count, ok := p.integer(n, "replicas", 1, replicasMax); ok {
			p.places = make([]place, count)
		}
		return
	}
	if len(n.Content) == 0 || len(n.Content) > replicasMax {
		p.errorf(n, "replicas: %d are out of range: want 1 to %d", len(n.Content), replicasMax)
		return
	}
	for _, item := range n.Content {
		p.places = append(p.places, p.readPlace(resolve(item)))
	}
}

func (p *parser) readPlace(n *yaml.Node) place {
	at := place{node: n}
	port := func(to *int, node **yaml.Node, what string) field {
		return func(_, n *yaml.Node) {
			*to, _ = p.integer(n, what, 1, portMax)
			*node = n
		}
	}
	p.mapping(n, "a replica", map[string]field{
		"name": func(_, n *yaml.Node) {
			at.name, _ = p.name(n, "a replica's name")
			at.nameNode = n
		},
		"host": func(_, n *yaml.Node) {
			at.host, _ = p.text(n, "host")
			at.hostNode = n
		},
		"client": port(&at.client, &at.clientNode, "client"),
		"peer":   port(&at.peer, &at.peerNode, "peer"),
	})
	return at
}

func (p *parser) readPorts(_, n *yaml.Node) {
	p.ports.node = n
	p.mapping(n, "ports", map[string]field{
		"client": func(_, n *yaml.Node) { p.ports.client, _ = p.integer(n, "ports.client", 1, portMax) },
		"peer":   func(_, n *yaml.Node) { p.ports.peer, _ = p.integer(n, "ports.peer", 1, portMax) },
	})
}

// placeReplicas turns the places into replicas: numbers, names and addresses,
// none of them twice.
func (p *parser) placeReplicas() {
	p.overrideCount()
	names := make(map[string]bool)
	ports := make(map[string]string) // address -> whose it is
	for i := range p.places {
		at := &p.places[i]
		r := Replica{ID: board.ReplicaID(i + 1), Name: p.replicaName(at, i, names)}
		r.Process = r.Name
		r.Client = p.address(at, i, at.client, p.ports.client, at.clientNode, r.Name+"'s client port", ports)
		r.Peer = p.address(at, i, at.peer, p.ports.peer, at.peerNode, r.Name+"'s peer port", ports)
		p.topology.Replicas = append(p.topology.Replicas, r)
	}
	p.checkCount()
}

// overrideCount makes the number of places the one that the command line asks
// for.
func (p *parser) overrideCount() {
	n := p.options.Replicas
	switch {
	case n <= 0:
	case n > replicasMax:
		p.errorAt(&yaml.Node{}, "--replicas", "%d is out of range: want 1 to %d", n, replicasMax)
	case p.replicasNode != nil && p.replicasNode.Kind == yaml.SequenceNode && n != len(p.places):
		p.errorAt(&yaml.Node{}, "--replicas", "the topology lists its %d replicas one by one: %d of them cannot be had", len(p.places), n)
	default:
		p.places = append(p.places[:0:0], p.places[:min(n, len(p.places))]...)
		p.places = append(p.places, make([]place, n-len(p.places))...)
	}
}

func (p *parser) checkCount() {
	n, mode := len(p.places), p.topology.Mode.Name
	if d := p.builtin(mode); d != nil && d.ReplicasMax > 0 && n > d.ReplicasMax {
		p.errorAt(p.countNode(), "--replicas", "mode %s is good for at most %d replicas, not %d", mode, d.ReplicasMax, n)
	}
}

// countNode is where the number of replicas is said; without a place, when the
// command line says it.
func (p *parser) countNode() *yaml.Node {
	if p.options.Replicas > 0 || p.replicasNode == nil {
		return &yaml.Node{}
	}
	return p.replicasNode
}

// reservedNames mean something else where a replica can be named, or where its
// files are.
var reservedNames = map[string]bool{"coordinator": true, "backup": true, "plugin": true, "supervisor": true, rest: true}

func (p *parser) replicaName(at *place, i int, taken map[string]bool) string {
	name, node := at.name, at.nameNode
	if node == nil {
		name, node = board.ReplicaID(i+1).String(), at.node
	}
	switch {
	case name == "":
		return "replica " + strconv.Itoa(i+1) // reported already
	case reservedNames[name]:
		p.errorf(node, "a replica cannot be named %q: commands and files use that name", name)
	case taken[name]:
		p.errorf(node, "two replicas are named %q", name)
	}
	taken[name] = true
	return name
}

// address gives host:port of one listener, with port 0 when it is to be
// chosen.
func (p *parser) address(at *place, i, own, base int, node *yaml.Node, what string, taken map[string]string) string {
	host := p.host(at)
	port := own
	if port == 0 && base != 0 {
		port, node = base+i, p.ports.node
	}
	address := net.JoinHostPort(host, strconv.Itoa(port))
	switch {
	case port == 0:
	case port > portMax:
		p.portError(node, "%s would be %d: the highest port is %d", what, port, portMax)
	case taken[address] != "":
		p.portError(node, "%s, %d, is %s already", what, port, taken[address])
	default:
		taken[address] = what
	}
	return address
}

func (p *parser) portError(n *yaml.Node, format string, args ...any) {
	if n == p.ports.node {
		if p.ports.reported {
			return
		}
		p.ports.reported = true
	}
	p.errorf(n, format, args...)
}

const loopback = "127.0.0.1"

func (p *parser) host(at *place) string {
	if at.host == "" || at.host == "localhost" {
		return loopback
	}
	return at.host
}

// checkAddress reports an address of a listener that is not host:port.
func (p *parser) checkAddress(n *yaml.Node, text string) bool {
	host, portText, err := net.SplitHostPort(text)
	port, portErr := strconv.Atoi(portText)
	if err != nil || portErr != nil || host == "" || port < 0 || port > portMax {
		p.errorf(n, "web: want host:port, got %s", describe(n))
		return false
	}
	return true
}

// checkLoopback refuses listeners that others than this machine's users can
// reach, unless the operator has given certificates.
func (p *parser) checkLoopback() {
	for i := range p.places {
		if at := &p.places[i]; at.hostNode != nil && at.host != "" {
			p.checkHost(at.hostNode, "host", p.host(at))
		}
	}
	if p.webNode != nil {
		if host, _, err := net.SplitHostPort(p.topology.Web); err == nil && host != "localhost" {
			p.checkHost(p.webNode, "web", host)
		}
	}
}

func (p *parser) checkHost(n *yaml.Node, what, host string) {
	ip, err := netip.ParseAddr(host)
	switch {
	case err != nil:
		p.errorf(n, "%s: want an IP address, got %s", what, describe(n))
	case ip.IsUnspecified():
		p.errorf(n, "%s: peers cannot dial %s: name one address of this machine", what, host)
	case !ip.IsLoopback():
		p.errorf(n, "%s: %s can be reached from other machines: that needs certificates of yours, which are not supported yet", what, host)
	}
}
