package store

import (
	"fmt"
	"io"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// The file VERSION says what the folder is:
//
//	consequor store 1
//	journal 5be0cd19137e2179
//	cluster CLUSTER-ID
const (
	versionName   = "VERSION"
	versionFormat = "consequor store 1\njournal %016x\ncluster %q\n"
)

type version struct {
	journal uint64 // random; seeds the journal's checksums
	cluster string
}

func (v version) String() string { return fmt.Sprintf(versionFormat, v.journal, v.cluster) }

func readVersion(fs vfs.FS, path string) (v version, err error) {
	text, err := readFile(fs, path)
	if err != nil {
		return v, err
	}
	if _, err := fmt.Sscanf(string(text), versionFormat, &v.journal, &v.cluster); err != nil || v.String() != string(text) {
		return v, &CorruptError{path, -1, "not the version file of a store that this program can read"}
	}
	return v, nil
}

// writeVersion writes the file beside its place and then moves it there, so
// that it is there whole or not at all.
func writeVersion(fs vfs.FS, dir string, v version) error {
	path := fs.PathJoin(dir, versionName)
	f, err := fs.Create(path+".new", writeCategory)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(f, v.String()); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := fs.Rename(path+".new", path); err != nil {
		return err
	}
	for _, folder := range []string{dir, fs.PathDir(dir)} {
		if err := syncDir(fs, folder); err != nil {
			return err
		}
	}
	return nil
}

func syncDir(fs vfs.FS, dir string) error {
	f, err := fs.OpenDir(dir)
	if err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return f.Close()
}
