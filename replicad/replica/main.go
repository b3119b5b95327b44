package replica

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"consequor/replicad/logfile"
	"consequor/topologies"
)

// Exit codes of a replicad process, for its supervisor.
const (
	ExitOK     = 0
	ExitFailed = 1                    // starting it again may help
	ExitUsage  = 2                    // it was not told what to do
	ExitFault  = topologies.ExitFault // starting it again would not help: a person must look
)

// ExitCode maps the end of Run to the process's exit code.
func ExitCode(err error) int {
	var fault *faultError
	switch {
	case err == nil:
		return ExitOK
	case errors.As(err, &fault):
		return ExitFault
	}
	return ExitFailed
}

// Main is the replicad process: it parses args, runs and returns the exit
// code. self is how this program is started as itself (see Options).
func Main(self, args []string) int {
	flags := flag.NewFlagSet("replicad", flag.ContinueOnError)
	file := flags.String("config", "", "JSON file that says what to host (see topologies.Process)")
	supervised := flags.Bool("supervised", false, "descriptors 3 and 4 are the pipes of a supervisor (see topologies.LifelineFD)")
	verbose := flags.Bool("v", false, "log the modes' own trace")
	if err := flags.Parse(args); err != nil {
		return ExitUsage
	}
	level := slog.LevelInfo
	if *verbose {
		level = slog.LevelDebug
	}
	config, err := readConfig(*file)
	if err != nil {
		fmt.Fprintf(os.Stderr, "replicad: %v\nhint: consequorctl up starts replicads and writes their files\n", err)
		return ExitUsage
	}
	output := outputOf(config.Log, *supervised)
	log := slog.New(slog.NewTextHandler(output, &slog.HandlerOptions{Level: level}))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	o := Options{Config: *config, Self: self, Log: log, PluginOutput: output}
	if *supervised {
		syscall.CloseOnExec(topologies.LifelineFD) // they are this process's, not its plugin's
		syscall.CloseOnExec(topologies.ReportFD)
		goOn, orders := make(chan struct{}), make(chan topologies.Order, ordersQueued)
		o.Go, o.Orders = goOn, orders
		o.Reports = os.NewFile(topologies.ReportFD, "reports")
		go holdLifeline(os.NewFile(topologies.LifelineFD, "lifeline"), goOn, orders)
	}
	err = Run(ctx, o)
	if err != nil {
		log.Error("replicad ends", "err", err)
	}
	return ExitCode(err)
}

// outputOf is where this process writes its log: standard error, which is kept
// from growing without bound if it is the file that the supervisor says.
func outputOf(path string, supervised bool) io.Writer {
	if path == "" || !supervised {
		return os.Stderr
	}
	w, err := logfile.Take(path, logfile.Limits{})
	if err != nil {
		fmt.Fprintf(os.Stderr, "replicad: %v; it is not set aside while this process lives\n", err)
		return os.Stderr
	}
	return w
}

func readConfig(file string) (*topologies.Process, error) {
	if file == "" {
		return nil, errors.New("--config FILE is missing")
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var config topologies.Process
	if err := json.Unmarshal(text, &config); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if len(config.Hosts) == 0 || len(config.Replicas) == 0 {
		return nil, fmt.Errorf("%s: names no replica to host", file)
	}
	return &config, nil
}
