package board

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Token is what a session carries from replica to replica: everything that it
// has written and read. Tokens are joined, never overwritten. The zero Token
// is that of a session that has seen nothing.
type Token struct {
	Cluster string // the cluster's id; a token is refused anywhere else
	Epoch   uint64 // of the newest answer that was joined in
	Seen    Vector
}

// ErrOtherCluster is returned when tokens of two clusters meet.
var ErrOtherCluster = errors.New("token of another cluster")

// Join returns the token of a session that has seen what both have.
func (t Token) Join(other Token) (Token, error) {
	switch {
	case t.Cluster == "":
		return other, nil
	case other.Cluster == "":
		return t, nil
	case t.Cluster != other.Cluster:
		return t, fmt.Errorf("%w: %s, not %s", ErrOtherCluster, other.Cluster, t.Cluster)
	}
	return Token{t.Cluster, max(t.Epoch, other.Epoch), t.Seen.Join(other.Seen)}, nil
}

// String writes "CLUSTER:EPOCH:VECTOR"; the zero Token is the empty string.
func (t Token) String() string {
	if t.Cluster == "" {
		return ""
	}
	return t.Cluster + ":" + strconv.FormatUint(t.Epoch, 10) + ":" + t.Seen.String()
}

// ParseToken reads what String writes.
func ParseToken(text string) (Token, error) {
	if text == "" {
		return Token{}, nil
	}
	parts := strings.Split(text, ":")
	if len(parts) != 3 || parts[0] == "" {
		return Token{}, fmt.Errorf("token %q: want CLUSTER:EPOCH:VECTOR", text)
	}
	epoch, err := strconv.ParseUint(parts[1], 10, 64)
	if err != nil {
		return Token{}, fmt.Errorf("token %q: epoch: %w", text, err)
	}
	seen, err := ParseVector(parts[2])
	if err != nil {
		return Token{}, fmt.Errorf("token %q: %w", text, err)
	}
	return Token{Cluster: parts[0], Epoch: epoch, Seen: seen}, nil
}
