// Package record writes down what real clients ask of a running cluster, and
// makes of it a history that the checkers judge.
//
//	consequorctl post ─┐ called, tried, ended          ┌ boards of who serves
//	consequorctl run  ─┼──────────────> record.jsonl   │ events of the supervisor
//	bench: 16 clients ─┘  a line each        │         │ epochs and modes
//	                                         v         v
//	Begin ── what the boards hold ──> [ End: one operation per key ] ──> a history's file
//
// # While it lasts
//
// A cluster is recorded as long as the file record.jsonl lies in its folder
// (of an ephemeral cluster: in ephemeral/, and gone with it). Every process of
// consequorctl looks for it before each request, and appends to it: one line
// before the request is sent, so that of a client that is killed an operation
// is left that may have been done; and one when it has ended. Lines are written
// whole, by single writes at the file's end, so any number of processes share
// the file without a lock. Times are the machine's monotonic clock where there
// is one that all processes share (on Linux), so that they compare.
//
// # What a history can say
//
//   - Begin wants every replica to serve, brings all boards up to date, and
//     keeps up to where they are: nobody is blamed for those articles. It reads
//     one of them through, so that what is lost of it later is missed.
//   - End brings the boards of all replicas that serve up to date and reads each
//     as it is. A request that is under way then counts as never answered, and so
//     does one that is called until all boards are read. If boards still grow,
//     they are compared as far as all have come; if they differ for a link that
//     is at fault, the recording cannot end.
//   - Whoever is no process of consequorctl (the web page, grpcurl) is not
//     recorded. Their posts are on the boards at the end, and a checker can only
//     call them phantoms; it says that somebody else may have posted them. The
//     same goes for a request that was under way when the recording began.
//   - A session's times are those of its file: a request is called before it
//     looks what the session has seen, and has ended when that knows of it.
package record
