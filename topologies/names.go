package topologies

import "regexp"

// NamePattern is what the names of clusters, replicas and modes look like.
// They become paths and parts of host names.
const NamePattern = "[a-z0-9][a-z0-9-]{0,62}"

var namePattern = regexp.MustCompile("^" + NamePattern + "$")

// ValidName reports whether name may name a cluster, a replica or a mode.
func ValidName(name string) bool { return namePattern.MatchString(name) }
