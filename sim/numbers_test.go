package sim

import (
	"slices"
	"strings"
	"testing"
)

// A list of numbers is written as briefly as it can be read.
func TestNumbers(t *testing.T) {
	for _, test := range []struct {
		list    string
		numbers []int
		written string
	}{
		{"3", []int{3}, "3"},
		{"3,7-9", []int{3, 7, 8, 9}, "3,7-9"},
		{"9, 7,8 ,3,3", []int{3, 7, 8, 9}, "3,7-9"},
		{"1-2", []int{1, 2}, "1,2"},
		{"5-5", []int{5}, "5"},
		{"none", nil, "none"},
	} {
		numbers, err := ParseNumbers(test.list)
		if err != nil || !slices.Equal(numbers, test.numbers) {
			t.Errorf("%q: got %v (%v), want %v", test.list, numbers, err, test.numbers)
		}
		if got := FormatNumbers(numbers); got != test.written {
			t.Errorf("%v: written %q, want %q", numbers, got, test.written)
		}
	}
	for bad, want := range map[string]string{
		"": "a number is missing", "0": "there is no number 0", "abc": `"abc" is no number`, "5-2": "5-2: want the lower number first",
		"-3": "a number is missing", "3-": "a number is missing", "1,,2": "a number is missing", "3-x": `"x" is no number`,
		"1-99999999": "1-99999999: a list may have up to 1000000 numbers", "99999999999999999999": "99999999999999999999 is more than there can be",
	} {
		if numbers, err := ParseNumbers(bad); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: got %v (%v), want %q", bad, numbers, err, want)
		}
	}
}
