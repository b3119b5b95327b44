package sim

// Shrink returns the shortest plan found, within so many runs, that fails as
// the result's does: by the same checker and property, or by the same
// assertion. It is delta debugging (Zeller and Hildebrandt 2002) over the
// plan's actions.
func Shrink(r *Result, runs int) *Result { panic("not yet") }
