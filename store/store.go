// Package store remembers incidents, anomalies, change events, announced ones
// among them, deliveries, what operators accepted and dismissed, and what they say
// of incidents on disk, so that a restart or a crash in the middle of an incident
// loses nothing that was acknowledged.
//
// Vocabulary: a table holds rows of one kind, ordered by when they began; a row
// is open until its end is known; a record is a row's content as JSON, in forms
// that are the store's own, so that a file outlives changes of the types.
//
// One process uses a directory at a time. A file that is damaged is moved aside
// and replaced by an empty one: a lost history must not silence alerts. The
// package does not judge what it is given, and nothing waits for it: callers
// send first and save afterwards.
package store

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.etcd.io/bbolt"
)

// Options of a store. Zero values take the defaults.
type Options struct {
	// Retention is how long rows are kept after their end. Default 90 days.
	Retention time.Duration

	Logger     *slog.Logger          // required
	Registerer prometheus.Registerer // nil registers nowhere
}

// DefaultRetention is how long rows are kept after their end.
const DefaultRetention = 90 * 24 * time.Hour

// fileName is the name of the database below the directory.
const fileName = "tidemark.db"

// Store is an open database. Its methods may be called from any goroutine.
type Store struct {
	retention time.Duration
	logger    *slog.Logger
	metrics   *metrics
	damage    atomic.Pointer[damageError] // found while the store was open

	mu     sync.Mutex // serialises writers; guards what is below
	db     *bbolt.DB
	open   openRows
	pruned time.Time
}

// Open opens the database below dir and creates both if they are missing. A
// damaged file is moved aside, which is logged as an error. It is an error if
// another process uses the directory, or if the file was written by a newer
// version.
func Open(dir string, o Options) (*Store, error) {
	if o.Retention <= 0 {
		o.Retention = DefaultRetention
	}
	s := &Store{retention: o.Retention, logger: o.Logger, metrics: newMetrics(o.Registerer)}
	if err := s.openDir(dir); err != nil {
		return nil, err
	}
	return s, nil
}

// Close waits for what is under way and closes the file. The store must not be
// used any more.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d := s.damage.Load(); d != nil {
		return d
	}
	if err := s.db.Close(); err != nil {
		return fmt.Errorf("close %s: %w", filepath.Base(s.db.Path()), err)
	}
	return nil
}

// view runs a read transaction.
func (s *Store) view(f func(*bbolt.Tx) error) error {
	return s.run(func() error { return s.db.View(f) })
}

// update runs a write transaction, which is on disk when it returns nil.
func (s *Store) update(f func(*bbolt.Tx) error) error {
	start := time.Now()
	err := s.run(func() error { return s.db.Update(f) })
	s.metrics.write(start, err)
	if err == nil {
		s.metrics.size(s.db)
	}
	return err
}

// run runs a transaction. After one that found damage no other is begun: bbolt
// may have been interrupted with its locks held, and would wait for ever. The
// next Open moves the file aside.
func (s *Store) run(transaction func() error) error {
	if d := s.damage.Load(); d != nil {
		return d
	}
	err := guard(transaction)
	var d *damageError
	if errors.As(err, &d) {
		s.damage.Store(d)
	}
	return err
}

// guard turns a panic into an error, even one for a memory fault: the file is
// mapped into memory, and bbolt trusts what stands in it.
func guard(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if reason := recover(); reason != nil {
			err = &damageError{fmt.Sprint(reason)}
		}
	}()
	return f()
}

// damageError says that the file's content is not what was written.
type damageError struct{ what string }

func (e *damageError) Error() string { return "the file is damaged: " + e.what }
