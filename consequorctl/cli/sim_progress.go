package cli

import (
	"fmt"
	"strings"
	"time"
)

const (
	progressEvery = 200 * time.Millisecond // on a terminal
	progressRare  = 30 * time.Second       // elsewhere: each is a line that stays
	progressBar   = 12                     // characters: the line fits into 80
)

// progress tells how far work has come: on a terminal on a line that is written
// over, elsewhere rarely. It costs a look at the clock for each step.
type progress struct {
	console *Console
	what    string // that is counted: "seeds"
	total   int    // 0: there is no end
	began   time.Time
	told    time.Time
	done    int
	failed  int
	shown   bool // there is a line to write over
}

func (c *Console) progress(what string, total int) *progress {
	now := time.Now()
	return &progress{console: c, what: what, total: total, began: now, told: now}
}

// step counts one more.
func (p *progress) step(failed bool) {
	p.done++
	if failed {
		p.failed++
	}
	now := time.Now()
	every := progressRare
	if p.console.Watched {
		every = progressEvery
	}
	if p.console.Quiet || now.Sub(p.told) < every {
		return
	}
	p.told = now
	if p.console.Watched {
		fmt.Fprintf(p.console.Stderr, "\r\x1b[K%s", p.line(now))
		p.shown = true
	} else {
		fmt.Fprintln(p.console.Stderr, p.line(now))
	}
}

// end takes the line away.
func (p *progress) end() {
	if p.shown {
		fmt.Fprint(p.console.Stderr, "\r\x1b[K")
		p.shown = false
	}
}

func (p *progress) line(now time.Time) string {
	rate := float64(p.done) / max(now.Sub(p.began).Seconds(), 1e-9)
	text := fmt.Sprintf("%d %s, %.1f/s", p.done, p.what, rate)
	if p.total > 0 {
		left := time.Duration(float64(p.total-p.done) / max(rate, 1e-9) * float64(time.Second))
		text = fmt.Sprintf("%d of %d %s, %.1f/s, %s left", p.done, p.total, p.what, rate, left.Round(time.Second))
	}
	if p.failed > 0 {
		text += fmt.Sprintf(", %d failed", p.failed)
	}
	if p.total > 0 && p.console.Watched {
		text = bar(p.done, p.total) + " " + text
	}
	return text
}

func bar(done, total int) string {
	n := min(progressBar*done/max(total, 1), progressBar)
	return fmt.Sprintf("[%-*s]", progressBar, strings.Repeat("#", n))
}
