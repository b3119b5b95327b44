package topologies

// What a replicad process and the one that starts it have agreed on, beside
// the Process that it is told.
const (
	// LifelineFD is the read end of a pipe. When it closes, the supervisor is
	// gone and replicad ends. The line Go on it means: it is on record that
	// you have served, so take part.
	LifelineFD = 3

	// ReportFD is the write end of a pipe on which replicad writes how each
	// hosted replica is (api.Status, one JSON object a line), whenever that
	// changes.
	ReportFD = 4

	// Go is what the supervisor writes on the lifeline, once in a process's
	// life, after the first report with the step "started".
	Go = "go\n"

	// ExitFault is the exit code for what a new start cannot mend: lost data,
	// data that does not check. The replica is failed until someone has looked.
	ExitFault = 75
)
