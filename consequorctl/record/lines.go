package record

import (
	"time"

	"consequor/board"
	"consequor/replicad/api"
	"consequor/sim/history"
	"consequor/supervisor"
)

// The lines of record.jsonl. All times but those of Began are Now's.

// fileName is the record's, in a cluster's folder.
const fileName = "record.jsonl"

// version is raised when an older reader would misread.
const version = 1

// line is one line; one of its fields is set.
type line struct {
	Record *Header `json:"record,omitempty"` // the first
	Before *before `json:"before,omitempty"` // the second: or the recording has not begun
	Called *called `json:"called,omitempty"`
	Tried  *tried  `json:"tried,omitempty"`
	Ended  *ended  `json:"ended,omitempty"`
}

// Header says what is recorded.
type Header struct {
	Version  int           `json:"version"`
	Cluster  string        `json:"cluster"`
	File     string        `json:"file"`  // where the history goes
	Began    time.Time     `json:"began"` // by the wall's clock
	At       time.Duration `json:"at"`    // the same moment, by Now
	Mode     string        `json:"mode"`
	Unsafe   bool          `json:"unsafe,omitempty"` // the mode's options break its promise
	Epoch    uint64        `json:"epoch"`
	Replicas []string      `json:"replicas"`
	Event    uint64        `json:"event"` // the supervisor's last one
	PID      int           `json:"pid"`   // of the supervisor

	// How it was when it began.
	Coordinator string                 `json:"coordinator,omitempty"`
	Term        uint64                 `json:"term,omitempty"` // of that
	Faults      []supervisor.LinkFault `json:"faults,omitempty"`
}

// before is what the boards held when the recording had begun.
type before struct {
	Vector string `json:"vector"`
}

// called is written before an operation is sent.
type called struct {
	Op      string        `json:"op"` // unlike all others
	Session string        `json:"session,omitempty"`
	Verb    history.Verb  `json:"verb"`
	Fresh   bool          `json:"fresh,omitempty"`
	At      time.Duration `json:"at"`
	Key     string        `json:"key,omitempty"`
	Parent  string        `json:"parent,omitempty"`
	Target  string        `json:"target,omitempty"`
	Content history.Sum   `json:"content,omitempty,string"`
	After   string        `json:"after,omitempty"` // where a list goes on
	Replica string        `json:"replica,omitempty"`
}

// tried is written before an operation is sent once more.
type tried struct {
	Op      string        `json:"op"`
	At      time.Duration `json:"at"`
	Key     string        `json:"key,omitempty"`
	Replica string        `json:"replica"`
}

// ended is written when a client has its answer, or knows that there is none.
type ended struct {
	Op      string          `json:"op"`
	At      time.Duration   `json:"at"`
	Outcome history.Outcome `json:"outcome"`
	Kind    string          `json:"kind,omitempty"`
	Why     string          `json:"why,omitempty"`
	Replica string          `json:"replica,omitempty"`
	Epoch   uint64          `json:"epoch,omitempty"`
	Mode    string          `json:"mode,omitempty"`
	ID      string          `json:"id,omitempty"`
	View    *history.View   `json:"view,omitempty"`
	Seen    string          `json:"seen,omitempty"` // sync: the board that it has led to
	Next    string          `json:"next,omitempty"` // where the list goes on
	Tries   []try           `json:"tries,omitempty"`
}

type try struct {
	Replica string          `json:"replica"`
	Call    time.Duration   `json:"call"`
	Return  time.Duration   `json:"return"`
	Outcome history.Outcome `json:"outcome"`
	Text    string          `json:"text,omitempty"`
}

// idText is an id, and nothing for none.
func idText(id board.ArticleID) string {
	if id.IsZero() {
		return ""
	}
	return id.String()
}

// outcomeOf says how a try or a request ended; of what is not of the client
// API's nobody knows.
func outcomeOf(failure *api.Error) history.Outcome {
	switch {
	case failure == nil:
		return history.OK
	case failure.Outcome == api.Refused:
		return history.Refused
	}
	return history.Unknown
}
