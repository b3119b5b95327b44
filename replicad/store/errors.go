package store

import (
	"errors"
	"fmt"
)

// ErrLost is returned by Open when there is no data where its caller knows
// that there was some.
var ErrLost = errors.New("its data is gone: it has served before, and without its past it could break promises that it made")

// ErrOtherCluster is returned by Open for data of another cluster.
var ErrOtherCluster = errors.New("this data belongs to another cluster")

// ErrClosed is what waits end with when the store is closed.
var ErrClosed = errors.New("the store is closed")

// CorruptError says that data which was safely on disk once is damaged. It
// never heals by itself: quarantine the process, do not restart it in a loop.
type CorruptError struct {
	Path   string
	Offset int64 // in the file, or -1
	Why    string
}

func (e *CorruptError) Error() string {
	if e.Offset < 0 {
		return fmt.Sprintf("%s is damaged: %s", e.Path, e.Why)
	}
	return fmt.Sprintf("%s is damaged at byte %d: %s", e.Path, e.Offset, e.Why)
}
