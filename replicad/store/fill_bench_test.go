package store

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"consequor/board"
)

// BenchmarkFill puts 350-byte articles on one board, 64 at a time, as fast as
// it takes them, and reports the processor time that each costs in the end:
// Put, and the flushes and compactions that follow from it.
func BenchmarkFill(b *testing.B) {
	s := openReal(b)
	r := s.Replica(1)
	body := strings.Repeat("b", 350)
	before := processorTime(b)
	seq := uint64(0)
	for b.Loop() {
		var batch []board.Article
		for range 64 {
			seq++
			a := root(seq, body)
			a.Key = "0123456789abcdef~123.1" + a.ID.String()
			batch = append(batch, a)
		}
		r.Journal(batch)
		if err := r.Put(batch); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64((processorTime(b)-before).Nanoseconds())/float64(seq), "cpu-ns/article")
	closeStore(b, s)
}

func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
