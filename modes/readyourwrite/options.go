package readyourwrite

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"consequor/modes"
)

// What the options are when nothing else is said.
const (
	askTimeoutDefault = 300 * time.Millisecond
	askTimeoutMax     = time.Minute
	totalMax          = 16 // replicas up to which a read asks all of them
)

// Describe says what the mode is, for people.
func Describe() modes.Description {
	return modes.Description{
		Name:    "read-your-write",
		Version: "1",
		Promise: "A session finds its own posts and all it has read at every replica, in order, or is told whose part is missing. " +
			"Posts of others arrive when they arrive. A post is acknowledged when it is on one disk, or on as many as the option copies says. There is no coordinator.",
		Survives: "All replicas but one: each takes posts and answers alone. What only a dead replica has comes back with it. A minority that is cut off reads and posts, and the boards join when the cut heals.",
		Options: []modes.OptionDescription{
			{Name: "ask_timeout", Default: askTimeoutDefault.String(), Meaning: "how long a read waits for replicas that do not answer, before it names them as missed"},
			{Name: "copies", Default: "1", Meaning: "on how many disks a post is when it is acknowledged"},
			{Name: "sync_on_read", Default: "total up to 16 replicas, else token", Meaning: "whom a read asks first: total, all connected replicas; token, only those that the session needs"},
		},
	}
}

// settings are what the options say.
type settings struct {
	replicas, copies int
	total            bool // a read asks all connected replicas
	askTimeout       time.Duration
}

// fresh is how many replicas, one of any copies among them, have every
// acknowledged post together.
func (s settings) fresh() int { return s.replicas - s.copies + 1 }

// Check reports what speaks against these options for so many replicas: all of
// it at once, a modes.OptionError each.
func Check(options []modes.Option, replicas int) error {
	_, err := parse(options, replicas)
	return err
}

func parse(options []modes.Option, replicas int) (settings, error) {
	s := settings{replicas: replicas, copies: 1, total: replicas <= totalMax, askTimeout: askTimeoutDefault}
	var errs []error
	for _, o := range options {
		if why := s.set(o); why != "" {
			errs = append(errs, &modes.OptionError{Option: o.Name, Why: why})
		}
	}
	return s, errors.Join(errs...)
}

// set takes one option, or says why not.
func (s *settings) set(o modes.Option) (why string) {
	var err error
	switch o.Name {
	case "ask_timeout":
		s.askTimeout, err = time.ParseDuration(o.Value)
		if err != nil || s.askTimeout <= 0 || s.askTimeout > askTimeoutMax {
			return fmt.Sprintf("want a duration up to %s, as in 300ms, got %q", askTimeoutMax, o.Value)
		}
	case "copies":
		s.copies, err = strconv.Atoi(o.Value)
		if err != nil || s.copies < 1 || s.copies > s.replicas {
			return fmt.Sprintf("want a number of replicas from 1 to %d, got %q", s.replicas, o.Value)
		}
	case "sync_on_read":
		if s.total = o.Value == "total"; !s.total && o.Value != "token" {
			return fmt.Sprintf("want total or token, got %q", o.Value)
		}
	default:
		return "mode read-your-write has no such option"
	}
	return ""
}
