package cli

import (
	"encoding/xml"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// JUnit's XML, as far as those who read it agree: a suite with a case for each
// performance.
type (
	junitSuites struct {
		XMLName xml.Name     `xml:"testsuites"`
		Suites  []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name      string      `xml:"name,attr"`
		Tests     int         `xml:"tests,attr"`
		Failures  int         `xml:"failures,attr"`
		Skipped   int         `xml:"skipped,attr"`
		Time      string      `xml:"time,attr"`
		Timestamp string      `xml:"timestamp,attr"`
		Cases     []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Class   string        `xml:"classname,attr"`
		Name    string        `xml:"name,attr"`
		Time    string        `xml:"time,attr"`
		Skipped *junitSkipped `xml:"skipped,omitempty"`
		Failure *junitFailure `xml:"failure,omitempty"`
	}
	junitSkipped struct {
		Message string `xml:"message,attr"`
	}
	junitFailure struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr"`
		Text    string `xml:",chardata"`
	}
)

// junit collects results for a file that other programs read.
type junit struct {
	path    string
	started time.Time
	results []*runResult
}

// openJUnit makes sure, before anything is run, that the file can be written.
func openJUnit(path string) (*junit, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		return nil, usagef("--junit: %v; nothing was run", err)
	}
	return &junit{path: path, started: time.Now()}, f.Close()
}

// write renames the whole file into place: nobody reads half of one.
func (j *junit) write() error {
	suite := junitSuite{Name: "consequorctl run", Timestamp: j.started.UTC().Format("2006-01-02T15:04:05"), Time: seconds(time.Since(j.started).Seconds())}
	for _, r := range j.results {
		suite.add(r)
	}
	text, err := xml.MarshalIndent(junitSuites{Suites: []junitSuite{suite}}, "", "  ")
	if err != nil {
		return fmt.Errorf("--junit: %w", err)
	}
	fresh := j.path + ".new"
	err = os.WriteFile(fresh, append([]byte(xml.Header), append(text, '\n')...), 0o644)
	if err = errors.Join(err, os.Rename(fresh, j.path)); err != nil {
		return fmt.Errorf("--junit: %w", err)
	}
	return nil
}

func (s *junitSuite) add(r *runResult) {
	c := junitCase{Class: strings.TrimSuffix(filepath.Base(r.Script), filepath.Ext(r.Script)), Name: r.named(), Time: seconds(r.Seconds)}
	s.Tests++
	switch {
	case r.Skipped != "" && r.Passed:
		s.Skipped++
		c.Skipped = &junitSkipped{r.Skipped}
	case !r.Passed:
		s.Failures++
		var text strings.Builder
		r.Failure.print(&text)
		c.Failure = &junitFailure{Message: r.Message, Type: "expectation", Text: text.String()}
	}
	s.Cases = append(s.Cases, c)
}

func seconds(s float64) string { return fmt.Sprintf("%.3f", s) }
