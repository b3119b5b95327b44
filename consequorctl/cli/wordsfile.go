package cli

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"rsc.io/script"
)

// Words for scripts that bring a mode of their own: its plugin is named by its
// sum, which only the script can know, and needs what not every machine has.

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

// skip ends a script that cannot be played here, which is no failure; why is
// said outside of its log too.
func (p *player) skip() script.Cmd {
	stop := script.Stop()
	return script.Command(script.CmdUsage{Args: "WHY", Summary: "end the script here: it lacks something"}, func(s *script.State, args ...string) (script.WaitFunc, error) {
		if len(args) != 1 {
			return nil, errWords
		}
		p.console.Note("skipped: %s", args[0])
		return stop.Run(s, args...)
	})
}

// conditions are what a script can ask for in brackets beyond what every script
// can: [exec:node] holds where there is a program of that name.
func conditions() map[string]script.Cond {
	conds := script.DefaultConds()
	conds["exec"] = script.PrefixCondition("there is a program of this name in $PATH", func(s *script.State, name string) (bool, error) {
		path, _ := s.LookupEnv("PATH")
		for _, dir := range filepath.SplitList(path) {
			if info, err := os.Stat(filepath.Join(dir, name)); err == nil && !info.IsDir() && info.Mode()&0o111 != 0 {
				return true, nil
			}
		}
		return false, nil
	})
	return conds
}
