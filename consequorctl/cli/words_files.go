package cli

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strconv"

	"rsc.io/script"
)

// Words for files. A script that brings a mode of its own names its plugin by
// its sum, which only the script can know.

const fillSizeMax = 64 << 20

func sum(s *script.State, args []string) (string, string, error) {
	if len(args) != 2 {
		return "", "", errWords
	}
	data, err := os.ReadFile(s.Path(args[1]))
	if err != nil {
		return "", "", err
	}
	hash := sha256.Sum256(data)
	return "", "", s.Setenv(args[0], hex.EncodeToString(hash[:]))
}

func expand(s *script.State, args []string) (string, string, error) {
	if len(args) != 1 {
		return "", "", errWords
	}
	var missing error
	err := rewrite(s.Path(args[0]), func(data []byte) []byte {
		return []byte(os.Expand(string(data), func(name string) string {
			value, set := s.LookupEnv(name)
			if !set {
				missing = errors.Join(missing, fmt.Errorf("%s: $%s is not set", args[0], name))
			}
			return value
		}))
	})
	return "", "", errors.Join(err, missing)
}

func flip(s *script.State, args []string) (string, string, error) {
	if len(args) != 1 {
		return "", "", errWords
	}
	return "", "", rewrite(s.Path(args[0]), func(data []byte) []byte {
		if len(data) > 0 {
			data[len(data)/2] ^= 1
		}
		return data
	})
}

// rewrite gives a file other content. The file is a new one then: a program that
// runs cannot be written to.
func rewrite(path string, change func([]byte) []byte) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := os.Remove(path); err != nil {
		return err
	}
	return os.WriteFile(path, change(data), info.Mode().Perm())
}

func (p *player) setStdin(s *script.State, args []string) (string, string, error) {
	if len(args) != 1 {
		return "", "", errWords
	}
	data, err := os.ReadFile(s.Path(args[0]))
	p.stdin = data
	return "", "", err
}

func equal(_ *script.State, args []string) (string, string, error) {
	if len(args) != 2 {
		return "", "", errWords
	}
	if args[0] != args[1] {
		return "", "", &mismatch{want: args[0], got: args[1]}
	}
	return "", "", nil
}

func fill(s *script.State, args []string) (string, string, error) {
	if len(args) != 2 {
		return "", "", errWords
	}
	size, err := strconv.Atoi(args[1])
	if err != nil || size < 0 || size > fillSizeMax {
		return "", "", fmt.Errorf("size %q: want 0 to %d", args[1], fillSizeMax)
	}
	return "", "", os.WriteFile(s.Path(args[0]), bytes.Repeat([]byte{'x'}, size), 0o600)
}

func barren(s *script.State, args []string) (string, string, error) {
	if len(args) != 1 {
		return "", "", errWords
	}
	entries, err := os.ReadDir(s.Path(args[0]))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", "", err
	}
	if len(entries) > 0 {
		return "", "", fmt.Errorf("%s holds %s and %d more", args[0], entries[0].Name(), len(entries)-1)
	}
	return "", "", nil
}
