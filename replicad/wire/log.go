package wire

import (
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// complaintPause is how long a complaint of one kind silences the next ones of
// that kind: whoever knocks on a port a thousand times a second must not fill
// the disk with our log.
const complaintPause = time.Second

// complaints logs what went wrong with others, at most once per kind and
// pause, and says how many it has passed over. Kinds are few: they are
// constants and the names of peers.
type complaints struct {
	log *slog.Logger

	mu    sync.Mutex
	kinds map[string]*silence
}

type silence struct {
	until  time.Time
	passed int // over in silence, since the last that was logged
}

func newComplaints(log *slog.Logger) *complaints {
	return &complaints{log: log, kinds: make(map[string]*silence)}
}

func (c *complaints) warn(kind, text string, args ...any) {
	now := time.Now()
	c.mu.Lock()
	s := c.kinds[kind]
	if s == nil {
		s = &silence{}
		c.kinds[kind] = s
	}
	if now.Before(s.until) {
		s.passed++
		c.mu.Unlock()
		return
	}
	passed := s.passed
	s.until, s.passed = now.Add(complaintPause), 0
	c.mu.Unlock()
	if passed > 0 {
		args = append(args, "passed_over", passed)
	}
	c.log.Warn(text, args...)
}

// yamuxLog takes what yamux has to say about a session. All of it is for
// people who debug: what matters to anybody else ends the session, and the
// link says so.
type yamuxLog struct{ log *slog.Logger }

func (y yamuxLog) Print(args ...any)                 { y.debug(fmt.Sprint(args...)) }
func (y yamuxLog) Println(args ...any)               { y.debug(fmt.Sprintln(args...)) }
func (y yamuxLog) Printf(format string, args ...any) { y.debug(fmt.Sprintf(format, args...)) }

func (y yamuxLog) debug(text string) { y.log.Debug(strings.TrimSpace(text)) }
