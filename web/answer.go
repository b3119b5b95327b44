package web

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"consequor/replicad/api"
)

// lineOf tells where an answer is from, and what it is worth:
//
//	r2 · quorum · epoch 4 · behind by 0 · regular · asked r1, r3 · without r3
func lineOf(a *api.Answer) string {
	if a == nil {
		return ""
	}
	parts := []string{a.Replica, a.Mode, fmt.Sprintf("epoch %d", a.Epoch), fmt.Sprintf("behind by %d", max(a.Known, a.Applied)-a.Applied)}
	if a.Guarantee != "" {
		parts = append(parts, a.Guarantee)
	}
	if len(a.Asked) > 0 {
		parts = append(parts, "asked "+strings.Join(a.Asked, ", "))
	}
	if len(a.Missed) > 0 {
		parts = append(parts, "without "+strings.Join(a.Missed, ", "))
	}
	return strings.Join(parts, " · ")
}

// trouble is an answer that did not come, in words.
type trouble struct {
	Code  int
	Title string
	Text  string
	Hint  string // the next thing to do
}

// statusOf are the HTTP statuses of kinds; all others are 503: try again.
var statusOf = map[string]int{
	api.KindInvalid:       http.StatusUnprocessableEntity,
	api.KindNotFound:      http.StatusNotFound,
	api.KindNoSuchReplica: http.StatusNotFound,
	api.KindInternal:      http.StatusInternalServerError,
	api.KindDeadline:      http.StatusGatewayTimeout,
}

// describe says what an error of ask means for a reader.
func describe(err error) *trouble {
	var e *api.Error
	if !errors.As(err, &e) {
		return &trouble{http.StatusServiceUnavailable, "The cluster does not answer", err.Error(), "See whether it is up: consequorctl status. Then load this page again."}
	}
	t := &trouble{Code: cmp.Or(statusOf[e.Kind], http.StatusServiceUnavailable), Title: "Refused", Text: e.Message, Hint: e.Hint}
	switch e.Kind {
	case api.KindNotFound:
		t.Title = "No such article"
		t.Hint = "Another replica may have it already; sync brings this one up to date."
	case api.KindBehind:
		t.Title = "This replica has not yet what you have seen"
		t.Hint = "It shows nothing rather than an older board. Wait and load the page again, or choose another replica."
	case api.KindNotConnected, api.KindUnreachable, api.KindConnection, api.KindDeadline:
		t.Title = "No answer"
		t.Hint = "Load the page again, or choose another replica."
	case api.KindNoMajority, api.KindNoQuorum, api.KindNoCoordinator:
		t.Title = "Too few replicas are there"
	}
	t.Hint = cmp.Or(t.Hint, "Load the page again.")
	return t
}

// describeWrite says what an error means for who has posted.
func describeWrite(err error, doubt bool) *trouble {
	t := describe(err)
	var e *api.Error
	if errors.As(err, &e) && e.Outcome == api.Unknown || doubt {
		t.Title = "Unknown: it may have been posted"
		t.Hint = "Send it again: it goes on with the same key, and is never posted twice."
		return t
	}
	t.Title = "Refused: it was surely not posted"
	switch {
	case e != nil && e.Kind == api.KindInvalid:
		t.Hint = "Change it and send it again."
	case e != nil && e.Kind == api.KindNotFound:
		t.Hint = "The article that it answers is not on this replica's board yet; sync brings it up to date. Then send it again."
	default:
		t.Hint = cmp.Or(hintOf(e), "Your words are still here: send them again, or choose another replica first.")
	}
	return t
}

func hintOf(e *api.Error) string {
	if e == nil {
		return ""
	}
	return e.Hint
}

func unreadable(err error) *trouble {
	t := &trouble{http.StatusBadRequest, "The form could not be read", err.Error(), "Go back and send it again."}
	var size *http.MaxBytesError
	if errors.As(err, &size) {
		t.Code, t.Title = http.StatusRequestEntityTooLarge, "Too long: it was not posted"
		t.Text = fmt.Sprintf("A form may have %d KiB.", size.Limit>>10)
		t.Hint = "Go back and shorten it: an article's body has 64 KiB at most."
	}
	return t
}
