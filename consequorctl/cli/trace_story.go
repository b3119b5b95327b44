package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"consequor/topologies"
)

const (
	storyLegsMax  = 3    // of what was waited for that are told
	storyLegShare = 0.05 // of the whole: less is not worth a word
)

// tellStory tells the way in a few lines. It says nothing that is not in the
// events.
func (w *way) tellStory(out io.Writer) {
	for _, line := range w.story() {
		fmt.Fprintln(out, inertLine(line))
	}
}

func (w *way) story() []string {
	lines := []string{w.storyOfRoute()}
	for _, more := range []string{w.storyOfTries(), w.storyOfDisks(), w.storyOfTalk(), w.storyOfWaits(), w.storyOfOthers()} {
		if more != "" {
			lines = append(lines, more)
		}
	}
	for _, s := range w.record.missing {
		lines = append(lines, fmt.Sprintf("%s told nothing: %s", s.Replica, s.Why))
	}
	if _, shared := topologies.MachineTime(); !shared {
		lines = append(lines, "times are by the clock of day: if it was set meanwhile, they are wrong")
	}
	return lines
}

// storyOfRoute is `post at r2 -> r1 (coordinator) -> r3 -> r1 -> r2: answered after 1.20 ms`.
func (w *way) storyOfRoute() string {
	verb, total := w.record.verb, msWords(msOf(w.until-w.since))
	end := "answered after " + total
	if w.try.failure != nil {
		end = fmt.Sprintf("ended after %s, %s", total, w.try.failure.Outcome)
	}
	route := w.route()
	if len(route) == 0 {
		return fmt.Sprintf("%s at %s: %s; that replica did not tell its way", verb, w.withRole(w.try.replica), end)
	}
	told := make([]string, len(route))
	for i, name := range route {
		told[i] = name
		if slices.Index(route, name) == i {
			told[i] = w.withRole(name)
		}
	}
	return fmt.Sprintf("%s at %s: %s", verb, strings.Join(told, " -> "), end)
}

// withRole adds what a replica is, where there is a coordinator.
func (w *way) withRole(name string) string {
	status := w.names.status
	if r := status.Replica(name); status.Coordinator != nil && r != nil && r.Role != "" {
		return name + " (" + r.Role + ")"
	}
	return name
}

func (w *way) storyOfTries() string {
	var before []string
	for _, t := range w.record.tries[:len(w.record.tries)-1] {
		why := "no word"
		if t.failure != nil {
			why = t.failure.Message
		}
		before = append(before, fmt.Sprintf("%s (%s)", t.replica, why))
	}
	if len(before) == 0 {
		return ""
	}
	return "tried before: " + strings.Join(before, ", ")
}

// storyOfDisks is `on disk at r1 after 0.45 ms, at r3 after 0.61 ms (2 of 3 when it was answered), at r2 after 1.90 ms`.
func (w *way) storyOfDisks() string {
	if !w.record.verb.Writes() {
		return ""
	}
	var before, after []string
	for _, d := range w.disks() {
		text := fmt.Sprintf("at %s after %s", d.replica, msWords(d.ms))
		if w.reply < 0 || d.ms <= w.events[w.reply].MS {
			before = append(before, text)
		} else {
			after = append(after, text)
		}
	}
	if len(before) == 0 {
		return ""
	}
	text := "on disk " + strings.Join(before, ", ")
	when := "in the end"
	if w.reply >= 0 && w.try.failure == nil {
		when = "when " + w.try.replica + " answered"
	}
	text += fmt.Sprintf(" (%d of %d %s)", len(before), len(w.names.status.Replicas), when)
	if len(after) > 0 {
		text += ", " + strings.Join(after, ", ")
	}
	return text
}

// storyOfTalk is `r2 spoke to r1, r3; heard from r1 after 0.40 ms; not yet from r3`,
// as it was when it answered.
func (w *way) storyOfTalk() string {
	if w.asked < 0 {
		return "" // its own word is missing
	}
	var spoke, heard, late []string
	at, silent := w.try.replica, make(map[string]bool)
	for _, h := range w.hops() {
		switch {
		case h.From == at && h.SentMS != nil:
			if w.beforeReply(*h.SentMS) && !slices.Contains(spoke, h.To) {
				spoke = append(spoke, h.To)
				silent[h.To] = true
			}
			if h.ArrivedMS == nil && w.told(h.To) {
				late = append(late, h.To)
			}
		case h.To == at && h.ArrivedMS != nil && w.beforeReply(*h.ArrivedMS):
			silent[h.From] = false
			from := h.From + " after "
			if !slices.ContainsFunc(heard, func(t string) bool { return strings.HasPrefix(t, from) }) {
				heard = append(heard, from+msWords(*h.ArrivedMS))
			}
		}
	}
	var parts []string
	if len(spoke) > 0 {
		parts = append(parts, at+" spoke to "+strings.Join(spoke, ", "))
	}
	if len(heard) > 0 {
		parts = append(parts, "heard from "+strings.Join(heard, ", "))
	}
	if still := slices.DeleteFunc(spoke, func(name string) bool { return !silent[name] }); len(still) > 0 {
		parts = append(parts, "not yet from "+strings.Join(still, ", "))
	}
	if len(parts) == 0 {
		parts = append(parts, at+" spoke to no other replica for it")
	}
	if len(late) > 0 {
		parts = append(parts, fmt.Sprintf("%s to %s had not arrived in the end", counted(len(late), "message"), strings.Join(distinct(late), ", ")))
	}
	return strings.Join(parts, "; ")
}

// distinct leaves out what came before.
func distinct(list []string) []string {
	var kept []string
	for _, s := range list {
		if !slices.Contains(kept, s) {
			kept = append(kept, s)
		}
	}
	return kept
}

// told reports whether a replica's own word is there.
func (w *way) told(replica string) bool {
	for _, s := range w.record.missing {
		if s.Replica == replica {
			return false
		}
	}
	return true
}

func (w *way) beforeReply(ms float64) bool { return w.reply < 0 || ms <= w.events[w.reply].MS }

// storyOfWaits is `waited longest for: the disk of r3 0.31 ms, the mode of r1 0.12 ms`.
func (w *way) storyOfWaits() string {
	total := msOf(w.until - w.since)
	var parts []string
	for _, l := range w.longest() {
		if len(parts) < storyLegsMax && l.ms >= storyLegShare*total {
			parts = append(parts, l.what+" "+msWords(l.ms))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return "waited longest for: " + strings.Join(parts, ", ")
}

// storyOfOthers says what makes all this less than certain.
func (w *way) storyOfOthers() string {
	var parts []string
	if w.others > 0 {
		parts = append(parts, counted(w.others, "other request")+" came meanwhile: what is told here may be partly theirs")
	}
	if w.unseen > 0 {
		parts = append(parts, counted(w.unseen, "event")+" had no room and are not here")
	}
	return strings.Join(parts, "; ")
}
