package supervisor

import "encoding/json"

// Kind tells errors apart, for machines. Kinds are only ever added to.
type Kind string

// The kinds of errors.
const (
	KindNoSuchCluster Kind = "no_such_cluster" // exit 5
	KindNotRunning    Kind = "not_running"     // exit 5
	KindAmbiguous     Kind = "ambiguous"       // exit 5: several run, none was named
	KindRunning       Kind = "running"         // a supervisor has this cluster already
	KindDiffers       Kind = "topology_differs"
	KindPortInUse     Kind = "port_in_use"
	KindNotReady      Kind = "not_ready"      // up: a replica was late, or failed
	KindBadTarget     Kind = "bad_target"     // exit 2: no such replica, or the verb does not apply to it
	KindNoCoordinator Kind = "no_coordinator" // the target has no holder just now; backup, too
	KindNotAlive      Kind = "not_alive"      // the target has no process, or no plugin
	KindBusy          Kind = "busy"           // too many requests wait for this replica
	KindTimeout       Kind = "timeout"        // it did not serve within ActOptions.Wait, or did not confirm within FaultRequest.Wait
	KindChanging      Kind = "changing"       // another mode change is under way
	KindReplicaDown   Kind = "replica_down"   // a mode change needs all replicas; nothing was changed
	KindLinkCut       Kind = "link_cut"       // a mode change needs all links; nothing was changed
	KindNotPrepared   Kind = "not_prepared"   // a replica cannot run the new mode; nothing was changed
	KindNotSaved      Kind = "not_saved"      // a mode change cannot be put on record; nothing was changed
	KindCalledOff     Kind = "called_off"     // a mode change had begun; the old mode goes on in a new epoch
	KindNoAnswer      Kind = "no_answer"      // a replica's process did not answer the supervisor
	KindStopping      Kind = "stopping"       // the cluster is going down
	KindInternal      Kind = "internal"
)

// Error is an error of the supervisor, for machines and people.
type Error struct {
	Kind    Kind   `json:"kind"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"` // the next thing to do
}

func (e *Error) Error() string { return e.Message }

// errorBody is an Error as it crosses the control socket.
type errorBody struct {
	Error *Error `json:"error"`
}

func (e *Error) encode() []byte {
	b, err := json.Marshal(errorBody{e})
	if err != nil {
		panic("supervisor: an error of strings does not encode: " + err.Error())
	}
	return b
}
