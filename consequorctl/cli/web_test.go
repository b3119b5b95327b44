package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// The key of web sessions is made once, whoever comes first, and kept from
// others; half a key is made anew.
func TestWebKeyIsKept(t *testing.T) {
	root := t.TempDir()
	t.Setenv("CONSEQUOR_HOME", root)
	keys := make([][]byte, 8)
	var all sync.WaitGroup
	for i := range keys {
		all.Go(func() {
			var err error
			if keys[i], err = webKey(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for _, key := range keys {
		if len(key) != webKeySize || !bytes.Equal(key, keys[0]) {
			t.Errorf("keys %x and %x", keys[0], key)
		}
	}
	path := filepath.Join(root, webKeyName)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if err := os.WriteFile(path, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if key, err := webKey(); err != nil || len(key) != webKeySize {
		t.Errorf("after half a key: %x, %v", key, err)
	}
}
