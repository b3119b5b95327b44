package api

import "context"

// Watch is told of each try of a request, as it happens, by the goroutine that
// carries the request out. Who writes down what is asked must do so before it
// is sent: of a client that dies nobody knows whether it was.
type Watch struct {
	// Sending is told before a try is sent, and with which key. An error keeps
	// it from being sent, and ends the request.
	Sending func(replica, key string) error
	// Ended is told how that try ended; nil: well.
	Ended func(replica string, failure *Error)
}

type watchKey struct{}

// WithWatch returns a context whose requests are watched, also by the watch
// that ctx has already: that one is told first.
func WithWatch(ctx context.Context, w *Watch) context.Context {
	if before, ok := ctx.Value(watchKey{}).(*Watch); ok {
		w = before.and(w)
	}
	return context.WithValue(ctx, watchKey{}, w)
}

// and is both. One that keeps a try from being sent keeps it from the other, too.
func (w *Watch) and(next *Watch) *Watch {
	return &Watch{
		Sending: func(replica, key string) error {
			for _, one := range []*Watch{w, next} {
				if one.Sending == nil {
					continue
				}
				if err := one.Sending(replica, key); err != nil {
					return err
				}
			}
			return nil
		},
		Ended: func(replica string, failure *Error) {
			for _, one := range []*Watch{w, next} {
				if one.Ended != nil {
					one.Ended(replica, failure)
				}
			}
		},
	}
}

// KindUnwatched is the kind of a request that was not sent because its Watch
// would not have it.
const KindUnwatched = "unwatched"

// sending tells the watch of ctx, if there is one.
func (e *errand) sending(ctx context.Context, l *link) *Error {
	e.watch, _ = ctx.Value(watchKey{}).(*Watch)
	if e.watch == nil || e.watch.Sending == nil {
		return nil
	}
	if err := e.watch.Sending(l.name, e.r.Key); err != nil {
		return refused(KindUnwatched, "%s: not sent: %v", l.at(string(e.r.Verb)), err)
	}
	return nil
}

// ended tells the watch how a try ended that it was told of.
func (e *errand) ended(l *link, failure *Error) {
	if e.watch != nil && e.watch.Ended != nil {
		e.watch.Ended(l.name, failure)
	}
}
