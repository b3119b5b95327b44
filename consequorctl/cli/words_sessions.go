package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"rsc.io/script"
)

// section is one client of several that play side by side.
type section struct {
	name   string
	text   []byte
	player *player
	state  *script.State
	before []string // the variables it began with

	log strings.Builder
	err error
}

// sessions plays sections of the script file at the same time. In the
// background (&) the script goes on beside them.
func (p *player) sessions() script.Cmd {
	doc := mustDoc("sessions")
	usage := script.CmdUsage{Args: doc.Grammar, Summary: doc.Meaning, Async: true}
	return script.Command(usage, func(s *script.State, names ...string) (script.WaitFunc, error) {
		sections, err := p.sections(s, names)
		if err != nil {
			return nil, err
		}
		meeting := newMeeting(names)
		var (
			playing sync.WaitGroup
			mu      sync.Mutex
			failed  []*section // in the order in which they did
		)
		for _, one := range sections {
			one.player.meeting = meeting
			playing.Go(func() {
				one.play(p.play)
				mu.Lock()
				defer mu.Unlock()
				if one.err != nil {
					failed = append(failed, one)
				}
				meeting.leave(one.name, one.err != nil)
			})
		}
		return func(s *script.State) (string, string, error) {
			playing.Wait()
			return "", "", gatherSections(s, sections, failed)
		}, nil
	})
}

// sections sets up those of these names, each with a state of its own.
func (p *player) sections(s *script.State, names []string) ([]*section, error) {
	if len(names) == 0 {
		return nil, errWords
	}
	if p.meeting != nil {
		return nil, errors.New("a section cannot begin sessions of its own")
	}
	var sections []*section
	for i, name := range names {
		text, at := p.play.section(name)
		if at < 0 {
			return nil, fmt.Errorf("the script file has no section %q: it has %s", name, orNothing(strings.Join(p.play.sectionNames(), ", ")))
		}
		if slices.Contains(names[:i], name) {
			return nil, fmt.Errorf("section %s is named twice: a session is one client", name)
		}
		state, err := script.NewState(s.Context(), p.play.work, s.Environ())
		if err == nil {
			err = state.Chdir(s.Getwd())
		}
		if err != nil {
			return nil, fmt.Errorf("section %s: %w", name, err)
		}
		player := newPlayer(p.console, p.play)
		player.name = name
		sections = append(sections, &section{name: name, text: text, player: player, state: state, before: state.Environ()})
	}
	return sections, nil
}

func (c *section) play(piece *play) {
	c.err = c.player.engine.Execute(c.state, piece.path+"/"+c.name, readerOf(c.text), &c.log)
	c.err = errors.Join(c.err, c.state.CloseAndWait(&c.log))
}

// gatherSections takes over what the sections set, and says what failed: what
// was first, but for those that failed since another one had.
func gatherSections(s *script.State, sections, failed []*section) error {
	for _, c := range sections {
		s.Logf("[section %s]\n%s", c.name, c.log.String())
		for _, variable := range c.state.Environ() {
			name, value, _ := strings.Cut(variable, "=")
			if name == "PWD" || slices.Contains(c.before, variable) {
				continue
			}
			if err := s.Setenv(name, value); err != nil {
				return err
			}
		}
	}
	if len(failed) == 0 {
		return nil
	}
	own := slices.IndexFunc(failed, func(c *section) bool {
		var broken *brokenMeeting
		return !errors.As(c.err, &broken) || !broken.ofAnother
	})
	return failed[max(0, own)].err
}

func (p *player) barrier(s *script.State, args []string) (string, string, error) {
	if len(args) > 1 {
		return "", "", errWords
	}
	if p.meeting == nil {
		return "", "", errors.New("a barrier is for sections that sessions plays: nobody else is here")
	}
	where := "(no name)"
	if len(args) == 1 {
		where = args[0]
	}
	if err := p.meeting.meet(s.Context(), p.name, where); err != nil {
		return "", "", &mismatch{want: "all sections at barrier " + where, got: err.Error(), why: err}
	}
	return "", "", nil
}
