package api

// Kinds of errors that clients may see, the modes' and hosts' (package modes
// has the same) and this package's. They cross the wire: they are only ever
// added to.
const (
	KindInvalid       = "invalid"         // the request breaks a limit
	KindNotFound      = "not_found"       // no such article
	KindOtherCluster  = "other_cluster"   // the token is another cluster's
	KindNoSuchReplica = "no_such_replica" // the process does not host it, or the client does not know it
	KindKeyTooOld     = "key_too_old"     // nobody remembers so far back; always unknown
	KindNoMajority    = "no_majority"     // too few replicas to decide
	KindNoQuorum      = "no_quorum"       // too few replicas answer to read or write
	KindUnreachable   = "unreachable"     // a replica that is needed does not answer
	KindNoCoordinator = "no_coordinator"  // none is known yet
	KindEpochChanging = "epoch_changing"  // the mode is being changed
	KindOverloaded    = "overloaded"      // too many requests wait already
	KindDiskFull      = "disk_full"       // the replica has no room for a post
	KindBehind        = "behind"          // the board does not cover the session in time
	KindStopping      = "stopping"        // the replica is leaving
	KindDeadline      = "deadline"        // not answered in time
	KindNotConnected  = "not_connected"   // nobody there; nothing was sent
	KindConnection    = "connection_lost" // it broke before the answer came
	KindCanceled      = "canceled"        // the caller did not wait for the answer
	KindClosed        = "closed"          // the client was closed by its owner
	KindInternal      = "internal"        // a bug
)

// remedy is what to do about an error of some kind. The higher, the more the
// error tells of the request.
type remedy uint8

const (
	absent    remedy = iota // nobody there: elsewhere; again only if nobody is anywhere
	later                   // it passes: elsewhere, and then again
	elsewhere               // another replica may say otherwise, now; later is not worth a wait
	final                   // no other replica and no later time will say otherwise
)

var remedies = map[string]remedy{
	KindNotConnected:  absent,
	KindNoCoordinator: later,
	KindEpochChanging: later,
	KindOverloaded:    later,
	KindBehind:        later,
	KindStopping:      later,
	KindDeadline:      later,
	KindConnection:    later,
	KindCanceled:      later, // by the replica, if we still ask
	KindNoMajority:    elsewhere,
	KindNoQuorum:      elsewhere,
	KindUnreachable:   elsewhere,
	KindDiskFull:      elsewhere,
	KindNoSuchReplica: elsewhere,
}

// remedy says what to do about e. What is unknown is worth asking again, with
// its key, until the time is over.
func (e *Error) remedy() remedy {
	if e.Kind == KindClosed || e.Kind == KindKeyTooOld {
		return final
	}
	if e.Outcome == Unknown {
		return later
	}
	if r, ok := remedies[e.Kind]; ok {
		return r
	}
	return final
}
