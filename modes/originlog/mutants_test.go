package originlog_test

import (
	"fmt"
	"testing"

	"consequor/mutants"
)

// caught finds the first seed of so many whose run does not pass.
func caught(begin func(circumstances, uint64, func(string)) *run, around circumstances, seeds uint64) (seed uint64, err error) {
	for seed = 1; seed <= seeds; seed++ {
		if err = runOne(begin(around, seed, nil)); err != nil {
			return seed, err
		}
	}
	return 0, nil
}

// runOne runs it; an assertion that fails is as good as a broken promise.
func runOne(r *run) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return r.all()
}

// Each rule that is broken on purpose is missed by these random tests, within so
// many seeds.
func TestMutants(t *testing.T) {
	quorums, sessions := quorumIn, readYourWriteIn
	for _, test := range []struct {
		mutant mutants.Mutant
		begin  func(circumstances, uint64, func(string)) *run
		around circumstances
	}{
		{mutant: mutants.M15, begin: quorums},
		{mutant: mutants.M16, begin: quorums},
		{mutant: mutants.M17, begin: quorums},
		{mutant: mutants.M18, begin: quorums},
		{mutant: mutants.M19, begin: quorums},
		{mutant: mutants.M20, begin: quorums},
		{mutant: mutants.M21, begin: quorums},
		{mutant: mutants.M21, begin: sessions},
		{mutant: mutants.M22, begin: quorums},
		{mutant: mutants.M23, begin: quorums},
		{mutant: mutants.M26, begin: sessions},
		{mutant: mutants.M27, begin: quorums},
		{mutant: mutants.M27, begin: sessions},
		{mutant: mutants.M28, begin: quorums, around: circumstances{epochs: true, late: true}},
		{mutant: mutants.M28, begin: sessions, around: circumstances{epochs: true, late: true}},
		{mutant: mutants.M29, begin: quorums, around: circumstances{small: true, late: true}},
		{mutant: mutants.M29, begin: sessions, around: circumstances{small: true, late: true}},
		{mutant: mutants.M30, begin: quorums},
		{mutant: mutants.M30, begin: sessions},
	} {
		const seedsMax = 600
		test.around.mutant = test.mutant
		seed, err := caught(test.begin, test.around, seedsMax)
		if seed == 0 {
			t.Errorf("%s (%s) is not caught within %d seeds", test.mutant, test.mutant.Words(), seedsMax)
			continue
		}
		t.Logf("%s (%s) is caught by seed %d: %v", test.mutant, test.mutant.Words(), seed, err)
	}
}

// What is not broken passes in the same circumstances.
func TestNoMutant(t *testing.T) {
	for _, around := range []circumstances{{epochs: true, late: true}, {small: true, late: true}, {small: true, epochs: true, late: true}} {
		if seed, err := caught(quorumIn, around, 60); seed != 0 {
			t.Errorf("quorum, %+v, seed %d: %v", around, seed, err)
		}
		if seed, err := caught(readYourWriteIn, around, 60); seed != 0 {
			t.Errorf("read-your-write, %+v, seed %d: %v", around, seed, err)
		}
	}
}
