package cli

// demoCmd tells stories. Each one makes something happen on real processes,
// says in plain words what that was, with the times that were measured, and
// checks what it says: when it did not happen, the demo says what did, and ends
// with exit code 1.
type demoCmd struct {
	Failover   demoFailover   `cmd:"" help:"The coordinator is killed (or paused) under a load of posts: who takes over, when, and what is lost."`
	StaleRead  demoStaleRead  `cmd:"" help:"A read at a replica that is behind: alone it shows less, in its session and with --fresh never."`
	SplitBrain demoSplitBrain `cmd:"" help:"One cut, two protocols: the predecessor's gives one id to two articles, sequential does not."`
	Quorum     demoQuorum     `cmd:"" help:"R + W > N against R + W <= N: the same steps, and which of the two misses a post that was acknowledged."`
	Swap       demoSwap       `cmd:"" help:"The mode of a board is changed three times while clients post and read: how long they wait."`
}

// Help is printed below the demo's flags.
func (demoCmd) Help() string {
	return `A demo starts a cluster of its own in a temporary folder and leaves nothing behind; with --cluster NAME
it plays on one that runs, and brings back whom it has killed or paused there also when it breaks off.
Each command that it carries out is printed as "$ consequorctl ...", so that you can do the same by hand;
the story is on stdout, with --json its figures alone.

  consequorctl demo failover
  consequorctl demo failover --replicas 5 --both
  consequorctl demo failover --json

Exit codes: 0 it happened as told, 1 it did not (the last lines say what did).`
}

// demoResult is what all demos' figures begin with.
type demoResult struct {
	Demo     string   `json:"demo"`
	Happened bool     `json:"happened"` // as it is told
	Instead  []string `json:"instead"`  // what happened otherwise
	Seconds  float64  `json:"seconds"`
	Commands []string `json:"commands"` // that were carried out, in this order
}
