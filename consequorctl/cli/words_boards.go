package cli

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"rsc.io/script"

	"consequor/board"
	"consequor/replicad/api"
)

// boardsEqualLimit is how long boards may take to become equal when the script
// does not say.
const boardsEqualLimit = 10 * time.Second

// boardsEqual is the word boards-equal. It asks nobody to bring a board up to
// date: vectors are looked at first, and articles are read once these are equal.
func (p *player) boardsEqual(s *script.State, args []string) (string, string, error) {
	flags := flag.NewFlagSet("boards-equal", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	cluster := flags.String("cluster", "", "")
	if err := flags.Parse(args); err != nil || flags.NArg() > 1 {
		return "", "", cmp.Or(err, errWords)
	}
	limit := boardsEqualLimit
	if flags.NArg() == 1 {
		var err error
		if limit, err = time.ParseDuration(flags.Arg(0)); err != nil {
			return "", "", err
		}
	}
	deadline := time.Now().Add(limit)
	for {
		told, err := compareBoards(s.Context(), p.console, clusterFlag(*cluster))
		if err == nil {
			return told + "\n", "", nil
		}
		var apart *apart
		if errors.As(err, &apart) && (apart.forGood || time.Now().After(deadline)) {
			return "", "", &mismatch{want: fmt.Sprintf("equal boards within %v", limit), got: apart.text}
		}
		if time.Now().After(deadline) {
			return "", "", err
		}
		if err := pause(s, lookInterval); err != nil {
			return "", "", err
		}
	}
}

// apart is how boards differ. What differs under one id differs for good.
type apart struct {
	text    string
	forGood bool
}

func (e *apart) Error() string { return e.text }

// compareBoards compares the boards of all replicas that serve, as they are.
func compareBoards(ctx context.Context, console *Console, name clusterFlag) (told string, err error) {
	cluster, err := name.find()
	if err != nil {
		return "", err
	}
	status, err := cluster.Status(ctx)
	if err != nil {
		return "", err
	}
	serving, absent := servingOf(status)
	if len(serving) == 0 {
		return "", errors.New("no replica serves")
	}
	v := &visit{console: console}
	if err := v.dial(status); err != nil {
		return "", err
	}
	defer v.client.Close()
	before, err := vectorsOf(ctx, v.client, serving)
	if err != nil {
		return "", err
	}
	if err := equalVectors(serving, before); err != nil {
		return "", err
	}
	told, err = equalContent(ctx, v.client, serving, before)
	if err == nil && len(absent) > 0 {
		told += fmt.Sprintf("\nnot compared, for they do not serve: %s", strings.Join(absent, ", "))
	}
	return told, err
}

// vectorsOf asks each replica what it holds.
func vectorsOf(ctx context.Context, client *api.Client, replicas []string) ([]board.Vector, error) {
	vectors := make([]board.Vector, len(replicas))
	for i, name := range replicas {
		hosted, err := client.Status(ctx, name)
		if err != nil {
			return nil, fmt.Errorf("ask %s what it holds: %w", name, err)
		}
		at := slices.IndexFunc(hosted, func(s api.Status) bool { return s.Name == name })
		if at < 0 {
			return nil, fmt.Errorf("ask %s what it holds: its process does not host it", name)
		}
		if vectors[i], err = board.ParseVector(hosted[at].Vector); err != nil {
			return nil, fmt.Errorf("what %s holds: %w", name, err)
		}
	}
	return vectors, nil
}

func equalVectors(replicas []string, vectors []board.Vector) error {
	var lines []string
	equal := true
	for i, name := range replicas {
		equal = equal && slices.Equal(vectors[i], vectors[0])
		lines = append(lines, fmt.Sprintf("%s holds up to %s", name, cmp.Or(vectors[i].String(), "-")))
	}
	if equal {
		return nil
	}
	return &apart{text: strings.Join(lines, "\n")}
}

// equalContent reads boards whose vectors are equal. A board that grows
// meanwhile is to be looked at again.
func equalContent(ctx context.Context, client *api.Client, replicas []string, before []board.Vector) (told string, err error) {
	lists := make([][]copied, len(replicas))
	for i, name := range replicas {
		if lists[i], err = listOf(ctx, client, name); err != nil {
			return "", fmt.Errorf("read %s: %w", name, err)
		}
	}
	after, err := vectorsOf(ctx, client, replicas)
	if err != nil {
		return "", err
	}
	for i := range replicas {
		if !slices.Equal(before[i], after[i]) {
			return "", &apart{text: fmt.Sprintf("the boards still grow: %s held up to %s, now to %s", replicas[i], before[i], after[i])}
		}
	}
	v := &verdict{}
	for i := range replicas[1:] {
		v.judgeEqual(replicas[0], lists[0], replicas[i+1], lists[i+1])
	}
	if !v.OK() {
		return "", &apart{strings.Join(v.Violations, "\n"), true}
	}
	return fmt.Sprintf("%s: %s each, up to %s", strings.Join(replicas, " = "), counted(len(lists[0]), "article"), cmp.Or(before[0].String(), "-")), nil
}

// listOf reads a replica's own board, without its mode: that would ask others, and
// may refuse.
func listOf(ctx context.Context, client *api.Client, name string) ([]copied, error) {
	m := &member{client: client, replicas: []string{name}, alone: true}
	return m.pages(ctx, api.Request{Verb: api.Read, Raw: true, All: true, Count: board.PageCountMax})
}
