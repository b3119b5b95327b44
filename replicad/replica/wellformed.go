package replica

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"consequor/board"
	"consequor/modes"
)

// What a mode may say at most. A mode that is correct comes nowhere near; these
// bounds are for those that are not, whose words would otherwise flood logs,
// answers and memory.
const (
	effectTextMax  = 1 << 10   // bytes of a reason, label, name or status text
	recordsSizeMax = 256 << 20 // bytes of records that are saved and not forgotten
)

// wellFormed says what is wrong with a batch's effects, whatever the mode, in a
// cluster of these replicas, by rising id.
func wellFormed(effects *modes.Effects, replicas []board.ReplicaID) error {
	check := wellFormedness{replicas: replicas}
	for _, effect := range effects.List {
		if err := check.effect(effect); err != nil {
			return err
		}
	}
	return nil
}

type wellFormedness struct{ replicas []board.ReplicaID }

func (c *wellFormedness) effect(effect modes.Effect) error {
	switch e := effect.(type) {
	case modes.Send:
		return c.recipient(e.To)
	case modes.SendNow:
		return c.recipient(e.To)
	case modes.SendBoard:
		return c.recipient(e.To)
	case modes.Store:
		return c.articles(e.Articles)
	case modes.Reply:
		return c.answer([]string{e.Why, e.Guarantee}, e.Reached, e.Missed)
	case modes.Serve:
		return c.answer([]string{e.Guarantee}, e.Asked, e.Missed)
	case modes.Refuse:
		return c.answer([]string{string(e.Kind), e.Why})
	case modes.LocalReads:
		return c.texts(e.Guarantee)
	case modes.SetTimer:
		return c.texts(e.Name)
	case modes.ClearTimer:
		return c.texts(e.Name)
	case modes.Report:
		return c.texts(string(e.Status.Role), e.Status.Waiting)
	}
	return nil
}

func (c *wellFormedness) recipient(to board.ReplicaID) error {
	if _, known := slices.BinarySearch(c.replicas, to); known {
		return nil
	}
	return fmt.Errorf("an effect for replica %d, which is not in the cluster", to)
}

func (c *wellFormedness) articles(articles []board.Article) error {
	for i := range articles {
		if err := articles[i].Validate(); err != nil {
			return fmt.Errorf("store article %s: %w", articles[i].ID, err)
		}
	}
	return nil
}

func (c *wellFormedness) answer(texts []string, replicas ...[]board.ReplicaID) error {
	for _, list := range replicas {
		if len(list) > len(c.replicas) {
			return fmt.Errorf("an answer that names %d replicas, the cluster has %d", len(list), len(c.replicas))
		}
	}
	return c.texts(texts...)
}

func (c *wellFormedness) texts(texts ...string) error {
	for _, text := range texts {
		if len(text) > effectTextMax {
			return fmt.Errorf("a text of %d bytes, the limit is %d: %.40q", len(text), effectTextMax, text)
		}
	}
	return nil
}

// savedSize is how many bytes of records the effects save.
func savedSize(effects *modes.Effects) int {
	size := 0
	for _, effect := range effects.List {
		if s, ok := effect.(modes.Save); ok {
			size += len(s.Record)
		}
	}
	return size
}

// briefMax bounds, in bytes, what a plugin's words take in a status.
const briefMax = 500

// brief makes a text from a plugin fit for a status: of bounded length, and
// nothing in it but what can be printed. Lines stay lines.
func brief(text string) string {
	if len(text) > briefMax {
		text = text[:briefMax] + "..."
	}
	return strings.Map(func(r rune) rune {
		if r == '\n' || unicode.IsPrint(r) {
			return r
		}
		return -1
	}, strings.ToValidUTF8(text, ""))
}
