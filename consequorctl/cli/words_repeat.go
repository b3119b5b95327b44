package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"rsc.io/script"
)

// The words that give a command again and again: eventually and never.

// lookInterval is between two tries of what is awaited.
const lookInterval = 20 * time.Millisecond

// repeated is what eventually and never have in common.
type repeated struct {
	limit   time.Duration
	pattern string
	want    *regexp.Regexp
	command []string
}

func repeatedOf(args []string) (*repeated, error) {
	if len(args) < 3 {
		return nil, errWords
	}
	limit, err := time.ParseDuration(args[0])
	if err != nil {
		return nil, err
	}
	want, err := regexp.Compile("(?m)" + args[1])
	if err != nil {
		return nil, err
	}
	return &repeated{limit, args[1], want, args[2:]}, nil
}

// try is how the command went once.
type try struct {
	stdout, stderr string
	err            error
	matches        bool
}

func (p *player) try(s *script.State, r *repeated, stdin []byte) try {
	p.stdin = stdin
	stdout, stderr, err := p.carryOut(s, r.command)
	return try{stdout, stderr, err, r.want.MatchString(stdout) || r.want.MatchString(stderr)}
}

// got tells of a try.
func (t try) got() string {
	return strings.TrimSpace(fmt.Sprintf("%v\n%s%s", cmp.Or(t.err, errNone), t.stdout, t.stderr))
}

var errNone = errors.New("exit status 0")

func (p *player) eventually(s *script.State, args []string) (string, string, error) {
	r, err := repeatedOf(args)
	if err != nil {
		return "", "", err
	}
	stdin, deadline := p.stdin, time.Now().Add(r.limit)
	for {
		t := p.try(s, r, stdin)
		if t.matches {
			return t.stdout, t.stderr, nil
		}
		if hopeless(t.err) {
			return t.stdout, t.stderr, t.err
		}
		unmet := &mismatch{want: fmt.Sprintf("output that matches %#q within %v", r.pattern, r.limit), got: "at the last try: " + t.got()}
		if time.Now().After(deadline) {
			return t.stdout, t.stderr, unmet
		}
		if unmet.why = pause(s, lookInterval); unmet.why != nil {
			return t.stdout, t.stderr, unmet
		}
	}
}

// never wants the command to go well once at least: what only ever fails shows
// nothing.
func (p *player) never(s *script.State, args []string) (string, string, error) {
	r, err := repeatedOf(args)
	if err != nil {
		return "", "", err
	}
	stdin, deadline, wentWell := p.stdin, time.Now().Add(r.limit), false
	for {
		t := p.try(s, r, stdin)
		wentWell = wentWell || t.err == nil
		switch {
		case t.matches:
			return t.stdout, t.stderr, &mismatch{want: fmt.Sprintf("no output that matches %#q", r.pattern), got: t.got()}
		case hopeless(t.err):
			return t.stdout, t.stderr, t.err
		case time.Now().After(deadline) && !wentWell:
			return t.stdout, t.stderr, &mismatch{want: "a command that goes well once at least", got: "at the last try: " + t.got()}
		case time.Now().After(deadline):
			return t.stdout, t.stderr, nil
		}
		if err := pause(s, lookInterval); err != nil {
			return t.stdout, t.stderr, err
		}
	}
}

// hopeless: the line is wrong, and will be at every try.
func hopeless(err error) bool {
	var exit *badExit
	return errors.Is(err, errWords) || errors.As(err, &exit) && exit.code == ExitUsage
}

// pause lets some time pass between two looks, unless the script ends.
func pause(s *script.State, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-s.Context().Done():
		return context.Cause(s.Context())
	case <-timer.C:
		return nil
	}
}
