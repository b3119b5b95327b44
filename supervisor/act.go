package supervisor

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"consequor/modes"
)

// target is whom a verb is for, once roles are resolved.
type target struct {
	replica string
	plugin  bool
	role    string
	process *process
}

// resolve finds the replica that a target names just now.
func (s *supervisor) resolve(text string) (target, error) {
	status, _, _ := s.hub.status()
	name, plugin := strings.CutPrefix(text, "plugin:")
	var office *string
	switch name {
	case "coordinator":
		office = status.Coordinator
	case "backup":
		office = status.Backup
	default:
		office = &name
	}
	if office == nil {
		return target{}, noOffice(status, name)
	}
	r := status.Replica(*office)
	if r == nil {
		return target{}, &Error{Kind: KindBadTarget, Message: fmt.Sprintf("there is no replica %q", name),
			Hint: "targets are " + targets(status) + ", coordinator, backup, or plugin: before one of these"}
	}
	i := slices.IndexFunc(s.processes, func(p *process) bool { return p.name == r.Process })
	return target{r.Name, plugin, r.Role, s.processes[i]}, nil
}

// noOffice is why nobody is hit who holds an office: nobody does just now, or
// the mode has none.
func noOffice(status *ClusterStatus, office string) error {
	if slices.ContainsFunc(status.Replicas, func(r ReplicaStatus) bool { return r.Role == string(modes.RolePeer) }) {
		return &Error{Kind: KindNoCoordinator, Message: "mode " + status.Mode + " has no " + office, Hint: "name a replica: " + targets(status)}
	}
	return &Error{Kind: KindNoCoordinator, Message: "no " + office + " is known just now", Hint: "see: consequorctl status"}
}

// targetsShown bounds the names in a hint.
const targetsShown = 7

func targets(s *ClusterStatus) string {
	var names []string
	for _, r := range s.Replicas {
		names = append(names, r.Name)
	}
	if len(names) > targetsShown {
		names = append(names[:targetsShown-1], "... "+names[len(names)-1])
	}
	return strings.Join(names, ", ")
}

// act does one of the verbs.
func (s *supervisor) act(ctx context.Context, a actRequest) (*ActResult, error) {
	if !slices.Contains([]Verb{Kill, Stop, Pause, Resume, Restart}, a.Verb) {
		return nil, &Error{Kind: KindBadTarget, Message: fmt.Sprintf("there is no verb %q", a.Verb)}
	}
	t, err := s.resolve(a.Target)
	if err != nil {
		return nil, err
	}
	r := request{verb: a.Verb, respawn: a.Options.Respawn && a.Verb == Kill && !t.plugin}
	if t.plugin {
		r.plugin = t.replica
	}
	if t.plugin && a.Verb == Stop {
		return nil, &Error{Kind: KindBadTarget, Message: "a plugin cannot be stopped alone: its replicad would start it again",
			Hint: "try: consequorctl kill " + a.Target + ", or: consequorctl stop " + t.replica}
	}
	o := t.process.do(r)
	if o.err != nil {
		return nil, o.err
	}
	if a.Options.Wait > 0 && (a.Verb == Restart || a.Verb == Resume) {
		if err := s.awaitServing(ctx, t, a, o.pid); err != nil {
			return nil, err
		}
	}
	return &ActResult{Target: a.Target, Replicas: t.process.hosts, Role: t.role, PID: o.pid, Idle: o.idle}, nil
}

// awaitServing waits until the replica serves again: with the process pid, or,
// when that was a plugin which was to be replaced, with another one.
func (s *supervisor) awaitServing(ctx context.Context, t target, a actRequest, pid int) error {
	ctx, cancel := context.WithTimeout(ctx, a.Options.Wait)
	defer cancel()
	for {
		status, closed, changed := s.hub.status()
		r := status.Replica(t.replica)
		replaced := !t.plugin || a.Verb != Restart || r.PluginPID != 0 && r.PluginPID != pid
		switch {
		case r.State == StateServing && replaced:
			return nil
		case closed:
			return errStopping()
		case r.State != StateServing && r.State != StateStarting:
			return &Error{Kind: KindNotAlive, Message: fmt.Sprintf("%s is %s: %s", r.Name, r.State, r.Why)}
		}
		select {
		case <-changed:
		case <-ctx.Done():
			what := string(r.State)
			if r.Why != "" {
				what += ", waits for " + r.Why
			}
			return &Error{Kind: KindTimeout, Message: fmt.Sprintf("%s does not serve after %v: %s",
				r.Name, a.Options.Wait.Round(time.Millisecond), what), Hint: "see: consequorctl status"}
		}
	}
}
