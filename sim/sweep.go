package sim

// Sweep runs seeds From, From+1, ... on all cores.
type Sweep struct {
	Config
	From    uint64
	Seeds   int // 0: until Stop
	Workers int // default one a core

	// Done is called after each run, by one goroutine at a time, in no
	// particular order; a run that failed comes with its whole result.
	Done func(r *Result)
}
