package api

import (
	"context"
	"fmt"
	"time"

	"consequor/board"
)

// Verb is one of the five requests, as clients name them.
type Verb string

// The five requests.
const (
	Read   Verb = "read"
	Post   Verb = "post"
	Choose Verb = "choose"
	Reply  Verb = "reply"
	Sync   Verb = "sync"
)

// Writes reports whether the verb adds an article.
func (v Verb) Writes() bool { return v == Post || v == Reply }

// Request is what a client asks of one replica.
type Request struct {
	Verb    Verb
	Replica string // name; empty: the first one that the process hosts
	Author  string
	Title   string
	Body    string
	Target  board.ArticleID // reply: the parent; choose: the article
	Key     string          // post, reply: makes a retry safe; empty: no protection
	Token   board.Token     // of the session; zero: none

	// Read only.
	All   bool   // replies too
	After string // a Cursor: an article id, or the Next of the page before
	Since string // a token: only what lies beyond it, replies too
	Count int    // at most so many; 0: the default

	Fresh bool // read, choose: not behind any post that was acknowledged before
	Raw   bool // read: this board as it is, without the mode and its promise: no session is waited for
}

// Answer is what the replica says. Which fields are set depends on the verb.
//
// The token of a read is what its listing shows: this page, those before it
// and those that Next leads to. So the listing's end and a read since that
// token fit together. A read that is itself since a token is read on by its
// token, page by page: of a page that ends early it is what has been shown so
// far.
type Answer struct {
	Replica   string // who served it
	Mode      string
	Epoch     uint64
	Token     board.Token // of this answer alone; the client joins it to its session's (see below)
	Guarantee string      // which promise the answer met
	Applied   uint64      // articles or log entries on this board
	Known     uint64      // those it knows to exist; Known - Applied is how far behind it may be
	Asked     []string    // replicas
	Missed    []string    // whose boards were wanted, but did not come
	Reached   []string    // sync

	ID     board.ArticleID // post, reply
	Key    string          // post, reply: as sent
	Copies int             // post, reply: on how many disks it is known to be

	Articles []board.Entry // read: the page; choose: the replies
	Next     string        // read, choose: a Cursor, where the next page goes on; empty at the end
	Article  board.Entry   // choose
	Parent   *board.Entry  // choose: nil for a root
	Count    int           // sync: articles that it brought here
}

// Status is one replica's view of itself and its cluster.
type Status struct {
	Name           string    `json:"name"`
	Step           Step      `json:"step"`
	Mode           string    `json:"mode"`
	Epoch          uint64    `json:"epoch"`
	Role           string    `json:"role"`
	Term           uint64    `json:"term"`
	Coordinator    string    `json:"coordinator,omitempty"` // none known when empty
	Backup         string    `json:"backup,omitempty"`
	Articles       uint64    `json:"articles"`
	Vector         string    `json:"vector"`
	Behind         uint64    `json:"behind"`
	Waiting        string    `json:"waiting,omitempty"`
	DiskFull       bool      `json:"disk_full,omitempty"` // it refuses posts until there is room
	PluginPID      int       `json:"plugin_pid,omitempty"`
	PluginRestarts int       `json:"plugin_restarts"`
	PluginEnded    string    `json:"plugin_ended,omitempty"` // why the plugin before the present one ended, for people
	ModeSHA256     string    `json:"mode_sha256,omitempty"`
	Fault          string    `json:"fault,omitempty"` // why it failed, for people
	Since          time.Time `json:"since"`           // of the last change
	Peers          int       `json:"peers"`           // processes that this one is connected to
	Faults         uint64    `json:"faults"`          // number of the table of link faults that is in force here
	Change         Change    `json:"change,omitzero"` // how far a mode change has come here
}

// WaitsFor is what a replica waits for in all, for people.
func (s *Status) WaitsFor() string {
	switch {
	case !s.DiskFull:
		return s.Waiting
	case s.Waiting == "":
		return "room on its full disk; until then it refuses posts"
	}
	return "room on its full disk, and " + s.Waiting
}

// Change is how far a replica has come with the mode change that its
// supervisor has under way. Vectors are texts, "-" for an empty board; an empty
// text means: not yet.
type Change struct {
	Attempt  uint64 `json:"attempt"`            // the change that this speaks of
	Prepared bool   `json:"prepared,omitempty"` // the new mode's plugin runs and has passed its rehearsal
	SHA256   string `json:"sha256,omitempty"`   // of that plugin's binary
	Error    string `json:"error,omitempty"`    // why it could not be prepared, for people
	Sealed   string `json:"sealed,omitempty"`   // the board when the old mode said Sealed, durable
	Merged   string `json:"merged,omitempty"`   // the board when it first held the target, durable
}

// Step is how far a replica has come since it was started.
type Step string

// The steps of a replica's start, and its end.
const (
	Starting Step = "starting"  // process runs
	Started  Step = "started"   // disk open, mode running, listeners bound
	Joined   Step = "joined"    // its mode has reached the peers it needs
	CaughtUp Step = "caught_up" // it serves
	Failed   Step = "failed"    // it will not serve again without help; Fault says why
)

// Service is what a replicad process offers to clients.
type Service interface {
	// Do carries out r before the context's deadline, which it always has.
	// It returns when the context ends. An error is an *Error.
	Do(ctx context.Context, r Request) (*Answer, error)
	// Status tells how each hosted replica is.
	Status(ctx context.Context) ([]Status, error)
}

// Outcome tells what an error means for the request.
type Outcome string

// Outcomes of a request that did not end well.
const (
	Refused Outcome = "refused" // surely not done
	Unknown Outcome = "unknown" // may have been done: retry with the same key
)

// Error is a request's bad end. Kinds are fixed and only ever added to.
type Error struct {
	Outcome Outcome
	Kind    string // for machines: "not_found", "no_majority", ...
	Message string // for people: what was being done to what, and what went wrong
	Hint    string // the next thing to do; may be empty
	Key     string // post, reply: what the client sent it with, for a retry; set by the Go client only
}

func (e *Error) Error() string { return fmt.Sprintf("%s: %s", e.Outcome, e.Message) }
