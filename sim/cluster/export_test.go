package cluster

import "consequor/board"

// Disk is what a host may find on its disk besides host.Disk.
func (r *Replica) Disk() interface{ Replace(board.Vector) } { return r.disk }
