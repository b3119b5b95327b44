package cluster

import "time"

// random is a sequence of numbers of its own for each link, disk and replica
// (SplitMix64, Steele, Lea and Flood 2014): eight bytes, so that there may be one
// for each direction of each link.
type random uint64

// The sequences of a seed, told apart by what they are for.
const (
	forProcess uint64 = iota + 1
	forDisk
	forFrames
	forLink
)

func newRandom(parts ...uint64) random {
	var r random
	for _, p := range parts {
		r += random(p)
		r = random(r.next())
	}
	return r
}

func (r *random) next() uint64 {
	*r += 0x9e3779b97f4a7c15
	z := uint64(*r)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// between draws a duration; the bias of the remainder is no matter here.
func (r *random) between(least, most time.Duration) time.Duration {
	if most <= least {
		return least
	}
	return least + time.Duration(r.next()%uint64(most-least+1))
}

func (r *random) perMille(p int) bool { return p > 0 && int(r.next()%1000) < p }
