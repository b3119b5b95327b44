package cli

import (
	"bytes"
	"cmp"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"rsc.io/script"
)

// The limits of the words that wait.
const (
	lookInterval = 20 * time.Millisecond
	garbageSize  = 4 << 10
	garbageLimit = 20 * time.Second // above every handshake time-out of ours
	fillSizeMax  = 64 << 20
)

// words are what scripts can say beyond the command line.
func (p *player) words() map[string]script.Cmd {
	return map[string]script.Cmd{
		"eventually": word("DURATION REGEXP COMMAND...", "give COMMAND again until what it prints matches", p.eventually),
		"exits":      word("CODE COMMAND...", "COMMAND ends with this exit code", p.exits),
		"refused":    word("COMMAND...", "COMMAND is refused: exit code 3", p.mustExit(ExitRefused)),
		"unknown":    word("COMMAND...", "COMMAND ends unknown: exit code 4", p.mustExit(ExitUnknown)),
		"capture":    word("NAME PATH COMMAND...", "set $NAME to a field of COMMAND's JSON, as in articles.0.id", p.capture),
		"stdin":      word("FILE", "the next command reads FILE", p.setStdin),
		"equal":      word("A B", "the two texts are equal", equal),
		"fill":       word("FILE SIZE", "write SIZE bytes of text", fill),
		"sum":        word("NAME FILE", "set $NAME to the SHA-256 of FILE, in hex", sum),
		"expand":     word("FILE", "put the values of variables, as in $NAME, into FILE", expand),
		"skip":       p.skip(),
		"flip":       word("FILE", "change one bit in the middle of FILE", flip),
		"gone":       word("DURATION PID...", "no such process lives any more", gone),
		"alive":      word("PID...", "these processes live", alive),
		"signal":     word("NAME PID...", "send a signal: INT, TERM, KILL, STOP or CONT", signalTo),
		"garbage":    word("HOST:PORT", "send what is no protocol: the other end must hang up", garbage),
		"stranger":   word("HOST:PORT", "speak TLS without a certificate of the cluster: the other end must hang up", stranger),
		"processes":  word("COUNT TEXT", "so many processes live that have TEXT in their command line", processes),
		"barren":     word("FOLDER", "the folder is empty or not there", barren),
	}
}

// errWords says that a word was used wrongly.
var errWords = script.ErrUsage

type wordFunc func(s *script.State, args []string) (stdout, stderr string, err error)

func word(args, summary string, run wordFunc) script.Cmd {
	return script.Command(script.CmdUsage{Args: args, Summary: summary}, func(s *script.State, args ...string) (script.WaitFunc, error) {
		return func(s *script.State) (string, string, error) { return run(s, args) }, nil
	})
}

func (p *player) eventually(s *script.State, args []string) (string, string, error) {
	if len(args) < 3 {
		return "", "", errWords
	}
	limit, err := time.ParseDuration(args[0])
	if err != nil {
		return "", "", err
	}
	want, err := regexp.Compile("(?m)" + args[1])
	if err != nil {
		return "", "", err
	}
	stdin, deadline := p.stdin, time.Now().Add(limit)
	for {
		p.stdin = stdin
		stdout, stderr, err := p.carryOut(s, args[2:])
		if want.MatchString(stdout) || want.MatchString(stderr) {
			return stdout, stderr, nil
		}
		if time.Now().After(deadline) {
			return stdout, stderr, fmt.Errorf("for %v nothing matched %#q; the last try ended with: %w", limit, args[1], cmp.Or(err, errNone))
		}
		if err := pause(s, lookInterval); err != nil {
			return stdout, stderr, err
		}
	}
}

var errNone = errors.New("no error")

// carryOut gives any command that scripts know.
func (p *player) carryOut(s *script.State, args []string) (stdout, stderr string, err error) {
	command := p.engine.Cmds[args[0]]
	if command == nil {
		return "", "", fmt.Errorf("unknown command %s", args[0])
	}
	wait, err := command.Run(s, args[1:]...)
	if wait == nil {
		return "", "", err
	}
	return wait(s)
}

// pause lets some time pass between two looks, unless the script ends.
func pause(s *script.State, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-s.Context().Done():
		return s.Context().Err()
	case <-timer.C:
		return nil
	}
}

func (p *player) exits(s *script.State, args []string) (string, string, error) {
	if len(args) < 2 {
		return "", "", errWords
	}
	code, err := strconv.Atoi(args[0])
	if err != nil {
		return "", "", err
	}
	return p.mustExit(ExitCode(code))(s, args[1:])
}

func (p *player) mustExit(want ExitCode) wordFunc {
	return func(s *script.State, args []string) (string, string, error) {
		if len(args) == 0 {
			return "", "", errWords
		}
		got := p.prepare(s, args)()
		var err error
		if got.code != want {
			err = fmt.Errorf("exit status %d, want %d", got.code, want)
		}
		return got.stdout, got.stderr, err
	}
}

func (p *player) capture(s *script.State, args []string) (string, string, error) {
	if len(args) < 3 {
		return "", "", errWords
	}
	name, path := args[0], args[1]
	command := append([]string{args[2], "--json"}, args[3:]...)
	got := p.prepare(s, command)()
	if got.code != ExitOK {
		return got.stdout, got.stderr, got.err()
	}
	value, err := fieldOf([]byte(got.stdout), path)
	if err == nil {
		err = s.Setenv(name, value)
	}
	return got.stdout, got.stderr, err
}

// fieldOf finds a field of a JSON text: names and indexes with dots between.
// What is neither text nor number comes as JSON.
func fieldOf(data []byte, path string) (string, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return "", fmt.Errorf("not JSON: %w", err)
	}
	for step := range strings.SplitSeq(path, ".") {
		found := false
		switch v := value.(type) {
		case map[string]any:
			value, found = v[step]
		case []any:
			if i, err := strconv.Atoi(step); err == nil && i >= 0 && i < len(v) {
				value, found = v[i], true
			}
		}
		if !found {
			return "", fmt.Errorf("no field %q (of %q) in %s", step, path, bytes.TrimSpace(data))
		}
	}
	switch v := value.(type) {
	case string:
		return v, nil
	case json.Number:
		return v.String(), nil
	}
	text, err := json.Marshal(value)
	return string(text), err
}

func (p *player) setStdin(s *script.State, args []string) (string, string, error) {
	if len(args) != 1 {
		return "", "", errWords
	}
	data, err := os.ReadFile(s.Path(args[0]))
	p.stdin = data
	return "", "", err
}

func equal(_ *script.State, args []string) (string, string, error) {
	if len(args) != 2 {
		return "", "", errWords
	}
	if args[0] != args[1] {
		return "", "", fmt.Errorf("%q is not %q", args[0], args[1])
	}
	return "", "", nil
}

func fill(s *script.State, args []string) (string, string, error) {
	if len(args) != 2 {
		return "", "", errWords
	}
	size, err := strconv.Atoi(args[1])
	if err != nil || size < 0 || size > fillSizeMax {
		return "", "", fmt.Errorf("size %q: want 0 to %d", args[1], fillSizeMax)
	}
	return "", "", os.WriteFile(s.Path(args[0]), bytes.Repeat([]byte{'x'}, size), 0o600)
}

func pidsOf(args []string) ([]int, error) {
	if len(args) == 0 {
		return nil, errWords
	}
	var pids []int
	for _, text := range args {
		pid, err := strconv.Atoi(text)
		if err != nil || pid <= 1 {
			return nil, fmt.Errorf("pid %q: want a number above 1", text)
		}
		pids = append(pids, pid)
	}
	return pids, nil
}

// lives: a zombie does not, though its pid is still taken.
func lives(pid int) bool {
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH)
	}
	rest := stat[bytes.LastIndexByte(stat, ')')+1:]
	state := bytes.TrimSpace(rest)
	return len(state) > 0 && state[0] != 'Z' && state[0] != 'X'
}

func gone(s *script.State, args []string) (string, string, error) {
	if len(args) < 2 {
		return "", "", errWords
	}
	limit, err := time.ParseDuration(args[0])
	if err != nil {
		return "", "", err
	}
	pids, err := pidsOf(args[1:])
	if err != nil {
		return "", "", err
	}
	deadline := time.Now().Add(limit)
	for _, pid := range pids {
		for lives(pid) {
			if time.Now().After(deadline) {
				return "", "", fmt.Errorf("process %d still lives after %v", pid, limit)
			}
			if err := pause(s, lookInterval); err != nil {
				return "", "", err
			}
		}
	}
	return "", "", nil
}

func alive(_ *script.State, args []string) (string, string, error) {
	pids, err := pidsOf(args)
	if err != nil {
		return "", "", err
	}
	for _, pid := range pids {
		if !lives(pid) {
			return "", "", fmt.Errorf("process %d does not live", pid)
		}
	}
	return "", "", nil
}

var signals = map[string]syscall.Signal{
	"INT": syscall.SIGINT, "TERM": syscall.SIGTERM, "KILL": syscall.SIGKILL, "STOP": syscall.SIGSTOP, "CONT": syscall.SIGCONT,
}

func signalTo(_ *script.State, args []string) (string, string, error) {
	if len(args) < 2 {
		return "", "", errWords
	}
	sig, ok := signals[args[0]]
	if !ok {
		return "", "", fmt.Errorf("no such signal: %s", args[0])
	}
	pids, err := pidsOf(args[1:])
	for _, pid := range pids {
		if e := syscall.Kill(pid, sig); e != nil {
			err = errors.Join(err, fmt.Errorf("signal %s to %d: %w", args[0], pid, e))
		}
	}
	return "", "", err
}

func garbage(_ *script.State, args []string) (string, string, error) {
	return hungUpOn(args, func(conn net.Conn) (net.Conn, error) {
		_, err := conn.Write(bytes.Repeat([]byte("\xff\x00 garbage\r\n"), garbageSize/11))
		return conn, err
	})
}

// stranger's handshake may well succeed on its side: with TLS 1.3 the other
// end's refusal comes after.
func stranger(_ *script.State, args []string) (string, string, error) {
	return hungUpOn(args, func(conn net.Conn) (net.Conn, error) {
		secure := tls.Client(conn, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"consequor"}})
		return secure, secure.Handshake()
	})
}

// hungUpOn connects, lets begin say something, and wants to be hung up on.
func hungUpOn(args []string, begin func(net.Conn) (net.Conn, error)) (string, string, error) {
	if len(args) != 1 {
		return "", "", errWords
	}
	conn, err := net.DialTimeout("tcp", args[0], garbageLimit)
	if err != nil {
		return "", "", err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(garbageLimit)); err != nil {
		return "", "", err
	}
	talk, err := begin(conn)
	if err == nil {
		_, err = io.Copy(io.Discard, io.LimitReader(talk, garbageSize))
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return "", "", fmt.Errorf("%s still holds the connection after %v", args[0], garbageLimit)
	}
	return "", "", nil // it hung up, politely or not
}

func barren(s *script.State, args []string) (string, string, error) {
	if len(args) != 1 {
		return "", "", errWords
	}
	entries, err := os.ReadDir(s.Path(args[0]))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", "", err
	}
	if len(entries) > 0 {
		return "", "", fmt.Errorf("%s holds %s and %d more", args[0], entries[0].Name(), len(entries)-1)
	}
	return "", "", nil
}

func processes(_ *script.State, args []string) (string, string, error) {
	if len(args) != 2 {
		return "", "", errWords
	}
	want, err := strconv.Atoi(args[0])
	if err != nil {
		return "", "", err
	}
	paths, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return "", "", err
	}
	var found []string
	for _, path := range paths {
		line, err := os.ReadFile(path)
		pid := filepath.Base(filepath.Dir(path))
		if err == nil && pid != strconv.Itoa(os.Getpid()) && bytes.Contains(bytes.ReplaceAll(line, []byte{0}, []byte(" ")), []byte(args[1])) {
			found = append(found, pid)
		}
	}
	if len(found) != want {
		return "", "", fmt.Errorf("%d processes with %q (pids %s), want %d", len(found), args[1], strings.Join(found, " "), want)
	}
	return "", "", nil
}
