package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"golang.org/x/tools/txtar"
)

// play is one performance of a script: what its lines share with those of its
// sections.
type play struct {
	path    string         // of the script file, as it was named
	archive *txtar.Archive // nil: there is no file
	work    string         // the folder that the sections were written to
	cluster string         // the running one that it is played on; empty: it starts its own
	update  bool           // cmp puts what it finds into the archive

	mu      sync.Mutex
	updated []string // sections that are other than they were
	skipped string   // why the script ended early; empty: it did not
	load    *load    // nil: none runs
	records records
}

// forbids says why a command must not be given in this play; empty: it may be.
func (p *play) forbids(command string) string {
	if p.cluster != "" && (command == "up" || command == "down") {
		return fmt.Sprintf("consequorctl: refused: the script plays on cluster %s, which it did not start\nhint: run it without --cluster, and it starts its own\n", p.cluster)
	}
	return ""
}

// section finds a section of the script file, and its place; -1: there is none.
func (p *play) section(name string) (data []byte, at int) {
	if p.archive != nil {
		for i, f := range p.archive.Files {
			if f.Name == name {
				return f.Data, i
			}
		}
	}
	return nil, -1
}

func (p *play) sectionNames() []string {
	var names []string
	if p.archive != nil {
		for _, f := range p.archive.Files {
			names = append(names, f.Name)
		}
	}
	return names
}

func (p *play) skip(why string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.skipped = why
}

// keepLoad remembers the load that runs, unless one does already.
func (p *play) keepLoad(l *load) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.load != nil {
		return false
	}
	p.load = l
	return true
}

func (p *play) takeLoad() *load {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.load
	p.load = nil
	return l
}

// end ends what the play still has in the background. That is judged if all
// went well so far: else there is a failure to be told already.
func (p *play) end(ctx context.Context, wentWell bool) error {
	var loadErr error
	if left := p.takeLoad(); left != nil {
		if _, err := left.end(ctx, wentWell); err != nil {
			loadErr = fmt.Errorf("%s: the load that was not stopped: %w", p.path, err)
		}
	}
	recordErr := p.endRecords(context.WithoutCancel(ctx), "")
	if recordErr != nil {
		recordErr = fmt.Errorf("%s: %w", p.path, recordErr)
	}
	if wentWell && p.skipped == "" {
		recordErr = errors.Join(recordErr, p.nothingRecorded())
	}
	return errors.Join(loadErr, recordErr)
}

// expect makes text what the section stands for that was written to path.
func (p *play) expect(path, text string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := slices.IndexFunc(p.archive.Files, func(f txtar.File) bool { return filepath.Join(p.work, f.Name) == path })
	if at < 0 {
		return fmt.Errorf("--update: %s is no section of %s", path, p.path)
	}
	name := p.archive.Files[at].Name
	again := txtar.Parse(txtar.Format(&txtar.Archive{Files: []txtar.File{{Name: name, Data: []byte(text)}}}))
	if len(again.Files) != 1 || !bytes.Equal(again.Files[0].Data, []byte(text)) {
		return fmt.Errorf("--update: section %s cannot hold this text: it has no end of line, or a line that begins a section", name)
	}
	p.archive.Files[at].Data = []byte(text)
	p.updated = append(p.updated, name)
	return os.WriteFile(path, []byte(text), 0o666)
}

// save writes the script file if sections are other than they were.
func (p *play) save(path string) error {
	if len(p.updated) == 0 {
		return nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("--update: %w", err)
	}
	fresh := path + ".new"
	if err := os.WriteFile(fresh, txtar.Format(p.archive), info.Mode().Perm()); err != nil {
		return fmt.Errorf("--update: %w", err)
	}
	return os.Rename(fresh, path)
}
