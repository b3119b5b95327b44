// Package modetest holds modes to their contract: it is the conformance suite
// that every mode must pass, ours and anyone's.
//
//	func TestContract(t *testing.T) { modetest.Run(t, modetest.Direct(mymode.New)) }
//
// Run plays a fixed script to small clusters of the mode, and does for each
// replica what a host does: one batch at a time, writes in order, held effects
// after them, timers, connections, lives and incarnations. It is a second,
// simple host, written for this purpose alone:
//
//	script: post, read, retry, crash, cut, seal ...
//	   │
//	   v         batch                         effects, judged one by one
//	[ lab ] ───────────> [ Machine of r1 ] ───────────────┐
//	   ^                                                  v
//	   └── clock, links, disks, boards in memory <── [ the rules ]
//
// What it judges: a request is answered at most once, by an effect of the right
// kind, and only if it was ever asked; an article is stored with its parent,
// once, as it was posted; one key is one article; what was refused never
// appears; what was acknowledged is on every board in the end; a read shows
// nothing beyond the board and covers its session; ids rise along a session;
// nothing is forgotten that was not saved; nothing new after Sealed; and the
// same events have the same effects.
//
// # In a mode's own tests
//
// The suite runs in milliseconds with Direct, so it belongs into a mode's unit
// tests, beside a few transcripts. Whoever ships the mode as a plugin builds it,
// launches it by its sum (modeplugin.Launch), and runs the suite once more with
// Plugin: then the codec, and every global variable that two replicas in one
// process might share, are in it too. The sum is the one that goes into the
// topology. What fails is reported with the scenario, the virtual time and the
// last steps before it; to see one scenario again:
//
//	go test -run 'TestContract/cut/replicas=3'
//
// Modes for a single replica, or with options, say so:
//
//	modetest.Run(t, launch, modetest.Sizes(1), modetest.With(modes.Option{Name: "copies", Value: "2"}))
//
// A mode that is known to break in some scenario can assert just that with
// Check, as consequor/modes/example-primary does.
//
// # Launchers
//
// A Launcher says where the mode runs: in this process (Direct), behind a
// socket in this process (Socket), or in a plugin (Plugin). A run that was
// recorded with one launcher must replay with any other to the very same
// effects (Record, Replay).
//
// Transcripts, which tell one scenario each as a file for people to read, are
// the other half of this package.
package modetest
