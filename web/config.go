package web

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"time"

	"consequor/supervisor"
)

// Config says what the web client serves.
type Config struct {
	// Source is how the cluster is reached. Needed.
	Source Source

	// Key signs cookies and forms. Those of a server that had another key are
	// not known any more. Default: a random one.
	Key []byte

	// ControlToken, in an address, lets a browser control the cluster. Default:
	// none can.
	ControlToken string

	// Modes are those to which the cluster can be changed. Default: none.
	Modes Modes

	// Log takes what goes wrong in the server itself. Default: nothing is kept.
	Log *slog.Logger
}

// Source is how the web client reaches its cluster.
type Source interface {
	// Status tells where the replicas are and how they are.
	Status(ctx context.Context) (*supervisor.ClusterStatus, error)
	// Control reaches the cluster's supervisor; nil: there is none.
	Control() Control
}

// The limits of the server. What is beyond is refused, unless it says otherwise.
const (
	headerSizeMax  = 32 << 10         // bytes of a request's header
	bodySizeMax    = 512 << 10        // of a form: a body of 64 KiB, each byte as %XX, and the rest
	headerTimeout  = 5 * time.Second  // for a request's header to come
	readTimeout    = 20 * time.Second // for a request to come
	writeTimeout   = 30 * time.Second // for an answer to be made and taken
	idleTimeout    = 60 * time.Second // until an unused connection is closed
	connectionsMax = 1200             // open at a time; more wait
	stopTimeout    = time.Second      // for answers on their way when the server ends; then they are cut off

	visitorsMax = 10_000 // remembered; beyond, the one that was away longest has its cookie alone

	askTimeout  = 5 * time.Second  // for a request to the replicas
	pageTimeout = 12 * time.Second // for all that a page needs
)

func (c *Config) complete() error {
	if c.Source == nil {
		return errors.New("web client: no source")
	}
	if len(c.Key) == 0 {
		c.Key = make([]byte, 32)
		rand.Read(c.Key) // never fails
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return nil
}
