package history

// StepsDefault is enough for any history of some 100,000 operations.
const StepsDefault = 100_000_000

// Check judges a history by all checkers. A checker that has not come to an
// end after so many steps says unknown; the count, unlike a time, makes a
// verdict repeatable.
func Check(h *History, steps int) Verdicts {
	return nil // the checkers come with the next commit
}
