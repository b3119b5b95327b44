package topologies

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"consequor/modes"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files anew")

var known = Options{Check: checkFit, Modes: []modes.Description{
	{Name: "quorum", Options: []modes.OptionDescription{{Name: "read"}, {Name: "unsafe"}, {Name: "write"}}},
	{Name: "read-your-write", Options: []modes.OptionDescription{{Name: "copies"}}},
	{Name: "sequential", ReplicasMax: 7, Options: []modes.OptionDescription{{Name: "voters"}}},
}, Exhibits: []modes.Description{{Name: "example-primary", Options: []modes.OptionDescription{{Name: "unsafe"}}}}}

// checkFit plays the modes' own word: quorum's rule, and doubts about even
// numbers.
func checkFit(mode string, options []modes.Option, replicas int) (warning string, err error) {
	if mode == "quorum" {
		return "", checkQuorum(options, replicas)
	}
	if mode == "example-primary" && !slices.ContainsFunc(options, isUnsafe) {
		return "", errors.New("broken on purpose")
	}
	if mode == "sequential" && replicas%2 == 0 {
		return fmt.Sprintf("%d replicas are an even number", replicas), nil
	}
	return "", nil
}

func checkQuorum(options []modes.Option, replicas int) error {
	sides, unsafe := map[string]int{"read": replicas/2 + 1, "write": replicas/2 + 1}, false
	var errs []error
	for _, o := range options {
		if o.Name == "unsafe" {
			unsafe, _ = strconv.ParseBool(o.Value)
			continue
		}
		side, err := strconv.Atoi(o.Value)
		if err != nil || side < 1 || side > replicas {
			errs = append(errs, &modes.OptionError{Option: o.Name, Why: fmt.Sprintf("want 1 to %d, got %q", replicas, o.Value)})
		}
		if sides[o.Name] == 0 {
			errs = append(errs, &modes.OptionError{Option: o.Name, Why: "unknown"})
		}
		sides[o.Name] = side
	}
	if len(errs) == 0 && sides["read"]+sides["write"] <= replicas && !unsafe {
		errs = append(errs, fmt.Errorf("read %d + write %d is not more than %d replicas", sides["read"], sides["write"], replicas))
	}
	return errors.Join(errs...)
}

// A file of two lines gets a default for everything else.
func TestDefaults(t *testing.T) {
	got := mustParse(t, "/x/two.yaml", "mode: sequential\nreplicas: 2\n", known)
	want := &Topology{
		Path: "/x/two.yaml", Name: "two", Mode: Mode{Name: "sequential"},
		Replicas: []Replica{
			{ID: 1, Name: "r1", Process: "r1", Client: "127.0.0.1:0", Peer: "127.0.0.1:0"},
			{ID: 2, Name: "r2", Process: "r2", Client: "127.0.0.1:0", Peer: "127.0.0.1:0"},
		},
		Restart:  DefaultRestart,
		Warnings: []Problem{{"/x/two.yaml", 2, 11, "2 replicas are an even number"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("want -, got +:\n%s", diff)
	}
}

// A plugin whose file is not there, is none, or has another sum is told with its
// place, if that was asked for; else nobody looks.
func TestPluginFiles(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "good"), []byte("abc"), 0o600); err != nil {
		t.Fatal(err)
	}
	const sum = "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD" // of abc: FIPS 180-2, B.1
	text := func(file, sum string) string {
		return "mode: mine\nreplicas: 3\nmodes:\n  mine:\n    plugin: ./" + file + "\n    sha256: " + sum + "\n"
	}
	path, checked := filepath.Join(dir, "lab.yaml"), known
	checked.CheckPlugins = true
	mustParse(t, path, text("good", sum), checked)
	mustParse(t, path, text("missing", sum), known)
	zeros := strings.Repeat("0", 64)
	for _, bad := range []struct{ file, sum, want string }{
		{"missing", sum, ":5:13: modes.mine.plugin: there is no file " + dir + "/missing"},
		{".", sum, ":5:13: modes.mine.plugin: " + dir + ": want a regular file"},
		{"good", zeros, ":6:13: modes.mine.sha256: the sum of " + dir + "/good is " + strings.ToLower(sum) + ", not " + zeros},
	} {
		_, err := Parse(path, []byte(text(bad.file, bad.sum)), checked)
		if err == nil || err.Error() != path+bad.want {
			t.Errorf("%s with sum %.8s...:\ngot  %v\nwant %s", bad.file, bad.sum, err, path+bad.want)
		}
	}
}

// Every field is used, in its longest form.
func TestEveryField(t *testing.T) {
	got := mustParse(t, "/x/all.yaml", `
name: lab-1
mode: {name: mine, options: {write: 2, read: 2, eager: true}}
replicas:
  - {name: north, client: 9001, peer: 9002}
  - {host: 127.0.0.7}
  - &third {host: localhost, peer: 9100}
ports: {client: 7101, peer: 7201}
restart: {policy: always, backoff: 1s, backoff_max: 1m, give_up_after: 9}
modes: {mine: {plugin: ./bin/mine, sha256: `+strings.Repeat("AB", 32)+`}}
web: 127.0.0.1:7080
unsafe: true
per_process: 1
`, known)
	want := &Topology{
		Path: "/x/all.yaml", Name: "lab-1",
		Mode: Mode{Name: "mine", Plugin: "/x/bin/mine", SHA256: strings.Repeat("ab", 32),
			Options: []modes.Option{{Name: "eager", Value: "true"}, {Name: "read", Value: "2"}, {Name: "write", Value: "2"}}},
		Modes: []Mode{{Name: "mine", Plugin: "/x/bin/mine", SHA256: strings.Repeat("ab", 32)}},
		Replicas: []Replica{
			{ID: 1, Name: "north", Process: "north", Client: "127.0.0.1:9001", Peer: "127.0.0.1:9002"},
			{ID: 2, Name: "r2", Process: "r2", Client: "127.0.0.7:7102", Peer: "127.0.0.7:7202"},
			{ID: 3, Name: "r3", Process: "r3", Client: "127.0.0.1:7103", Peer: "127.0.0.1:9100"},
		},
		Restart: Restart{Always, time.Second, time.Minute, 9},
		Web:     "127.0.0.1:7080",
		Warnings: []Problem{
			{"/x/all.yaml", 12, 9, "unsafe: no effect in mode mine, which is not built in: set the option that it has for that, if any"},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("want -, got +:\n%s", diff)
	}
}

// A file with a dozen different mistakes: all are reported at once, each in
// its place.
func TestTwelveMistakes(t *testing.T) {
	data, err := os.ReadFile("testdata/twelve.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_, err = Parse("twelve.yaml", data, known)
	var problems Problems
	if !errors.As(err, &problems) || len(problems) < 12 {
		t.Fatalf("want at least twelve problems, got: %v", err)
	}
	golden(t, "testdata/twelve.txt", err.Error()+"\n")
}

// Each kind of mistake alone.
func TestMistakes(t *testing.T) {
	for _, test := range []struct{ yaml, want string }{
		{"", "x.yaml:1:1: the file is empty"},
		{"# nothing\n", "x.yaml:1:1: the file is empty"},
		{"replicas: 3", `x.yaml:1:1: the topology needs the field "mode"`},
		{"mode: sequential", `x.yaml:1:1: the topology needs the field "replicas"`},
		{"- a", `x.yaml:1:1: the topology: want fields (key: value), got a list`},
		{"mode: [", "x.yaml:1:1: not YAML: did not find expected node content"},
		{"a: b: c", "x.yaml:1:1: not YAML: mapping values are not allowed in this context"},
		{"mode: sequential\nreplicas: 3\n---\nmode: x", "x.yaml:3:1: a second document: a file holds one topology"},
		{"mode: sequential\nreplicas: 3\nreplica: 3", `x.yaml:3:1: unknown field "replica" in the topology: did you mean "replicas"?`},
		{"mode: sequential\nreplicas: 3\nzzz: 3", `x.yaml:3:1: unknown field "zzz" in the topology`},
		{"mode: sequential\nreplicas: 3\nreplicas: 5", `x.yaml:3:1: "replicas" is given twice in the topology: first in line 2`},
		{"mode: sequential\nreplicas: three", `x.yaml:2:11: replicas: want a whole number, got "three"`},
		{"mode: sequential\nreplicas: 3.5", `x.yaml:2:11: replicas: want a whole number, got "3.5"`},
		{"mode: sequential\nreplicas: 0", `x.yaml:2:11: replicas: 0 is out of range: want 1 to 1000`},
		{"mode: sequential\nreplicas: 9", `x.yaml:2:11: mode sequential is good for at most 7 replicas, not 9`},
		{"mode: sequential\nreplicas: []", `x.yaml:2:11: replicas: 0 are out of range: want 1 to 1000`},
		{"mode: sequential\nreplicas:", `x.yaml:2:10: replicas: want a whole number, got nothing`},
		{"mode: raft\nreplicas: 3", `x.yaml:1:7: unknown mode "raft": known are quorum, read-your-write, sequential`},
		{"mode: sequental\nreplicas: 3", `x.yaml:1:7: unknown mode "sequental": did you mean "sequential"?`},
		{"mode: {options: {}}\nreplicas: 3", `x.yaml:1:1: mode needs the field "name"`},
		{"mode: {name: quorum, options: {raed: 2}}\nreplicas: 3", `x.yaml:1:32: mode quorum has no option "raed": did you mean "read"?`},
		{"mode: {name: quorum, options: {read: }}\nreplicas: 3", `x.yaml:1:38: mode.options.read: want a number, a word or true or false, got nothing`},
		{"mode: {name: quorum, options: {read: 1, write: 2}}\nreplicas: 3", `x.yaml:1:32: mode quorum: read 1 + write 2 is not more than 3 replicas`},
		{"mode:\n  options: {write: 1}\n  name: quorum\nreplicas: 3", `x.yaml:2:13: mode quorum: read 2 + write 1 is not more than 3 replicas`},
		{"replicas: [{}, {}, {}]\nmode: {name: quorum, options: {read: 4}}", `x.yaml:2:32: mode quorum: read: want 1 to 3, got "4"`},
		{"mode: {name: quorum, options: {read: 1, write: 1, unsafe: false}}\nreplicas: 3\nunsafe: true", `x.yaml:3:9: unsafe: true, but the mode's option unsafe is "false"`},
		{"mode: sequential\nreplicas: 3\nname: 3", `x.yaml:3:7: name: want text, got "3"; if it is meant, write "3"`},
		{"mode: sequential\nreplicas: 3\nname: ../up", `x.yaml:3:7: name: "../up" does not match [a-z0-9][a-z0-9-]{0,62}`},
		{"mode: sequential\nreplicas: [{}, {name: r1}]", `x.yaml:2:23: two replicas are named "r1"`},
		{"mode: sequential\nreplicas: [{name: backup}]", `x.yaml:2:19: a replica cannot be named "backup": commands and files use that name`},
		{"mode: sequential\nreplicas: [{host: example.org}]", `x.yaml:2:19: host: want an IP address, got "example.org"`},
		{"mode: sequential\nreplicas: [{host: 0.0.0.0}]", `x.yaml:2:19: host: peers cannot dial 0.0.0.0: name one address of this machine`},
		{"mode: sequential\nreplicas: [{host: 192.0.2.1}]", `x.yaml:2:19: host: 192.0.2.1 can be reached from other machines: that needs certificates of yours, which are not supported yet`},
		{"mode: sequential\nreplicas: 3\nweb: ':80'", `x.yaml:3:6: web: want host:port, got ":80"`},
		{"mode: sequential\nreplicas: 3\nweb: '192.0.2.1:80'", `x.yaml:3:6: web: 192.0.2.1 can be reached from other machines: that needs certificates of yours, which are not supported yet`},
		{"mode: sequential\nreplicas: 3\nports: {client: 7101, peer: 7102}", `x.yaml:3:8: r2's client port, 7102, is r1's peer port already`},
		{"mode: sequential\nreplicas: 3\nports: {client: 65534}", `x.yaml:3:8: r3's client port would be 65536: the highest port is 65535`},
		{"mode: sequential\nreplicas: 3\nports: {clients: 7101}", `x.yaml:3:9: unknown field "clients" in ports: did you mean "client"?`},
		{"mode: sequential\nreplicas: 3\nrestart: {policy: onfailure}", `x.yaml:3:19: restart.policy: "onfailure" is not one of on-failure, always, never: did you mean "on-failure"?`},
		{"mode: sequential\nreplicas: 3\nrestart: {backoff: 200}", `x.yaml:3:20: restart.backoff: want a time such as 200ms, 5s or 1m, got "200"`},
		{"mode: sequential\nreplicas: 3\nrestart: {backoff: 1us}", `x.yaml:3:20: restart.backoff: 1µs is out of range: want 1ms to 1h0m0s`},
		{"mode: sequential\nreplicas: 3\nrestart: {backoff: 6s}", `x.yaml:3:1: restart: backoff_max (5s) is below backoff (6s)`},
		{"mode: sequential\nreplicas: 3\nrestart: {give_up_after: 0}", `x.yaml:3:26: restart.give_up_after: 0 is out of range: want 1 to 1000`},
		{"mode: sequential\nreplicas: 3\nmodes: {quorum: {plugin: x, sha256: " + strings.Repeat("0", 64) + "}}", `x.yaml:3:9: modes: "quorum" is built in; give yours another name`},
		{"mode: sequential\nreplicas: 3\nmodes: {mine: {plugin: x}}", `x.yaml:3:9: modes.mine needs the field "sha256"`},
		{"mode: sequential\nreplicas: 3\nmodes: {mine: {plugin: '', sha256: " + strings.Repeat("0", 64) + "}}", `x.yaml:3:24: modes.mine.plugin: want a path, got nothing`},
		{"mode: sequential\nreplicas: 3\ntls: {ca: x, cert: y, key: z}", `x.yaml:3:1: tls: not supported yet: certificates of your own; the supervisor makes them, and every listener stays on loopback`},
		{"mode: sequential\nreplicas: 3\nunsafe: 1", `x.yaml:3:9: unsafe: want true or false, got "1"`},
		{"mode: sequential\nreplicas: 3\nper_process: 100", `x.yaml:3:14: per_process: not supported yet: several replicas in one process; the only value is 1`},
		{"mode: sequential\nreplicas: 3\nseed: x", `x.yaml:3:7: seed: want a whole number, got "x"`},
		{"mode: sequential\nreplicas: 3\nseed: 0", `x.yaml:3:7: seed: 0 is out of range: want 1 to 4611686018427387904`},
		{"mode: sequential\nreplicas: [{name: rest}]", `x.yaml:2:19: a replica cannot be named "rest": commands and files use that name`},
		{faulty("between: [r1], and: r4, cut: true"), `x.yaml:4:24: and: there is no replica "r4": did you mean "r1"?`},
		{faulty("between: [r1], and: rset, cut: true"), `x.yaml:4:24: and: there is no replica "rset": did you mean "rest"?`},
		{faulty("between: 'r1,r2', and: r3, cut: true"), `x.yaml:4:13: between: there is no replica "r1,r2": write several as a list, [r1, r2]`},
		{faulty("between: [r1, r1], and: r3, cut: true"), `x.yaml:4:18: between: r1 is named twice`},
		{faulty("between: [], and: r3, cut: true"), `x.yaml:4:13: between: names no replica`},
		{faulty("between: [r1, rest], and: r3, cut: true"), `x.yaml:4:13: between: "rest" stands alone: it is everyone that the other side does not name`},
		{faulty("between: rest, and: rest, cut: true"), `x.yaml:4:24: both sides are "rest"`},
		{faulty("between: rest, and: [r1, r2, r3], cut: true"), `x.yaml:4:13: "rest" is nobody: the other side names all replicas`},
		{faulty("from: [r1, r2], to: [r2, r3], cut: true"), `x.yaml:4:24: r2 is on both sides`},
		{faulty("between: r1, to: r2, cut: true"), `x.yaml:4:3: a fault needs "between" and "and", for both directions, or "from" and "to", for one`},
		{faulty("between: r1, and: r2, from: r1, cut: true"), `x.yaml:4:3: a fault needs "between" and "and", for both directions, or "from" and "to", for one`},
		{faulty("between: r1, and: r2"), `x.yaml:4:3: a fault needs "cut", "delay" or "loss"`},
		{faulty("from: r1, to: r2, lost: 10%"), `x.yaml:4:22: unknown field "lost" in a fault: did you mean "loss"?`},
		{faulty("from: r1, to: r2, loss: 10"), `x.yaml:4:28: loss: want a part such as 10%, up to 100%, got "10"`},
		{faulty("from: r1, to: r2, loss: 110%"), `x.yaml:4:28: loss: want a part such as 10%, up to 100%, got "110%"`},
		{faulty("from: r1, to: r2, cut: 1"), `x.yaml:4:27: cut: want true or false, got "1"`},
		{faulty("from: r1, to: r2, delay: 2m"), `x.yaml:4:29: delay: 2m0s is out of range: want 1µs to 1m0s`},
		{faulty("from: r1, to: r2, jitter: 2ms"), `x.yaml:4:30: jitter: there is no "delay" for it`},
		{faulty("from: r1, to: r2, delay: 1ms, jitter: 2ms"), `x.yaml:4:42: jitter: 2ms is more than the delay, 1ms`},
		{faulty("between: r1, and: r2, loss: 1%}\n- {from: r2, to: r1, loss: 2%"), `x.yaml:5:28: loss of what r2 says to r1 is given twice: first in line 4`},
		{faulty("7"), `x.yaml:4:4: unknown field "7" in a fault`},
		{"mode: sequential\nreplicas: 3\nfaults: [r1]", `x.yaml:3:10: a fault: want fields (key: value), got "r1"`},
		{"mode: sequential\nreplicas: 3\nfaults: all", `x.yaml:3:9: faults: want a list, got "all"`},
		{"x: &a {mode: sequential}\n<<: *a", `x.yaml:2:1: the topology: want a field's name, got "<<"`},
	} {
		_, err := Parse("x.yaml", []byte(test.yaml), known)
		var problems Problems
		if !errors.As(err, &problems) {
			t.Errorf("%q: want problems, got %v", test.yaml, err)
			continue
		}
		if !strings.Contains(err.Error()+"\n", test.want+"\n") {
			t.Errorf("%q:\n want %s\n got  %s", test.yaml, test.want, err)
		}
	}
}

// Of a mode's options each is reported where it stands, in the file or on the
// command line; neither a name that the mode does not know nor a word against
// "unsafe" hides the others, and what only follows from them is not reported.
func TestOptionsEachInItsPlace(t *testing.T) {
	file := `
mode:
  name: quorum
  options:
    write: none
    raed: 1
    unsafe: false
    read: 1
replicas: 3
unsafe: true
`
	o := known
	o.ModeOptions = []modes.Option{{Name: "read", Value: "4"}}
	_, err := Parse("x.yaml", []byte(file), o)
	want := `--option: mode quorum: read: want 1 to 3, got "4"
x.yaml:5:5: mode quorum: write: want 1 to 3, got "none"
x.yaml:6:5: mode quorum has no option "raed": did you mean "read"?
x.yaml:10:9: unsafe: true, but the mode's option unsafe is "false"`
	if err == nil || err.Error() != want {
		t.Errorf("want\n%s\ngot\n%v", want, err)
	}
}

// The command line replaces the mode and the number of replicas; what it says
// is checked like the file, and problems name the flag.
func TestOverrides(t *testing.T) {
	file := "mode: {name: quorum, options: {read: 2}}\nreplicas: 3\n"
	o := known
	o.Mode, o.Replicas = "sequential", 5
	got := mustParse(t, "x.yaml", file, o)
	if diff := cmp.Diff(Mode{Name: "sequential"}, got.Mode); diff != "" || len(got.Replicas) != 5 {
		t.Errorf("%d replicas; mode: want -, got +:\n%s", len(got.Replicas), diff)
	}
	o.Mode, o.Replicas = "quorum", 2
	if got := mustParse(t, "x.yaml", file, o); len(got.Mode.Options) != 1 || len(got.Replicas) != 2 {
		t.Errorf("the same mode's options are gone: %+v", got)
	}

	o.ModeOptions = []modes.Option{{Name: "write", Value: "2"}, {Name: "read", Value: "1"}}
	if got := mustParse(t, "x.yaml", file, o); got.Mode.Options[0].Value != "1" || got.Mode.Options[1].Value != "2" {
		t.Errorf("an option is not the command line's: %+v", got.Mode)
	}
	o.ModeOptions = []modes.Option{{Name: "wriet", Value: "2"}}
	_, err := Parse("x.yaml", []byte(file), o)
	if want, got := "--option: mode quorum has no option \"wriet\": did you mean \"write\"?", lines(err, "--"); got != want {
		t.Errorf("want\n%s\ngot\n%s", want, got)
	}
	o.Mode, o.Replicas, o.ModeOptions = "quorum", 0, []modes.Option{{Name: "write", Value: "1"}}
	_, err = Parse("x.yaml", []byte("mode: sequential\nreplicas: 3"), o)
	if want, got := "--option: mode quorum: read 2 + write 1 is not more than 3 replicas", lines(err, "--"); got != want {
		t.Errorf("want\n%s\ngot\n%s", want, got)
	}
	o.ModeOptions = nil

	o.Mode, o.Replicas = "", 4
	_, err = Parse("x.yaml", []byte("mode: {name: quorum, options: {read: 2, write: 2}}\nreplicas: 3"), o)
	want := "x.yaml:1:32: mode quorum: read 2 + write 2 is not more than 4 replicas"
	if got := lines(err, "x.yaml"); got != want {
		t.Errorf("want\n%s\ngot\n%s", want, got)
	}

	o.Mode, o.Replicas = "sequentiel", 2000
	_, err = Parse("x.yaml", []byte(file), o)
	want = "--mode: unknown mode \"sequentiel\": did you mean \"sequential\"?\n--replicas: 2000 is out of range: want 1 to 1000"
	if got := lines(err, "--"); got != want {
		t.Errorf("want\n%s\ngot\n%s", want, got)
	}
	o.Mode, o.Replicas = "sequential", 8
	_, err = Parse("x.yaml", []byte(file), o)
	want = "--replicas: mode sequential is good for at most 7 replicas, not 8"
	if got := lines(err, "--"); got != want {
		t.Errorf("want\n%s\ngot\n%s", want, got)
	}
	o.Mode, o.Replicas = "", 3
	_, err = Parse("x.yaml", []byte("mode: sequential\nreplicas: [{}]"), o)
	want = "--replicas: the topology lists its 1 replicas one by one: 3 of them cannot be had"
	if got := lines(err, "--"); got != want {
		t.Errorf("want\n%s\ngot\n%s", want, got)
	}
}

// "unsafe" is the mode's option of that name, wherever it is said. It lets
// through what is refused without it, and is no label for what needs none.
func TestUnsafe(t *testing.T) {
	option := func(name, value string) modes.Option { return modes.Option{Name: name, Value: value} }
	for _, test := range []struct {
		yaml     string
		want     Mode
		warnings string
	}{
		{"mode: {name: quorum, options: {write: 1, read: 1}}\nreplicas: 3\nunsafe: true",
			Mode{Name: "quorum", Unsafe: true, Options: []modes.Option{option("read", "1"), option("unsafe", "true"), option("write", "1")}}, ""},
		{"unsafe: true\nreplicas: 3\nmode: {options: {unsafe: true, write: 1}, name: quorum}",
			Mode{Name: "quorum", Unsafe: true, Options: []modes.Option{option("unsafe", "true"), option("write", "1")}}, ""},
		{"mode: {name: quorum, options: {write: 1, unsafe: true}}\nreplicas: 3",
			Mode{Name: "quorum", Unsafe: true, Options: []modes.Option{option("unsafe", "true"), option("write", "1")}}, ""},
		{"mode: {name: quorum, options: {write: 1, unsafe: True}}\nreplicas: 3",
			Mode{Name: "quorum", Unsafe: true, Options: []modes.Option{option("unsafe", "True"), option("write", "1")}}, ""},
		{"mode: {name: quorum, options: {write: 1}}\nreplicas: 1\nunsafe: false",
			Mode{Name: "quorum", Options: []modes.Option{option("write", "1")}}, ""},
		{"mode: quorum\nreplicas: 3\nunsafe: true",
			Mode{Name: "quorum", Options: []modes.Option{option("unsafe", "true")}},
			"x.yaml:3:9: unsafe: no effect: mode quorum keeps its promise with these options"},
		{"mode: {name: quorum, options: {unsafe: true}}\nreplicas: 3",
			Mode{Name: "quorum", Options: []modes.Option{option("unsafe", "true")}},
			"x.yaml:1:32: unsafe: no effect: mode quorum keeps its promise with these options"},
		{"mode: sequential\nreplicas: 3\nunsafe: true", Mode{Name: "sequential"}, "x.yaml:3:9: unsafe: no effect in mode sequential"},
	} {
		got := mustParse(t, "x.yaml", test.yaml, known)
		if diff := cmp.Diff(test.want, got.Mode); diff != "" {
			t.Errorf("%q: want -, got +:\n%s", test.yaml, diff)
		}
		if warnings := Problems(got.Warnings).Error(); warnings != test.warnings {
			t.Errorf("%q: warnings %q, want %q", test.yaml, warnings, test.warnings)
		}
	}
}

// faulty is a topology with one link fault.
func faulty(fault string) string {
	return "mode: sequential\nreplicas: 3\nfaults:\n- {" + fault + "}"
}

// Entries add up, sides may be lists or the rest, and the table comes in order.
func TestFaults(t *testing.T) {
	got := mustParse(t, "/x/y.yaml", `
mode: sequential
replicas: 3
seed: 7
faults:
- {from: r3, to: r1, loss: 12.5%}
- {between: r1, and: rest, cut: true}
- {from: [r1, r2], to: [r3], delay: 50ms, jitter: 10ms}
`, known)
	want := []LinkFault{
		{From: 1, To: 2, Cut: true},
		{From: 1, To: 3, Cut: true, Delay: 50 * time.Millisecond, Jitter: 10 * time.Millisecond},
		{From: 2, To: 1, Cut: true},
		{From: 2, To: 3, Delay: 50 * time.Millisecond, Jitter: 10 * time.Millisecond},
		{From: 3, To: 1, Cut: true, Loss: 0.125},
	}
	if diff := cmp.Diff(want, got.Faults); diff != "" || got.Seed != 7 {
		t.Errorf("seed %d; want -, got +:\n%s", got.Seed, diff)
	}
}

// A table that no order could carry is refused, and quickly.
func TestTooManyFaults(t *testing.T) {
	text := "mode: read-your-write\nreplicas: 1000\nfaults:\n- {between: [r1, r2, r3, r4, r5], and: rest, cut: true}"
	_, err := Parse("x.yaml", []byte(text), known)
	if err == nil || err.Error() != "x.yaml:4:1: faults: more than 8192 directions of links have some" {
		t.Errorf("%v", err)
	}
}

// A table keeps its order whatever is put into it, and what is whole goes.
func TestFaultTable(t *testing.T) {
	var f Faults
	for _, l := range []LinkFault{{From: 2, To: 1, Cut: true}, {From: 1, To: 3, Loss: 0.1}, {From: 1, To: 2}, {From: 2, To: 1, Delay: time.Second}} {
		f.Put(l)
	}
	before := f.Clone()
	f.Put(LinkFault{From: 1, To: 3})
	if diff := cmp.Diff([]LinkFault{{From: 2, To: 1, Delay: time.Second}}, f.Links); diff != "" {
		t.Error(diff)
	}
	if len(before.Links) != 2 || before.On(1, 3).Loss != 0.1 || !f.On(1, 3).Whole() || f.On(2, 1).Words() != "delay 1s" {
		t.Errorf("before %+v, after %+v", before, f)
	}
}

// Percents are read as they are written.
func TestPercent(t *testing.T) {
	for text, want := range map[string]float64{"10%": 0.1, "12.5%": 0.125, "0%": 0, "100%": 1, "0.01%": 0.0001} {
		if got, err := ParsePercent(text); err != nil || got != want || Percent(got) != text {
			t.Errorf("%s: %v, %v, written %s", text, got, err, Percent(got))
		}
	}
	for _, text := range []string{"", "%", "10", "-1%", "101%", "NaN%", "x%", "1e999%"} {
		if got, err := ParsePercent(text); err == nil {
			t.Errorf("%q is read as %v", text, got)
		}
	}
}

// The samples are good, without a warning, and named as their files.
func TestSamples(t *testing.T) {
	want := []string{"example-primary", "five", "one", "quorum", "quorum-five", "read-your-write", "read-your-write-five", "slow-link", "three", "unsafe"}
	if diff := cmp.Diff(want, Samples()); diff != "" {
		t.Errorf("want -, got +:\n%s", diff)
	}
	for _, name := range Samples() {
		data, ok := Sample(name)
		got := mustParse(t, name+".yaml", string(data), known)
		if !ok || got.Name != name || len(got.Warnings) > 0 {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if _, ok := Sample("nine"); ok {
		t.Error("there is no sample nine")
	}
}

// A file too large to be a topology is not read.
func TestLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "big.yaml")
	if err := os.WriteFile(path, make([]byte, fileSizeMax+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path, known); err == nil || !strings.Contains(err.Error(), "1048577 bytes, the limit is 1048576") {
		t.Errorf("a large file: %v", err)
	}
	if _, err := Load(path+"x", known); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	if got, err := Load("three.yaml", known); err != nil || got.Name != "three" || !filepath.IsAbs(got.Path) {
		t.Errorf("the sample: %+v, %v", got, err)
	}
}

func TestDistance(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"abc", "abc", 0}, {"raed", "read", 1}, {"kitten", "sitting", 3}, {"ca", "abc", 3}} {
		if got := distance(test.a, test.b); got != test.want {
			t.Errorf("distance(%q, %q) = %d, want %d", test.a, test.b, got, test.want)
		}
	}
}

// Whatever a file holds, the parser neither panics nor accepts what breaks the
// promises that the rest of the program builds on.
func FuzzParse(f *testing.F) {
	for _, name := range Samples() {
		data, _ := Sample(name)
		f.Add(data)
	}
	if data, err := os.ReadFile("testdata/twelve.yaml"); err == nil {
		f.Add(data)
	}
	f.Add([]byte("a: &a [*a]\nmode: *a\nreplicas: *a"))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := Parse("x.yaml", data, known)
		if err != nil {
			return
		}
		if !ValidName(got.Name) || len(got.Replicas) == 0 || got.Mode.Name == "" {
			t.Fatalf("accepted: %+v", got)
		}
		for _, l := range got.Faults {
			if l.From == l.To || l.Whole() || min(l.From, l.To) < 1 || int(max(l.From, l.To)) > len(got.Replicas) || l.Jitter > l.Delay || l.Loss > 1 {
				t.Fatalf("accepted: %+v", got.Faults)
			}
		}
		seen := map[string]bool{}
		for i, r := range got.Replicas {
			if int(r.ID) != i+1 || !ValidName(r.Name) || seen[r.Name] || r.Process != r.Name {
				t.Fatalf("accepted: %+v", got.Replicas)
			}
			seen[r.Name] = true
		}
	})
}

func mustParse(t *testing.T, path, text string, o Options) *Topology {
	t.Helper()
	got, err := Parse(path, []byte(text), o)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return got
}

func lines(err error, prefix string) string {
	if err == nil {
		return ""
	}
	var found []string
	for line := range strings.Lines(err.Error()) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, prefix) {
			found = append(found, line)
		}
	}
	return strings.Join(found, "\n")
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *rewrite {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-rewrite makes it anew): want -, got +:\n%s", path, diff)
	}
}
