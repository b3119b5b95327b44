package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/alecthomas/kong"

	"consequor/replicad/api"
	"consequor/supervisor"
)

// ExitCode is what a command line ends with. Scripts rely on the numbers.
type ExitCode int

// The exit codes.
const (
	ExitOK      ExitCode = 0
	ExitFailed  ExitCode = 1 // a check found a violation, a script's expectation broke
	ExitUsage   ExitCode = 2 // the command line or the topology is wrong
	ExitRefused ExitCode = 3 // surely not done
	ExitUnknown ExitCode = 4 // may have been done: retry with the key shown
	ExitAbsent  ExitCode = 5 // no such cluster, or it is not running
)

// Failure is a command's bad end as its user sees it.
type Failure struct {
	Code    ExitCode `json:"-"`
	Kind    string   `json:"kind"`          // for machines
	Message string   `json:"message"`       // what was being done to what, and what went wrong
	Hint    string   `json:"hint"`          // the next thing to do; may be empty
	Key     string   `json:"key,omitempty"` // post, reply: what it was sent with; the same key makes a retry safe

	Trace *traceResult `json:"trace,omitempty"` // trace: the way of a request that did not end well

	told bool // the result has said it: there is nothing to print
}

func (f *Failure) Error() string { return f.Message }

func usagef(format string, args ...any) *Failure {
	return &Failure{Code: ExitUsage, Kind: "usage", Message: fmt.Sprintf(format, args...)}
}

func failedf(format string, args ...any) *Failure {
	return &Failure{Code: ExitFailed, Kind: "failed", Message: fmt.Sprintf(format, args...)}
}

// describe is the one place where errors become kinds, hints and exit codes.
// It returns nil for nil.
func describe(err error) *Failure {
	var (
		failure *Failure
		request *api.Error
		cluster *supervisor.Error
		grammar *kong.ParseError
	)
	switch {
	case err == nil:
		return nil
	case errors.As(err, &failure):
		return failure
	case errors.As(err, &request):
		return describeRequest(request)
	case errors.As(err, &cluster):
		return &Failure{Code: clusterCode(cluster.Kind), Kind: string(cluster.Kind), Message: err.Error(), Hint: cluster.Hint}
	case errors.As(err, &grammar):
		return &Failure{Code: ExitUsage, Kind: "usage", Message: err.Error(), Hint: usageHint(grammar.Context)}
	case errors.Is(err, context.Canceled):
		return &Failure{Code: ExitFailed, Kind: "interrupted", Message: "interrupted"}
	}
	return failedf("%v", err)
}

// usageHint names the help of the command that a line was meant for, as far as
// that was understood.
func usageHint(line *kong.Context) string {
	if line != nil && line.Selected() != nil {
		return line.Selected().FullPath() + " --help tells of its arguments and flags"
	}
	return "consequorctl --help lists the commands and their flags"
}

func describeRequest(e *api.Error) *Failure {
	f := &Failure{Code: ExitFailed, Kind: e.Kind, Message: e.Error(), Hint: e.Hint, Key: e.Key}
	if f.Hint == "" && (e.Kind == api.KindNotConnected || e.Kind == api.KindUnreachable) {
		f.Hint = "see which replicas serve: consequorctl status"
	}
	switch e.Outcome {
	case api.Refused:
		f.Code = ExitRefused
	case api.Unknown:
		f.Code = ExitUnknown
	}
	return f
}

func clusterCode(kind supervisor.Kind) ExitCode {
	switch kind {
	case supervisor.KindNoSuchCluster, supervisor.KindNotRunning, supervisor.KindAmbiguous:
		return ExitAbsent
	case supervisor.KindBadTarget:
		return ExitUsage
	case supervisor.KindNotReady, supervisor.KindTimeout, supervisor.KindInternal:
		return ExitFailed
	}
	return ExitRefused // the supervisor turned it away before anything was done
}
