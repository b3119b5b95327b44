package supervisor

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"consequor/modes"
	"consequor/supervisor/modechange"
	"consequor/topologies"
)

// stateVersion is written into each state file. A file of a later version is
// refused rather than misread.
const stateVersion = 1

// state is what must survive the supervisor: what the data was made with, and
// which processes were ever told to take part.
type state struct {
	Version   int                  `json:"version"`
	Cluster   string               `json:"cluster"`
	ClusterID string               `json:"cluster_id"`
	Seed      uint64               `json:"seed"`
	Epoch     uint64               `json:"epoch"`
	ModeEpoch uint64               `json:"mode_epoch"` // that Mode began with
	Changing  bool                 `json:"changing"`   // some replica may have been sealed in Epoch
	Mode      topologies.Mode      `json:"mode"`       // that runs
	Declared  topologies.Mode      `json:"declared"`   // that the topology named when it was last brought up
	Topology  string               `json:"topology"`
	Replicas  []topologies.Replica `json:"replicas"`
	Web       string               `json:"web,omitempty"` // host:port that was chosen for the web client
	Served    map[string]bool      `json:"served"`        // by process
}

const stateName = "state.json"

// newState is the state of a cluster that is about to be made.
func newState(t *topologies.Topology) *state {
	var random [16]byte
	rand.Read(random[:]) // never fails
	return &state{
		Version:   stateVersion,
		Cluster:   t.Name,
		ClusterID: hex.EncodeToString(random[:8]),
		Seed:      binary.LittleEndian.Uint64(random[8:])>>11 | 1, // exact in any JSON reader, and good for a topology
		Epoch:     1,
		ModeEpoch: 1,
		Mode:      t.Mode,
		Declared:  t.Mode,
		Topology:  t.Path,
		Served:    make(map[string]bool),
	}
}

// readState returns the state kept in the folder base, or nil when there is
// none yet.
func readState(base string) (*state, error) {
	path := filepath.Join(base, stateName)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the cluster's state: %w", err)
	}
	s := new(state)
	if err := json.Unmarshal(data, s); err != nil {
		return nil, fmt.Errorf("read the cluster's state in %s: %w", path, err)
	}
	if s.Version != stateVersion {
		return nil, fmt.Errorf("the cluster's state in %s is of version %d; this program knows version %d", path, s.Version, stateVersion)
	}
	if s.Served == nil {
		s.Served = make(map[string]bool)
	}
	if s.ModeEpoch == 0 { // written before modes could be changed
		s.ModeEpoch, s.Declared = s.Epoch, s.Mode
	}
	return s, nil
}

func (s *state) save(base string) error {
	data, err := json.MarshalIndent(s, "", "\t")
	if err != nil {
		return fmt.Errorf("encode the cluster's state: %w", err)
	}
	return writeFile(filepath.Join(base, stateName), append(data, '\n'))
}

// check refuses a topology that is not the one the data was made with.
// Addresses may differ, and so may a plugin's file: a new build of a mode is
// still that mode. After a mode change the topology may still name the mode of
// before, or already the one that runs; a mode that was asked for by name, with
// --mode, must be the one that runs.
func (s *state) check(t *topologies.Topology, asked bool) error {
	var differ []string
	mode := s.runs(t.Mode, asked) || !asked && sameMode(t.Mode, s.Declared)
	if !mode {
		source, made := "the topology", "made with"
		if asked {
			source = "--mode"
		}
		if !sameMode(s.Mode, s.Declared) {
			made = "changed to"
		}
		differ = append(differ, fmt.Sprintf("mode: %s says %s, it was %s %s", source, describeMode(t.Mode), made, describeMode(s.Mode)))
	}
	replicas := describeReplicas(t.Replicas) == describeReplicas(s.Replicas)
	if !replicas {
		differ = append(differ, fmt.Sprintf("replicas: %s, made with %s", describeReplicas(t.Replicas), describeReplicas(s.Replicas)))
	}
	e := &Error{Kind: KindDiffers, Message: "cluster " + s.Cluster + " has data that was made otherwise: " + strings.Join(differ, "; ")}
	switch {
	case mode && replicas:
		return nil
	case replicas:
		e.Hint = fmt.Sprintf("bring it up with --mode %s, then: consequorctl mode swap %s", s.Mode.Name, t.Mode.Name)
		for _, o := range t.Mode.Options {
			e.Hint += fmt.Sprintf(" --option %s=%s", o.Name, o.Value)
		}
		if len(s.Served) == 0 { // perhaps because that mode cannot run here
			e.Hint = "it has never served: remove the data with: consequorctl down --cluster " + s.Cluster + " --wipe"
		}
	default:
		e.Hint = "use the topology it was made with (" + s.Topology + "), give this one another name, " +
			"or remove the data: consequorctl down --cluster " + s.Cluster + " --wipe"
	}
	return e
}

// runs reports whether m is the mode that runs; when it was asked for by name,
// the name is enough.
func (s *state) runs(m topologies.Mode, asked bool) bool {
	return sameMode(m, s.Mode) || asked && m.Name == s.Mode.Name && len(m.Options) == 0
}

func sameMode(a, b topologies.Mode) bool { return describeMode(a) == describeMode(b) }

// adopt takes over what t may say otherwise than before. A plugin that runs is
// the build that t names now.
func (s *state) adopt(t *topologies.Topology) {
	s.Topology = t.Path
	if t.Seed != 0 {
		s.Seed = t.Seed
	}
	if sameMode(t.Mode, s.Mode) {
		s.Mode, s.Declared = t.Mode, t.Mode
		return
	}
	for _, m := range t.Modes {
		if m.Name == s.Mode.Name {
			s.Mode.Plugin, s.Mode.SHA256 = m.Plugin, m.SHA256
		}
	}
}

func describeMode(m topologies.Mode) string {
	text := m.Name
	for _, o := range m.Options {
		text += " " + o.Name + "=" + o.Value
	}
	if m.Unsafe && !slices.ContainsFunc(m.Options, func(o modes.Option) bool { return o.Name == "unsafe" }) {
		text += " unsafe"
	}
	return text
}

func describeReplicas(replicas []topologies.Replica) string {
	names := make([]string, len(replicas))
	for i, r := range replicas {
		names[i] = r.Name
	}
	return fmt.Sprintf("%d (%s)", len(names), strings.Join(names, ", "))
}

// record is what a mode change must know of the state.
func (s *state) record() modechange.Record {
	return modechange.Record{Epoch: s.Epoch, ModeEpoch: s.ModeEpoch, Changing: s.Changing}
}

func (s *state) setRecord(r modechange.Record) {
	s.Epoch, s.ModeEpoch, s.Changing = r.Epoch, r.ModeEpoch, r.Changing
}

// replicas lists the names of the replicas, in their order.
func (s *state) replicas() []string {
	var names []string
	for _, r := range s.Replicas {
		names = append(names, r.Name)
	}
	return names
}

// processes lists the names of the processes, in the order of their first
// replicas.
func (s *state) processes() []string {
	var names []string
	for _, r := range s.Replicas {
		if !slices.Contains(names, r.Process) {
			names = append(names, r.Process)
		}
	}
	return names
}

// writeFile puts data at path so that after a crash of the machine either the
// old content or all of the new one is there.
func writeFile(path string, data []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".tmp-*") // 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	_, err = f.Write(data)
	err = errors.Join(err, f.Sync())
	err = errors.Join(err, f.Close())
	if err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
