package quorum

import (
	"errors"
	"fmt"
	"strconv"

	"consequor/modes"
)

// Describe says what the mode is, for people.
func Describe() modes.Description {
	return modes.Description{
		Name:    "quorum",
		Version: "1",
		Promise: "An acknowledged post is on the disks of W replicas and is in every later read; a read asks R replicas, and what it shows is in every later read too. " +
			"Ids rise in real time. Two reads at the same time may each show a post that the other lacks. There is no coordinator.",
		Survives: "Posts need W replicas and N - W + 1, reads R (or W, when they find what is on fewer): with the defaults any minority may be lost. A minority that is cut off refuses both.",
		Options: []modes.OptionDescription{
			{Name: "read", Default: "a majority", Meaning: "how many replicas a read asks (R)"},
			{Name: "unsafe", Default: "false", Meaning: "true lets R + W <= N through: a read may then miss acknowledged posts"},
			{Name: "write", Default: "a majority", Meaning: "on how many disks a post is when it is acknowledged (W)"},
		},
	}
}

// quorums are what the options say.
type quorums struct {
	replicas, read, write int
	unsafe                bool
}

// heads is how many replicas must tell their highest seq before a post gets an
// id above all acknowledged ones: one of any W is among them. Where nothing is
// promised, a post needs no more than its W.
func (q quorums) heads() int {
	if q.broken() {
		return q.write
	}
	return q.replicas - q.write + 1
}

// post is how many replicas a post needs.
func (q quorums) post() int { return max(q.write, q.heads()) }

// broken reports that reads and posts need not meet.
func (q quorums) broken() bool { return q.read+q.write <= q.replicas }

// Check reports what speaks against these options for so many replicas: all of
// it at once, modes.OptionErrors where it is about one option.
func Check(options []modes.Option, replicas int) error {
	_, err := parse(options, replicas)
	return err
}

func parse(options []modes.Option, replicas int) (quorums, error) {
	q := quorums{replicas: replicas, read: replicas/2 + 1, write: replicas/2 + 1}
	var errs []error
	for _, o := range options {
		if why := q.set(o); why != "" {
			errs = append(errs, &modes.OptionError{Option: o.Name, Why: why})
		}
	}
	err := errors.Join(errs...)
	if err == nil && q.broken() && !q.unsafe {
		err = fmt.Errorf("read %d + write %d must be more than %d replicas; unsafe: true lets it through", q.read, q.write, replicas)
	}
	return q, err
}

// set takes one option, or says why not.
func (q *quorums) set(o modes.Option) (why string) {
	var err error
	switch o.Name {
	case "read":
		return setCount(&q.read, o.Value, q.replicas)
	case "write":
		return setCount(&q.write, o.Value, q.replicas)
	case "unsafe":
		if q.unsafe, err = strconv.ParseBool(o.Value); err != nil {
			return fmt.Sprintf("want true or false, got %q", o.Value)
		}
	default:
		return "mode quorum has no such option"
	}
	return ""
}

func setCount(count *int, value string, replicas int) (why string) {
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 || n > replicas {
		return fmt.Sprintf("want a number of replicas from 1 to %d, got %q", replicas, value)
	}
	*count = n
	return ""
}
