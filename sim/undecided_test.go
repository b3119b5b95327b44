package sim

import (
	"errors"
	"testing"
)

// What nobody can judge does not pass, and is nothing that a mutant did.
func TestUndecided(t *testing.T) {
	p, err := Draw(Config{Replicas: 3}, 1)
	if err != nil {
		t.Fatal(err)
	}
	r := newRun(p, nil)
	defer r.cluster.Close()
	result := &Result{Plan: p, History: r.history} // it has no board at its end
	r.judge(result)
	var undecided *UndecidedError
	if !errors.As(result.Err, &undecided) || !result.Failed() || !result.ownError() {
		t.Errorf("judged %q, failed %v, the simulator's own error %v; want a failure that says so, and is its own", result.Err, result.Failed(), result.ownError())
	}
}
