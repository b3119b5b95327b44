package host

import (
	"encoding/json"
	"fmt"
)

// state is what the host itself keeps on disk.
type state struct {
	Epoch       uint64 `json:"epoch"`
	Incarnation uint64 `json:"incarnation"` // of the present or last life
	Sealed      bool   `json:"sealed,omitempty"`
}

func (s state) encode() []byte {
	b, err := json.Marshal(s)
	if err != nil { // three plain fields
		panic(err)
	}
	return b
}

func decodeState(b []byte) (state, error) {
	var s state
	if len(b) == 0 {
		return s, nil
	}
	if err := json.Unmarshal(b, &s); err != nil {
		return s, fmt.Errorf("decode %q: %w", b, err)
	}
	return s, nil
}
