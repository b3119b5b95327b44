package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"consequor/board"
	"consequor/modes"
	"consequor/modes/builtin"
	"consequor/mutants"
	"consequor/sim"
	"consequor/sim/cluster"
	"consequor/sim/history"
)

// simCmd finds out whether a mode keeps its promise. No cluster need run.
type simCmd struct {
	Run     simRunCmd     `cmd:"" default:"withargs" help:"Run seeds until one fails (what sim alone does)."`
	Mutants simMutantsCmd `cmd:"" help:"Break the protocol on purpose, in named ways, and see how soon each is caught."`
	Soak    simSoakCmd    `cmd:"" help:"Run seeds for as long as you let it, and go on there the next time."`
	Faults  simFaultsCmd  `cmd:"" help:"List the faults."`
}

// Help is shown with the command's flags.
func (simCmd) Help() string {
	return `Runs clusters in virtual time, with every fault there is, and judges what their clients saw. A run is a function of its seed; one that
fails is told as the few operations that prove it, is shrunk to the few actions that it takes, and comes with the one command that repeats it.

  consequorctl sim --seeds 1000                              mode sequential, all faults
  consequorctl sim --mode quorum --option read=1 --option write=3 --replicas 3
  consequorctl sim --faults all,-rot,-wipe                   all but two; sim faults tells what there is
  consequorctl sim --mode sequential --seed 17 --trace       one run, a line for each event
  consequorctl sim --mutant M16 --mode quorum --report m16.html
  consequorctl sim --plugin ./mine --promise sequential      a mode of your own, held to a promise

The flags are those of sim run: consequorctl sim run --help lists them.

Exit codes: 0 every run held; 1 one did not, or it was interrupted, or a file
could not be written; 2 usage.`
}

// simSetting says what is to be tried.
type simSetting struct {
	Mode     string   `help:"A built-in mode (default: sequential)." xor:"mode" placeholder:"MODE"`
	Plugin   string   `help:"The file of a mode of your own, instead." xor:"mode" placeholder:"PATH"`
	Option   []string `help:"Set an option of the mode, else the seed chooses; give it once for each." placeholder:"NAME=VALUE" sep:"none"`
	Replicas int      `help:"How many." default:"5"`
	Faults   string   `help:"Which there may be: names with commas between, all, none, or all,-rot,-wipe." default:"all" placeholder:"LIST"`
	Promise  string   `help:"What the mode is held to: sequential, quorum, read-your-write or durable (default: its own; with --plugin durable)." placeholder:"PROMISE"`
	Length   int      `help:"Rounds of operations in a run (default: 120, in large clusters fewer)." placeholder:"N"`
	Mutant   string   `help:"Break the protocol on purpose: M1 to M41; sim mutants tells what each does." placeholder:"M16"`
}

const (
	simReplicasMax = 1000
	simLengthMax   = 100_000
	simSeedsMax    = 1_000_000_000
)

// simulation is a setting that was found to be one, with what it takes to run.
type simulation struct {
	config sim.Config
	plugin string // as the user named it
	pool   *pluginPool
}

// open checks the setting, and starts the plugin if there is one. Whoever gets
// a simulation must close it.
func (s simSetting) open(ctx context.Context, console *Console, workers int) (*simulation, error) {
	config, err := s.config()
	if err != nil {
		return nil, err
	}
	one := &simulation{config: config}
	if s.Plugin == "" {
		err := one.checkMode()
		if err == nil {
			one.noteMutant(console)
		}
		return one, err
	}
	if s.Mutant != "" {
		return nil, usagef("--mutant %s: only built-in modes can be broken on purpose, not --plugin %s", s.Mutant, s.Plugin)
	}
	one.plugin = s.Plugin
	if one.pool, err = openPool(ctx, console, s.Plugin, workers); err != nil {
		return nil, err
	}
	one.config.Launch = one.pool.workers[0].open
	if err := one.checkPlugin(); err != nil {
		one.close()
		return nil, err
	}
	return one, nil
}

// noteMutant warns of a mutant that may have no effect here: a run that holds
// would then say nothing.
func (s *simulation) noteMutant(console *Console) {
	m := s.config.Mutant
	if m == mutants.None {
		return
	}
	if lair := sim.Lair(m).Mode; lair != s.config.Mode {
		console.Note("%s is hunted in mode %s; in %s it may change nothing (consequorctl sim mutants %s)", m, lair, s.config.Mode, m)
	}
}

func (s *simulation) close() {
	if s.pool != nil {
		s.pool.close()
	}
}

// config reads the flags that need no plugin.
func (s simSetting) config() (sim.Config, error) {
	c := sim.Config{Mode: cmp.Or(s.Mode, "sequential"), Replicas: s.Replicas, Length: s.Length, Promise: history.Promise(s.Promise)}
	var err error
	if c.Options, err = parseOptions(s.Option); err != nil {
		return c, usagef("%v", err)
	}
	slices.SortFunc(c.Options, func(a, b modes.Option) int { return strings.Compare(a.Name, b.Name) })
	if s.Faults == "" {
		return c, usagef("--faults: want names with commas between, all or none")
	}
	if c.Faults, err = sim.ParseFaults(s.Faults); err != nil {
		return c, &Failure{Code: ExitUsage, Kind: "usage", Message: "--faults: " + err.Error(), Hint: "consequorctl sim faults tells what each is"}
	}
	if s.Mutant != "" {
		if c.Mutant, err = mutants.Parse(s.Mutant); err != nil {
			return c, usagef("--mutant: %v", err)
		}
	}
	promises := []history.Promise{"", history.Sequential, history.Quorum, history.ReadYourWrite, history.Durable}
	switch {
	case s.Replicas < 1 || s.Replicas > simReplicasMax:
		return c, usagef("--replicas %d: want 1 to %d", s.Replicas, simReplicasMax)
	case s.Length < 0 || s.Length > simLengthMax:
		return c, usagef("--length %d: want 1 to %d", s.Length, simLengthMax)
	case !slices.Contains(promises, c.Promise):
		return c, usagef("--promise %s: want sequential, quorum, read-your-write or durable", s.Promise)
	}
	return c, nil
}

// checkMode holds a built-in mode's options to what it would run with.
func (s *simulation) checkMode() error {
	if _, ok := builtin.Lookup(s.config.Mode); !ok {
		var names []string
		for _, e := range builtin.Modes() {
			names = append(names, e.Description.Name)
		}
		hint := "built in are " + strings.Join(names, ", ") + "; for one of your own: --plugin PATH"
		return &Failure{Code: ExitUsage, Kind: "unknown_mode", Message: fmt.Sprintf("--mode %s: there is no such mode", s.config.Mode), Hint: hint}
	}
	_, err := builtin.Check(s.config.Mode, s.config.Options, s.config.Replicas)
	if err == nil {
		return nil
	}
	var lines []string
	for _, one := range joinedErrors(err) {
		lines = append(lines, s.atItsFlag(one))
	}
	return &Failure{Code: ExitUsage, Kind: "usage", Message: strings.Join(lines, "\n"), Hint: "consequorctl mode show " + s.config.Mode + " tells of its options"}
}

// joinedErrors takes apart what errors.Join has put together.
func joinedErrors(err error) []error {
	var many interface{ Unwrap() []error }
	if errors.As(err, &many) {
		return many.Unwrap()
	}
	return []error{err}
}

// atItsFlag names the flag that an error is about.
func (s *simulation) atItsFlag(err error) string {
	var o *modes.OptionError
	if !errors.As(err, &o) {
		return fmt.Sprintf("mode %s, --replicas %d: %v", s.config.Mode, s.config.Replicas, err)
	}
	for _, given := range s.config.Options {
		if given.Name == o.Option {
			return fmt.Sprintf("--option %s=%s: %s", given.Name, given.Value, o.Why)
		}
	}
	return fmt.Sprintf("--option %s, which is not given: %s", o.Option, o.Why)
}

// checkPlugin takes the mode's name from the plugin, and holds the options to
// what it says of itself.
func (s *simulation) checkPlugin() error {
	d := s.pool.description
	s.config.Mode = d.Name
	if d.ReplicasMax > 0 && s.config.Replicas > d.ReplicasMax {
		return usagef("--replicas %d: mode %s runs on at most %d", s.config.Replicas, d.Name, d.ReplicasMax)
	}
	for _, o := range s.config.Options {
		if !slices.ContainsFunc(d.Options, func(known modes.OptionDescription) bool { return known.Name == o.Name }) {
			return usagef("--option %s=%s: mode %s has no such option", o.Name, o.Value, d.Name)
		}
	}
	return nil
}

// sweep is a sweep in this setting.
func (s *simulation) sweep(from uint64, seeds int) sim.Sweep {
	sweep := sim.Sweep{Config: s.config, From: from, Seeds: seeds}
	if s.pool != nil {
		for _, w := range s.pool.workers {
			sweep.Launchers = append(sweep.Launchers, w.open)
		}
	}
	return sweep
}

var _ func(board.ReplicaID) (cluster.Machine, error) = (*pluginWorker)(nil).open

// place says where all this takes place: "sequential, 5 replicas, faults all".
func (s *simulation) place() string {
	text := fmt.Sprintf("%s, %s, faults %s", s.config.Mode, replicasInWords(s.config.Replicas), s.config.Faults)
	if s.config.Mutant != mutants.None {
		text += fmt.Sprintf(", mutant %s (it %s)", s.config.Mutant, s.config.Mutant.Words())
	}
	return text
}

func replicasInWords(n int) string {
	if n == 1 {
		return "1 replica"
	}
	return fmt.Sprintf("%d replicas", n)
}

// command is the line that repeats a run, with the words a shell needs quoted.
func (s *simulation) command(seed uint64, only []int) string {
	words := []string{"consequorctl", "sim"}
	add := func(flag, value string) { words = append(words, flag, quoted(value)) }
	if s.plugin != "" {
		add("--plugin", s.plugin)
	} else {
		add("--mode", s.config.Mode)
	}
	for _, o := range s.config.Options {
		add("--option", o.Name+"="+o.Value)
	}
	add("--replicas", fmt.Sprint(s.config.Replicas))
	add("--faults", s.config.Faults.String())
	if s.config.Promise != "" {
		add("--promise", string(s.config.Promise))
	}
	if s.config.Length > 0 {
		add("--length", fmt.Sprint(s.config.Length))
	}
	if s.config.Mutant != mutants.None {
		add("--mutant", s.config.Mutant.String())
	}
	add("--seed", fmt.Sprint(seed))
	if only != nil {
		add("--only", sim.FormatNumbers(only))
	}
	return strings.Join(words, " ")
}

// quoted puts a word between single quotes if a shell would read more in it
// than itself.
func quoted(word string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./=,:+@%", r)
	}
	if word != "" && strings.IndexFunc(word, func(r rune) bool { return !plain(r) }) < 0 {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
