package wire

import (
	"container/heap"
	"time"
)

// delayed is where frames wait that a fault holds back, for one stream of one
// connection. The outbox they came from counts them, and so bounds them. Only
// the stream's sending goroutine knows it.
//
// What goes one way stays in order: a frame's time is never before that of the
// one ahead of it, so that in a jitter of 5 to 15 ms r1's frames to r2
//
//	sent at   0 ms   1 ms   2 ms   3 ms
//	delayed  14 ms   6 ms  13 ms   8 ms
//	leave at 14 ms  14 ms  15 ms  15 ms
//
// while those to r3, in the same process as r2, pass by them undelayed.
type delayed struct {
	queue dueQueue
	count uint64 // of all that were ever held: their order when their time is the same
	timer *time.Timer
}

type lateFrame struct {
	frame Frame
	way   *way
	due   time.Time
	order uint64
}

// hold keeps f back until due, or until the frame ahead of it leaves.
func (d *delayed) hold(f *Frame, way *way, due time.Time) {
	if way.waiting > 0 && due.Before(way.due) {
		due = way.due
	}
	way.due = due
	way.waiting++
	d.count++
	heap.Push(&d.queue, lateFrame{*f, way, due, d.count})
}

// next takes out a frame whose time has come, the earliest first.
func (d *delayed) next(now time.Time) (f Frame, way *way, ok bool) {
	if len(d.queue) == 0 || d.queue[0].due.After(now) {
		return Frame{}, nil, false
	}
	late := heap.Pop(&d.queue).(lateFrame)
	late.way.waiting--
	return late.frame, late.way, true
}

func (d *delayed) any() bool { return len(d.queue) > 0 }

// alarm tells when the next frame's time has come; nil if there is none.
func (d *delayed) alarm() <-chan time.Time {
	if len(d.queue) == 0 {
		return nil
	}
	pause := time.Until(d.queue[0].due)
	if d.timer == nil {
		d.timer = time.NewTimer(pause)
	} else {
		d.timer.Reset(pause)
	}
	return d.timer.C
}

// drop forgets all of them: the connection has ended.
func (d *delayed) drop() {
	for _, late := range d.queue {
		late.way.waiting--
	}
	d.queue = nil
	if d.timer != nil {
		d.timer.Stop()
	}
}

// dueQueue is a heap, see container/heap.
type dueQueue []lateFrame

func (q dueQueue) Len() int { return len(q) }

func (q dueQueue) Less(i, j int) bool {
	if !q[i].due.Equal(q[j].due) {
		return q[i].due.Before(q[j].due)
	}
	return q[i].order < q[j].order
}

func (q dueQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }

func (q *dueQueue) Push(late any) { *q = append(*q, late.(lateFrame)) }

func (q *dueQueue) Pop() any {
	last := len(*q) - 1
	late := (*q)[last]
	(*q)[last] = lateFrame{} // drop the body
	*q = (*q)[:last]
	return late
}
