package sim

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// FormatNumbers lists the numbers of actions as ParseNumbers reads them:
// "3,7-9", or "none".
func FormatNumbers(numbers []int) string {
	if len(numbers) == 0 {
		return "none"
	}
	sorted := slices.Compact(slices.Sorted(slices.Values(numbers)))
	var parts []string
	for i := 0; i < len(sorted); {
		last := i
		for last+1 < len(sorted) && sorted[last+1] == sorted[last]+1 {
			last++
		}
		part := strconv.Itoa(sorted[i])
		switch {
		case last == i+1:
			part += "," + strconv.Itoa(sorted[last])
		case last > i:
			part += "-" + strconv.Itoa(sorted[last])
		}
		parts = append(parts, part)
		i = last + 1
	}
	return strings.Join(parts, ",")
}

// numbersMax bounds a list, for "1-999999999" is quickly typed.
const numbersMax = 1_000_000

// ParseNumbers reads a list of numbers and ranges: "3,7-9", or "none". They
// come sorted, each once.
func ParseNumbers(list string) ([]int, error) {
	if list == "none" {
		return nil, nil
	}
	var numbers []int
	for part := range strings.SplitSeq(list, ",") {
		first, last, isRange := strings.Cut(strings.TrimSpace(part), "-")
		from, err := parseNumber(first)
		to := from
		if err == nil && isRange {
			to, err = parseNumber(last)
		}
		switch {
		case err != nil:
			return nil, err
		case to < from:
			return nil, fmt.Errorf("%s: want the lower number first", strings.TrimSpace(part))
		case to-from >= numbersMax-len(numbers):
			return nil, fmt.Errorf("%s: a list may have up to %d numbers", strings.TrimSpace(part), numbersMax)
		}
		for n := from; n <= to; n++ {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	return slices.Compact(numbers), nil
}

// parseNumber says what is wrong in the words of whoever has typed it.
func parseNumber(text string) (int, error) {
	n, err := strconv.ParseUint(text, 10, 31)
	switch {
	case text == "":
		return 0, errors.New("a number is missing: want a list as in 3,7-9")
	case errors.Is(err, strconv.ErrRange):
		return 0, fmt.Errorf("%s is more than there can be", text)
	case err != nil:
		return 0, fmt.Errorf("%q is no number: want a list as in 3,7-9", text)
	case n == 0:
		return 0, errors.New("there is no number 0: they begin with 1")
	}
	return int(n), nil
}
