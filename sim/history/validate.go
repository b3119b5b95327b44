package history

import "fmt"

// Validate reports what makes a history one that nobody can have recorded: the
// checkers count on its order and its numbers.
func (h *History) Validate() error {
	for i := range h.Ops {
		if err := h.validateOp(i); err != nil {
			return err
		}
	}
	for i := 1; i < len(h.Epochs); i++ {
		if h.Epochs[i].Number <= h.Epochs[i-1].Number {
			return fmt.Errorf("epoch %d comes after epoch %d: they must rise", h.Epochs[i].Number, h.Epochs[i-1].Number)
		}
	}
	for i := range h.Boards {
		if i > 0 && shared(h.Boards[i-1].Articles, h.Boards[i].Articles) {
			continue
		}
		if err := h.Boards[i].validate(); err != nil {
			return err
		}
	}
	return nil
}

func (h *History) validateOp(i int) error {
	op := &h.Ops[i]
	switch {
	case op.Number != i+1:
		return fmt.Errorf("operation %d of the history has the number %d", i+1, op.Number)
	case i > 0 && op.Call < h.Ops[i-1].Call:
		return fmt.Errorf("operation %d was called at %s, before operation %d at %s: they must be in the order of their calls", op.Number, seconds(op.Call), i, seconds(h.Ops[i-1].Call))
	case op.Outcome != OK && op.Outcome != Refused && op.Outcome != Unknown:
		return fmt.Errorf("operation %d has the outcome %q: want ok, refused or unknown", op.Number, op.Outcome)
	case op.Outcome != Unknown && op.Return < op.Call:
		return fmt.Errorf("operation %d returned at %s, before it was called at %s", op.Number, seconds(op.Return), seconds(op.Call))
	case op.Outcome == OK && op.Verb.Writes() && len(op.IDs) == 0:
		return fmt.Errorf("operation %d, a %s, is ok and has no id", op.Number, op.Verb)
	}
	return nil
}

func (b *Board) validate() error {
	for i := range b.Articles {
		switch id := b.Articles[i].ID; {
		case id.Seq == 0:
			return fmt.Errorf("the board of %s has an article without a seq", b.Replica)
		case i > 0 && id.Compare(b.Articles[i-1].ID) <= 0:
			return fmt.Errorf("the board of %s has article %s behind %s: ids must rise", b.Replica, id, b.Articles[i-1].ID)
		}
	}
	return nil
}
