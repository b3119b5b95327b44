package store

import (
	"fmt"
	"log/slog"
	"strings"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// What Pebble may take: modest, since one machine runs many processes.
const (
	cacheSize    = 8 << 20  // blocks of tables
	memTableSize = 16 << 20 // grows to it; then a new one begins and this is flushed
	memTablesMax = 4        // while flushes wait, as on a full disk; beyond, Put waits too
	filesMax     = 128      // open tables
)

func (s *Store) openBoard(o *Options) error {
	options := &pebble.Options{
		FS:                          &journalFirst{&patient{o.FS, s.journal.room}, s.journal},
		FormatMajorVersion:          pebble.FormatNewest,
		DisableWAL:                  true,
		CacheSize:                   cacheSize,
		MemTableSize:                memTableSize,
		MemTableStopWritesThreshold: memTablesMax,
		MaxOpenFiles:                filesMax,
		CompactionConcurrencyRange:  func() (int, int) { return 1, 1 },
		Logger:                      pebbleLogger{o.Logger, s.boardError},
		EventListener: &pebble.EventListener{
			BackgroundError: func(err error) { s.boardError(fmt.Errorf("board: %w", err)) },
		},
	}
	options.Experimental.FileCacheShards = 1
	options.Experimental.ReadSamplingMultiplier = -1 // reads start no compactions
	db, err := pebble.Open(s.boardDir(), options)
	if err != nil {
		return fmt.Errorf("board in %s: %w", s.boardDir(), err)
	}
	s.db = db
	return nil
}

// journalFirst keeps the order that a crash must find: no table of Pebble's is
// written before the journal is on disk up to what the table may hold. Else an
// article could outlive records that were saved before it.
type journalFirst struct {
	vfs.FS
	journal *journal
}

func (fs *journalFirst) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	if strings.HasSuffix(name, ".sst") || strings.HasSuffix(name, ".blob") {
		if err := fs.journal.waitDurable(); err != nil {
			return nil, err
		}
	}
	return fs.FS.Create(name, category)
}

// pebbleLogger sends what Pebble has to say to the debug log.
type pebbleLogger struct {
	log   *slog.Logger
	fatal func(error)
}

func (l pebbleLogger) Infof(format string, args ...any) {
	l.log.Debug(fmt.Sprintf("pebble: "+format, args...))
}

func (l pebbleLogger) Errorf(format string, args ...any) {
	l.log.Warn(fmt.Sprintf("pebble: "+format, args...))
}

func (l pebbleLogger) Fatalf(format string, args ...any) {
	l.fatal(fmt.Errorf("board: "+format, args...))
}
