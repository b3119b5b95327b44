package topologies

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"consequor/modes"
)

// Topology is what a topology file says, checked and with all defaults filled
// in.
type Topology struct {
	Path     string // of the file, absolute
	Name     string
	Mode     Mode
	Modes    []Mode    // those that are not built in, under "modes", by name
	Replicas []Replica // by rising id; port 0: a free one is to be chosen
	Restart  Restart
	Web      string      // host:port; empty: any
	Seed     uint64      // of all that chance decides; 0: drawn when the data is made
	Faults   []LinkFault // of links, from the start; by From, then To
	Warnings []Problem
}

// Policy says which ends of a replica's process are followed by a new start.
type Policy string

// The restart policies.
const (
	OnFailure Policy = "on-failure" // any end that was not asked for, but for exit code 0
	Always    Policy = "always"     // any end that was not asked for
	Never     Policy = "never"
)

// Restart is what is done when a replica's process ends unasked.
type Restart struct {
	Policy      Policy        `json:"policy"`
	Backoff     time.Duration `json:"backoff"`       // the first pause; doubles with each quick death
	BackoffMax  time.Duration `json:"backoff_max"`   // the longest
	GiveUpAfter int           `json:"give_up_after"` // quick deaths in a row
}

// DefaultRestart holds for what a topology does not say.
var DefaultRestart = Restart{OnFailure, 200 * time.Millisecond, 5 * time.Second, 5}

// Problem is one thing that is wrong in a file, or looks wrong.
type Problem struct {
	File    string // as given, or the name of a flag
	Line    int    // from 1; 0: it has no place
	Col     int    // from 1, in characters
	Message string
}

func (p Problem) String() string {
	if p.Line == 0 {
		return fmt.Sprintf("%s: %s", p.File, p.Message)
	}
	return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Col, p.Message)
}

// Problems is the error for a file that cannot be used: all that is wrong with
// it, in the order of the file.
type Problems []Problem

func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, one := range p {
		lines[i] = one.String()
	}
	return strings.Join(lines, "\n")
}

func (p Problems) sort() {
	slices.SortStableFunc(p, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col))
	})
}

// Options are what a topology is checked against, and what the command line
// says over the file's head.
type Options struct {
	Modes []modes.Description // the built-in ones

	// Exhibits are modes that can be named as well, and are suggested to nobody.
	Exhibits []modes.Description

	// Check says what only a built-in mode itself knows of its options and of
	// how many replicas it is good for; nil: nothing is known. It joins several
	// errors, a modes.OptionError for each that is about one option.
	Check func(mode string, options []modes.Option, replicas int) (warning string, err error)

	Mode     string // if any: instead of the file's; that one's options then do not hold
	Replicas int    // if above 0: instead of the file's number

	// ModeOptions hold over those of the same name in the file.
	ModeOptions []modes.Option

	// CheckPlugins wants each plugin's file to be there, and to have its sum.
	CheckPlugins bool
}

// fileSizeMax bounds a topology file: a list of a thousand replicas takes a
// tenth of it.
const fileSizeMax = 1 << 20

// Load reads and checks the file at path. An error about what it says is of
// type Problems.
func Load(path string, o Options) (*Topology, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read topology: %w", err)
	}
	if info.Size() > fileSizeMax {
		return nil, Problems{{File: path, Message: fmt.Sprintf("%d bytes, the limit is %d", info.Size(), fileSizeMax)}}
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read topology: %w", err)
	}
	return Parse(path, data, o)
}

// Parse checks data as if it had been read from path; no file is touched but
// for the plugins, with Options.CheckPlugins. An error about what it says is of
// type Problems.
func Parse(path string, data []byte, o Options) (*Topology, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("read topology: %w", err)
	}
	p := parser{path: path, options: o, topology: &Topology{Path: abs, Restart: DefaultRestart}}
	p.parse(data)
	if len(p.problems) > 0 {
		p.problems.sort()
		return nil, p.problems
	}
	p.warnings.sort()
	p.topology.Warnings = p.warnings
	return p.topology, nil
}
