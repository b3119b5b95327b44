// Package cli is the command line of consequor: a cluster in one command, the
// five requests, faults, scripts and load.
//
//	args ── kong ──> grammar ──> one command's Run ──> result   ──> stdout
//	                                │                  notes    ──> stderr
//	                                │                  an error ──> describe ──> exit code
//	      ┌─────────────────────────┼──────────────────────┐
//	      v                         v                      v
//	 control socket          client API (gRPC)      this program again
//	 status kill down        post read choose       up -d, replicad,
//	 pause restart ...       reply sync bench       mode-plugin
//
// There is one file per command. What several share: exit.go maps every error
// to its exit code, console.go prints, inert.go makes strangers' text safe on
// a terminal, session.go keeps what a user has seen from one command to the
// next, request.go sends the five requests, script.go gives scripts the same
// words as the command line, shell_line.go gives them to who types them, and
// completion_arguments.go says what may stand where, for our shell and others.
//
// The names of commands and flags, the JSON fields and the exit codes are
// relied on by users and their scripts: they are only ever added to.
package cli
