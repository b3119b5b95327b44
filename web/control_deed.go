package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"consequor/supervisor"
)

// controlTimeout is how long a page waits for what it has asked a supervisor to
// do. That goes on all the same; the timeline tells how it ends.
const controlTimeout = 20 * time.Second

// optionsMax bounds the options of one mode change.
const optionsMax = 16

// deed is something that is done to the cluster. What is not its verb's is
// ignored.
type deed struct {
	Verb    string
	Target  string // of a verb of processes
	A, B    []string
	OneWay  bool
	Mode    string
	Options string // NAME=VALUE, with spaces between
}

const swapVerb = "swap"

// effects say what a verb of processes does.
var effects = map[string]string{
	"kill":    "Its process gets SIGKILL: nobody gets to tidy up. It stays down until it is restarted.",
	"pause":   "Its process gets SIGSTOP: it keeps its connections, and says nothing any more.",
	"resume":  "Its process gets SIGCONT: it goes on as if no time had passed.",
	"stop":    "It ends in order; a coordinator hands over first. It stays down until it is restarted.",
	"restart": "Its process is ended in order, if there is one, and started again.",
}

const pluginEffect = " Here that is the process of its mode; one that was killed is started again by its replica."

var (
	modeName   = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)
	modeOption = regexp.MustCompile(`^[a-z0-9_-]{1,64}=[A-Za-z0-9._:-]{1,64}$`)
)

// check lets through only what the command line could be asked as well: its
// words are plain, and need no quotes.
func (d *deed) check(status *supervisor.ClusterStatus) error {
	switch {
	case effects[d.Verb] != "":
		return d.checkTarget(status)
	case d.Verb == swapVerb:
		return d.checkMode()
	case d.Verb == string(supervisor.HealLinks) && len(d.A) == 0 && len(d.B) == 0:
		d.OneWay = false
		return nil
	case d.Verb == string(supervisor.CutLinks) || d.Verb == string(supervisor.HealLinks):
		return errors.Join(checkSide(status, d.A), checkSide(status, d.B))
	}
	return fmt.Errorf("there is no verb %q", cut(d.Verb, 40))
}

func (d *deed) checkTarget(status *supervisor.ClusterStatus) error {
	name, plugin := strings.CutPrefix(d.Target, "plugin:")
	if plugin && (d.Verb == "stop" || d.Verb == "restart") {
		return fmt.Errorf("a plugin cannot be told to %s", d.Verb)
	}
	return checkSide(status, []string{name})
}

func checkSide(status *supervisor.ClusterStatus, names []string) error {
	if len(names) == 0 || len(names) > len(status.Replicas) {
		return errors.New("name a replica at both ends of the links")
	}
	for _, name := range names {
		if !slices.Contains([]string{"coordinator", "backup", supervisor.Rest}, name) && status.Replica(name) == nil {
			return fmt.Errorf("there is no replica %q", cut(name, 40))
		}
	}
	return nil
}

func (d *deed) checkMode() error {
	if !modeName.MatchString(d.Mode) {
		return errors.New("choose a mode")
	}
	options := strings.Fields(d.Options)
	if len(options) > optionsMax {
		return fmt.Errorf("there are %d options, %d at most are taken", len(options), optionsMax)
	}
	for _, o := range options {
		if !modeOption.MatchString(o) {
			return fmt.Errorf("option %q: want NAME=VALUE", cut(o, 40))
		}
	}
	return nil
}

// command is what does the same on a command line.
func (d *deed) command() string {
	words := []string{"consequorctl"}
	switch {
	case d.Verb == swapVerb:
		words = append(words, "mode", "swap", d.Mode)
		for _, o := range strings.Fields(d.Options) {
			words = append(words, "--option", o)
		}
	case effects[d.Verb] != "":
		words = append(words, d.Verb, d.Target)
	default:
		words = append(words, d.Verb)
		if len(d.A) > 0 {
			words = append(words, strings.Join(d.A, ","), strings.Join(d.B, ","))
		}
		if d.OneWay {
			words = append(words, "--one-way")
		}
	}
	return strings.Join(words, " ")
}

func (d *deed) title() string {
	a, b := strings.Join(d.A, ", "), strings.Join(d.B, ", ")
	switch {
	case d.Verb == swapVerb:
		return "Change the mode to " + d.Mode + "?"
	case effects[d.Verb] != "":
		target, plugin := strings.CutPrefix(d.Target, "plugin:")
		if plugin {
			target = "the plugin of " + target
		}
		return strings.ToUpper(d.Verb[:1]) + d.Verb[1:] + " " + target + "?"
	case len(d.A) == 0:
		return "Heal all links?"
	case d.OneWay:
		return fmt.Sprintf("%s what %s says to %s?", strings.ToUpper(d.Verb[:1])+d.Verb[1:], a, b)
	}
	return fmt.Sprintf("%s the links between %s and %s?", strings.ToUpper(d.Verb[:1])+d.Verb[1:], a, b)
}

func (d *deed) effect() string {
	switch {
	case d.Verb == swapVerb:
		return "All replicas change over while the board is live; posts wait for a moment. Nothing that was acknowledged is lost."
	case effects[d.Verb] != "" && strings.HasPrefix(d.Target, "plugin:"):
		return effects[d.Verb] + pluginEffect
	case effects[d.Verb] != "":
		return effects[d.Verb]
	case d.Verb == string(supervisor.HealLinks):
		return "All faults of these links go: cuts, delays, losses."
	case d.OneWay:
		return "Nothing comes through that way any more, and nobody is told. It stays so until it is healed."
	}
	return "Nothing comes through any more, and both ends know that the other one is away. It stays so until it is healed."
}

// fields are the deed as a form has it.
func (d *deed) fields() []field {
	list := []field{{"verb", d.Verb}}
	add := func(name, value string) {
		if value != "" {
			list = append(list, field{name, value})
		}
	}
	add("target", d.Target)
	for _, a := range d.A {
		add("a", a)
	}
	for _, b := range d.B {
		add("b", b)
	}
	if d.OneWay {
		add("one_way", "1")
	}
	add("mode", d.Mode)
	add("options", d.Options)
	return list
}

// do does it, and tells what was done.
func (d *deed) do(v *visit) (string, error) {
	ctx, cancel := context.WithTimeout(v.r.Context(), controlTimeout)
	defer cancel()
	control := v.s.config.Source.Control()
	switch {
	case d.Verb == swapVerb:
		return d.swap(ctx, v, control)
	case effects[d.Verb] != "":
		done, err := control.Act(ctx, supervisor.Verb(d.Verb), d.Target, supervisor.ActOptions{})
		if err != nil {
			return "", err
		}
		return tellAct(d.Verb, done), nil
	}
	done, err := control.ChangeLinks(ctx, supervisor.FaultRequest{Verb: supervisor.FaultVerb(d.Verb), A: d.A, B: d.B, OneWay: d.OneWay})
	if err != nil {
		return "", err
	}
	return tellFault(d.Verb, done), nil
}

func (d *deed) swap(ctx context.Context, v *visit, control Control) (string, error) {
	if v.s.config.Modes == nil {
		return "", errors.New("this web client does not know any modes")
	}
	r, err := v.s.config.Modes.Swap(ctx, v.status, d.Mode, strings.Fields(d.Options))
	if err != nil {
		return "", err
	}
	done, err := control.Swap(ctx, *r, nil)
	if err != nil {
		return "", err
	}
	text := fmt.Sprintf("Mode %s runs in epoch %d, after %s; posts waited %.0f ms.", done.Mode, done.Epoch, done.From, done.PauseMS)
	if len(done.Missing) > 0 {
		text = fmt.Sprintf("Mode %s is decided, in epoch %d, after %s. It begins on %s as soon as they can.", done.Mode, done.Epoch, done.From, strings.Join(done.Missing, ", "))
	}
	return text, nil
}

var pastTense = map[string]string{"kill": "Killed", "stop": "Stopped", "pause": "Paused", "resume": "Resumed", "restart": "Restarted"}

func tellAct(verb string, done *supervisor.ActResult) string {
	what := strings.Join(done.Replicas, ", ")
	if strings.HasPrefix(done.Target, "plugin:") {
		what = "the plugin of " + what
	}
	if done.Idle {
		return what + " was not paused."
	}
	text := pastTense[verb] + " " + what
	if done.Role != "" {
		text += ", " + done.Role
	}
	if done.PID != 0 {
		text += fmt.Sprintf(", pid %d", done.PID)
	}
	return text + "."
}

func tellFault(verb string, done *supervisor.FaultResult) string {
	text := fmt.Sprintf("%s %d %s of links: in force.", map[string]string{"cut": "Cut", "heal": "Healed"}[verb], len(done.Links), plural(len(done.Links), "direction"))
	for _, s := range done.Missing {
		text += fmt.Sprintf(" %s cannot confirm (%s), and finds it in force when it comes back.", s.Replica, s.Why)
	}
	return text
}

// describeControl says why a deed was not done, or not yet.
func describeControl(d *deed, err error) *trouble {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return &trouble{http.StatusGatewayTimeout, "Not done yet", "It goes on: " + d.command() + ".", "The cluster's timeline tells how it ends."}
	}
	t := &trouble{Code: http.StatusConflict, Title: "Not done", Text: err.Error(), Hint: "See the cluster's page."}
	var e *supervisor.Error
	if !errors.As(err, &e) {
		return t
	}
	t.Text = e.Message
	if e.Hint != "" {
		t.Hint = e.Hint
	}
	switch e.Kind {
	case supervisor.KindNotRunning, supervisor.KindStopping:
		t.Code, t.Title = http.StatusServiceUnavailable, "The supervisor does not answer"
	case supervisor.KindTimeout:
		t.Code, t.Title = http.StatusGatewayTimeout, "Not done everywhere yet"
	case supervisor.KindBadTarget:
		t.Code = http.StatusBadRequest
	}
	return t
}
