package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// shellCmd is an interactive session: the words of scripts, carried out in the
// user's own environment and on the user's own clusters, one line after the
// other. A line that fails does not end it.
type shellCmd struct {
	Command *string `short:"c" help:"Carry out these lines, and end." placeholder:"LINES"`
}

// Help is what --help tells beyond the flags.
func (c *shellCmd) Help() string {
	return `The words are those of scripts: all commands, without consequorctl before them, and more (help lists
them, help WORD gives an example). Texts with spaces stand in single quotes. $NAME is what capture NAME
has set. exit or Ctrl-D ends it; Ctrl-C ends the command that runs. Tab completes, Up and Down go
through what was typed before, and Ctrl-R looks in there for what stands on the line.

For example: consequorctl shell
             echo read | consequorctl shell
             consequorctl shell -c 'post hello'

Exit code: that of the last line.`
}

// shellLineMax bounds one line that is not typed.
const shellLineMax = 1 << 20

func (c *shellCmd) Run(ctx context.Context, console *Console, name clusterFlag) error {
	if name != "" { // for all lines, and for what they execute
		if err := os.Setenv("CONSEQUOR_CLUSTER", string(name)); err != nil {
			return fmt.Errorf("address cluster %s: %w", name, err)
		}
	}
	if c.Command == nil && console.Typed && console.Terminal {
		tty, err := openTTY()
		if err != nil {
			return err
		}
		defer tty.close()
		return interact(ctx, console, tty)
	}
	lines := bufio.NewReaderSize(console.Stdin, shellLineMax)
	if c.Command != nil {
		lines = bufio.NewReader(strings.NewReader(*c.Command))
	} else {
		console.Stdin = lines // a command that reads goes on where the lines end that were read
	}
	sh, err := newShell(ctx, console)
	if err != nil {
		return err
	}
	err = sh.takeAll(ctx, lines)
	return errors.Join(sh.close(ctx), err, sh.exit())
}

// takeAll carries out lines that nobody types.
func (sh *shell) takeAll(ctx context.Context, lines *bufio.Reader) error {
	for !sh.ended {
		line, err := awaitInput(ctx, func() (string, error) { return lineFrom(lines) })
		switch {
		case err == nil || errors.Is(err, io.EOF) && line != "":
			sh.take(ctx, nil, line)
		case errors.Is(err, io.EOF):
			return nil
		default:
			return fmt.Errorf("read the next line: %w", err)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

func lineFrom(lines *bufio.Reader) (string, error) {
	line, err := lines.ReadString('\n')
	if len(line) > shellLineMax {
		return "", usagef("a line of %d bytes: the limit is %d", len(line), shellLineMax)
	}
	return line, err
}

// exit is what the shell ends with.
func (sh *shell) exit() error {
	if sh.code == ExitOK {
		return nil
	}
	return &Failure{Code: sh.code, Kind: "failed", Message: "the last line ended with exit code " + fmt.Sprint(int(sh.code)), told: true}
}
