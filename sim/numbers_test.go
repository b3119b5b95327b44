package sim

import (
	"slices"
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
	for _, bad := range []string{"", "0", "x", "3-1", "-3", "3-", "1,,2", "1-99999999", "99999999999999999999"} {
		if numbers, err := ParseNumbers(bad); err == nil {
			t.Errorf("%q: got %v, want an error", bad, numbers)
		}
	}
}
