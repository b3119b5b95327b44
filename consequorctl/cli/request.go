package cli

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"slices"
	"strings"
	"time"

	"consequor/board"
	"consequor/consequorctl/record"
	"consequor/replicad/api"
	"consequor/supervisor"
)

// asking is what the five requests have in common.
type asking struct {
	At        string        `help:"The replica to ask (default: any that answers)." placeholder:"REPLICA"`
	As        string        `help:"The user to ask as (default: the login name)." placeholder:"USER"`
	Session   string        `help:"The session to go on with (default: the user's)." placeholder:"NAME" xor:"session"`
	NoSession bool          `help:"Neither use nor keep a session." xor:"session"`
	Timeout   time.Duration `help:"How long to try." default:"5s"`
}

// Validate is called by the parser.
func (a *asking) Validate() error {
	if a.Timeout <= 0 {
		return fmt.Errorf("--timeout %v: want more than 0s", a.Timeout)
	}
	return nil
}

// keyed is what the two that write have beside that.
type keyed struct {
	Key string `help:"Makes a retry safe: all posts with one key are one article (default: made, and kept until answered)." placeholder:"KEY"`
}

// visit is one command's talk with a cluster.
type visit struct {
	console *Console
	client  *api.Client
	session *session
	author  string
	at      string      // empty: any
	token   board.Token // of the session

	pen    *record.Pen   // writes down what is asked, while the cluster is recorded
	called time.Duration // before token was looked up
}

// visit runs talk against the cluster that is meant, within the time given.
func (a *asking) visit(ctx context.Context, console *Console, name clusterFlag, talk func(context.Context, *visit) error) error {
	cluster, err := name.find()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, a.Timeout)
	defer cancel()
	status, err := cluster.Status(ctx)
	if err != nil {
		return err
	}
	folder := sessionHome(cluster.Home(), status)
	v := &visit{console: console, session: new(session), author: a.As, at: a.At, pen: record.Open(folder), called: record.Now()}
	if v.author == "" {
		v.author = loginName()
	}
	if !a.NoSession {
		v.session = openSession(folder, cmp.Or(a.Session, v.author))
	}
	if v.token, err = v.session.Token(); err != nil {
		return err
	}
	if err := v.dial(status); err != nil {
		return err
	}
	defer v.client.Close()
	return errors.Join(talk(ctx, v), v.pen.Close())
}

func loginName() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return cmp.Or(os.Getenv("USER"), "anonymous")
}

// dial prepares to ask the replicas of status, those first that serve.
func (v *visit) dial(status *supervisor.ClusterStatus) error {
	if v.at != "" && status.Replica(v.at) == nil {
		return noSuchReplica(status, v.at)
	}
	endpoints := make([]api.Endpoint, len(status.Replicas))
	for i, r := range status.Replicas {
		endpoints[i] = api.Endpoint{ID: board.ReplicaID(i + 1), Name: r.Name, Addr: r.ClientAddr}
	}
	slices.SortStableFunc(endpoints, func(a, b api.Endpoint) int {
		return cmp.Compare(absence(status, a.Name), absence(status, b.Name))
	})
	if v.console.Verbose {
		v.console.Note("asking %s at %s first", cmp.Or(v.at, endpoints[0].Name), status.Replica(cmp.Or(v.at, endpoints[0].Name)).ClientAddr)
	}
	client, err := api.Dial(api.Target{Replicas: endpoints})
	v.client = client
	return err
}

func noSuchReplica(status *supervisor.ClusterStatus, name string) error {
	names := make([]string, len(status.Replicas))
	for i, r := range status.Replicas {
		names[i] = r.Name
	}
	return &Failure{Code: ExitUsage, Kind: "bad_target", Message: "there is no replica " + name, Hint: "there are " + strings.Join(names, ", ")}
}

func absence(status *supervisor.ClusterStatus, name string) int {
	if status.Replica(name).State == supervisor.StateServing {
		return 0
	}
	return 1
}

// ask sends one request on behalf of the session and joins the answer to it.
func (v *visit) ask(ctx context.Context, r api.Request) (*api.Answer, error) {
	r.Token, r.Replica = v.token, v.at
	do := v.client.DoAny
	if v.at != "" {
		do = v.client.Do
	}
	ctx, asked, err := v.pen.Ask(ctx, v.session.path, v.called, &r)
	if err != nil {
		return nil, err
	}
	answer, err := do(ctx, r)
	if err != nil {
		return nil, errors.Join(err, asked.Ended(nil, err))
	}
	if v.token, err = v.session.Join(answer.Token); err != nil {
		return nil, errors.Join(err, asked.Ended(answer, nil))
	}
	v.called = record.Now()
	return answer, asked.Ended(answer, nil)
}

// write sends a post or reply under a key that the session keeps until there
// is an answer.
func (v *visit) write(ctx context.Context, r api.Request, given string) (*api.Answer, error) {
	key, again, err := v.session.Begin(digestOf(r), given, func() (string, error) { return v.client.MakeKey(ctx, v.token, v.at) })
	if err != nil {
		return nil, err
	}
	if again {
		v.console.Note("going on with key %s: an earlier try may have been done", key)
	}
	r.Key = key
	answer, err := v.ask(ctx, r)
	if err == nil {
		return answer, v.session.Answered(key)
	}
	var e *api.Error
	if errors.As(err, &e) && e.Outcome == api.Refused && !again {
		return nil, errors.Join(err, v.session.Answered(key))
	}
	return nil, errors.Join(unanswered(err, key), v.session.Unanswered(key))
}

// unanswered: once any try of a key may have been done, a later refusal says
// nothing about that one. It is told as the last try's reason, and no more.
func unanswered(err error, key string) error {
	f := *describe(err)
	if f.Code != ExitUnknown {
		f.Code, f.Kind = ExitUnknown, "unknown"
		f.Message = "unknown: an earlier try may have been done; the last one: " + f.Message
	}
	f.Key = key
	f.Message += " (key " + key + ")"
	f.Hint = "it may have been done; give the same command again: it goes on with this key, and is never done twice"
	return &f
}

func digestOf(r api.Request) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %s %q %q %q", r.Verb, r.Target, r.Author, r.Title, r.Body))
	return hex.EncodeToString(sum[:16])
}

// text is the argument that post and reply share.
type text struct {
	Body *string `arg:"" optional:"" help:"The text; - or none: standard input. One that begins with - goes after --."`
}

// read returns the body. No more than a body may have, and one byte, is taken
// from standard input: what is too long is refused with its limit.
func (t *text) read(ctx context.Context, console *Console) (string, error) {
	if t.Body != nil && *t.Body != "-" {
		return *t.Body, nil
	}
	if console.Typed {
		console.Note("type the text; Ctrl-D on a line of its own ends it")
	}
	data, err := awaitInput(ctx, func() ([]byte, error) {
		return io.ReadAll(io.LimitReader(console.Stdin, board.BodyLenMax+1))
	})
	if err != nil {
		return "", fmt.Errorf("read the body from standard input: %w", err)
	}
	return string(data), nil
}

// written is the result of post and reply.
type written struct {
	ID  string `json:"id"`
	Key string `json:"key"`
	served
	Copies int `json:"copies"`
}

func (v *visit) showWritten(answer *api.Answer, human string) error {
	result := written{answer.ID.String(), answer.Key, servedBy(answer), answer.Copies}
	err := v.console.Result(result, func(w io.Writer) {
		if v.console.Quiet {
			human = "%s"
		}
		fmt.Fprintf(w, human+"\n", result.ID)
	})
	v.console.LastLine(result.line() + " · on " + counted(result.Copies, "disk"))
	return err
}
