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
	Mode      topologies.Mode      `json:"mode"`
	Topology  string               `json:"topology"`
	Replicas  []topologies.Replica `json:"replicas"`
	Served    map[string]bool      `json:"served"` // by process
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
		Seed:      binary.LittleEndian.Uint64(random[8:]),
		Epoch:     1,
		Mode:      t.Mode,
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
// still that mode.
func (s *state) check(t *topologies.Topology) error {
	var differ []string
	add := func(what, now, made string) {
		if now != made {
			differ = append(differ, fmt.Sprintf("%s: %s, made with %s", what, now, made))
		}
	}
	add("mode", describeMode(t.Mode), describeMode(s.Mode))
	add("replicas", describeReplicas(t.Replicas), describeReplicas(s.Replicas))
	if len(differ) == 0 {
		return nil
	}
	return &Error{
		Kind:    KindDiffers,
		Message: "cluster " + s.Cluster + " has data that was made otherwise: " + strings.Join(differ, "; "),
		Hint: "use the topology it was made with (" + s.Topology + "), give this one another name, " +
			"or remove the data: consequorctl down --cluster " + s.Cluster + " --wipe",
	}
}

func describeMode(m topologies.Mode) string {
	text := m.Name
	for _, o := range m.Options {
		text += " " + o.Name + "=" + o.Value
	}
	if m.Unsafe {
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
