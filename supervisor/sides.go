package supervisor

import (
	"fmt"
	"slices"

	"consequor/board"
)

// sides finds the replicas on the two sides of a request, roles as they are held
// just now. Both are empty for one that is about everything.
func (s *supervisor) sides(r *FaultRequest) (a, b []board.ReplicaID, err error) {
	if r.Verb == HealLinks && len(r.A)+len(r.B) == 0 {
		return nil, nil, nil
	}
	status, _, _ := s.hub.status()
	restA, restB := slices.Contains(r.A, Rest), slices.Contains(r.B, Rest)
	switch {
	case restA && restB:
		return nil, nil, badSide(status, "both sides are %s", Rest)
	case restA && len(r.A) > 1, restB && len(r.B) > 1:
		return nil, nil, badSide(status, "%s stands alone: it is everyone that the other side does not name", Rest)
	}
	if !restA {
		a, err = s.side(status, r.A)
	}
	if !restB && err == nil {
		b, err = s.side(status, r.B)
	}
	if err != nil {
		return nil, nil, err
	}
	if restA {
		a = s.others(b)
	}
	if restB {
		b = s.others(a)
	}
	return a, b, checkSides(status, s.hub.names(a), s.hub.names(b))
}

// side finds the replicas that are named.
func (s *supervisor) side(status *ClusterStatus, names []string) (side []board.ReplicaID, err error) {
	for _, name := range names {
		found, err := s.member(status, name)
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(status.Replicas, func(r ReplicaStatus) bool { return r.Name == found })
		id := s.state.Replicas[i].ID
		if slices.Contains(side, id) {
			return nil, badSide(status, "%s is named twice on one side%s", found, asRole(name, found))
		}
		side = append(side, id)
	}
	if len(side) == 0 {
		return nil, badSide(status, "a side of the link names no replica")
	}
	return side, nil
}

// member is the replica that a name stands for.
func (s *supervisor) member(status *ClusterStatus, name string) (string, error) {
	office := &name
	switch name {
	case "coordinator":
		office = status.Coordinator
	case "backup":
		office = status.Backup
	}
	if office == nil {
		return "", noOffice(status, name)
	}
	if status.Replica(*office) == nil {
		return "", badSide(status, "there is no replica %q", name)
	}
	return *office, nil
}

func asRole(name, replica string) string {
	if name == replica {
		return ""
	}
	return ", once as " + name
}

func (s *supervisor) others(side []board.ReplicaID) []board.ReplicaID {
	var others []board.ReplicaID
	for _, r := range s.state.Replicas {
		if !slices.Contains(side, r.ID) {
			others = append(others, r.ID)
		}
	}
	return others
}

// checkSides wants two sides that have somebody, and nobody in common.
func checkSides(status *ClusterStatus, a, b []string) error {
	if len(a) == 0 || len(b) == 0 {
		return badSide(status, "%s is nobody: the other side names all replicas", Rest)
	}
	for _, name := range a {
		if slices.Contains(b, name) {
			return badSide(status, "%s is on both sides: a link is between two replicas", name)
		}
	}
	return nil
}

func badSide(status *ClusterStatus, format string, args ...any) error {
	return &Error{Kind: KindBadTarget, Message: fmt.Sprintf(format, args...),
		Hint: fmt.Sprintf("a side is one of %s, coordinator, backup, or several with commas between; or %s", targets(status), Rest)}
}
