package modeplugin

// CutLifeline and CutControl do to a plugin what the end of its host would.
func CutLifeline(p *Process) { p.child.lifeline.Close() }
func CutControl(p *Process)  { p.end() }
