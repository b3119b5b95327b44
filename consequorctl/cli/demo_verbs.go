package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"consequor/supervisor"
)

// The commands that stories carry out, and what of their results they print.

// up starts the story's own cluster; on one that runs it only looks. Either way
// it is whole afterwards.
func (s *story) up(ctx context.Context, topology string, flags ...string) (*supervisor.ClusterStatus, error) {
	if s.own() {
		status := new(supervisor.ClusterStatus)
		if err := s.do(ctx, status, append([]string{"up", "-d", topology}, flags...)...); err != nil {
			return nil, err
		}
		s.got("cluster %s is up: %s in mode %s%s", status.Cluster, strings.Join(namesOf(status), ", "), status.Mode, unsafeNote(status.Unsafe))
	}
	if !s.own() {
		if err := s.unharmed(ctx); err != nil {
			return nil, err
		}
		s.began = true
	}
	status, err := s.whole(ctx)
	if err == nil && !s.own() {
		s.say("It plays on cluster %s: %s in mode %s%s.", status.Cluster, strings.Join(namesOf(status), ", "), status.Mode, unsafeNote(status.Unsafe))
	}
	return status, err
}

// unharmed refuses to play on a cluster that lacks a replica: what would be told
// of it is not what the story is about.
func (s *story) unharmed(ctx context.Context) error {
	cluster, err := s.find()
	if err != nil {
		return err
	}
	status, err := cluster.Status(ctx)
	if err != nil {
		return err
	}
	for _, r := range status.Replicas {
		if r.State != supervisor.StateServing {
			return &Failure{Code: ExitRefused, Kind: "not_serving", Message: fmt.Sprintf("%s does not serve: it is %s", r.Name, r.State),
				Hint: "a demo plays on a cluster that is whole: consequorctl status says what is missing"}
		}
	}
	return nil
}

// whole waits until every replica serves, and somebody coordinates where the mode
// wants it.
func (s *story) whole(ctx context.Context) (*supervisor.ClusterStatus, error) {
	cluster, err := s.find()
	if err != nil {
		return nil, err
	}
	if err := awaitStatus(ctx, cluster, "all replicas serve", whole); err != nil {
		return nil, err
	}
	return cluster.Status(ctx)
}

// offices waits until both offices are held, in a mode that has them: a backup
// is named a moment after its coordinator.
func (s *story) offices(ctx context.Context) (*supervisor.ClusterStatus, error) {
	cluster, err := s.find()
	if err != nil {
		return nil, err
	}
	var last *supervisor.ClusterStatus
	err = awaitStatus(ctx, cluster, "a coordinator and a backup", func(status *supervisor.ClusterStatus) bool {
		last = status
		return whole(status) && (leaderless(status) || status.Backup != nil)
	})
	return last, err
}

// down ends the story's own cluster before the story is over.
func (s *story) down(ctx context.Context) error {
	if !s.own() {
		return nil
	}
	done := new(downResult)
	if err := s.do(ctx, done, "down", "--wipe", "--yes"); err != nil {
		return err
	}
	s.got("cluster %s is down and wiped", done.Cluster)
	return nil
}

func namesOf(status *supervisor.ClusterStatus) []string {
	names := make([]string, len(status.Replicas))
	for i, r := range status.Replicas {
		names[i] = r.Name
	}
	return names
}

// act does verb to target: kill, stop, pause, resume or restart.
func (s *story) act(ctx context.Context, verb supervisor.Verb, target string, flags ...string) (*supervisor.ActResult, error) {
	done := new(supervisor.ActResult)
	if err := s.do(ctx, done, append([]string{string(verb), target}, flags...)...); err != nil {
		return nil, err
	}
	var text strings.Builder
	printAct(&text, verb, done)
	s.got("%s", text.String())
	return done, nil
}

// post posts at a replica. A post that was refused, or of which nobody knows,
// is no error here: nil is its answer.
func (s *story) post(ctx context.Context, title, at string, flags ...string) (*written, error) {
	answer := new(written)
	err := s.do(ctx, answer, append([]string{"post", "-t", title, "from a demo", "--at", at}, flags...)...)
	if s.goesOn(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	s.got("article %s, acknowledged by %s: on %s", answer.ID, answer.Replica, counted(answer.Copies, "disk"))
	return answer, nil
}

// goesOn tells of an error that is part of the story: the cluster has answered,
// and not with ok.
func (s *story) goesOn(err error) bool {
	var failure *Failure
	if !errors.As(err, &failure) || failure.Code != ExitRefused && failure.Code != ExitUnknown {
		return false
	}
	s.got("%s", failure.Message)
	return true
}

// shownMax is how many articles of a page a story shows: the last ones.
const shownMax = 3

// read reads at a replica; nil: it was refused.
func (s *story) read(ctx context.Context, at string, flags ...string) (*readResult, error) {
	page := new(readResult)
	err := s.do(ctx, page, append([]string{"read", "--at", at}, flags...)...)
	if s.goesOn(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if more := len(page.Articles) - shownMax; more > 0 {
		s.got("(%s before these)", counted(more, "article"))
	}
	for _, a := range page.Articles[max(0, len(page.Articles)-shownMax):] {
		s.got("%s  %s", a.ID, listTitle(a))
	}
	if len(page.Articles) == 0 {
		s.got("(no articles)")
	}
	s.got("%s", page.told())
	return page, nil
}

// told is where a page came from and what it is worth.
func (r *readResult) told() string {
	text := fmt.Sprintf("-- served by %s", r.Replica)
	if r.Guarantee != "" {
		text += ", " + r.Guarantee
	}
	if len(r.Asked) > 0 {
		text += ", asked " + strings.Join(r.Asked, ", ")
	}
	return text
}

// holds reports whether a page lists an article.
func (r *readResult) holds(id string) bool {
	for _, a := range r.Articles {
		if a.ID == id {
			return true
		}
	}
	return false
}

// fault gives cut, delay, loss or heal with their arguments.
func (s *story) fault(ctx context.Context, args ...string) error {
	done := new(supervisor.FaultResult)
	if err := s.do(ctx, done, args...); err != nil {
		return err
	}
	var text strings.Builder
	printChange(&text, false, done)
	s.got("%s", text.String())
	return nil
}

// sync brings a replica up to date.
func (s *story) sync(ctx context.Context, at string) error {
	done := new(syncResult)
	if err := s.do(ctx, done, "sync", "--at", at); err != nil {
		return err
	}
	var text strings.Builder
	done.print(&text)
	s.got("%s", text.String())
	return nil
}
