// Package logfile keeps logs from growing without bound.
//
// A process of a cluster writes its log to its own standard output and error,
// which are one file. When that has its size, the process itself sets it aside
// and goes on in a fresh one:
//
//	r1.log.3    removed
//	r1.log.2 -> r1.log.3
//	r1.log.1 -> r1.log.2
//	r1.log   -> r1.log.1
//	r1.log      a fresh file, and from now on descriptors 1 and 2
//
// The process does it, and nobody else, so that nothing is lost: not between a
// copy and a truncation, not in a pipe to a supervisor that is paused or dies,
// and not the last words of a Go program that panics, which the runtime writes
// to descriptor 2 whatever else has been opened. Nothing is written between
// the first rename and the end but by such a panic, and that still ends up in a
// file that is kept.
//
// Whoever starts the process opens the file, and sets one that is too large
// aside before that. Readers find what was written, over all files, with Chain.
package logfile
