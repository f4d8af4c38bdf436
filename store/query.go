package store

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"tidemark/incident"
	"tidemark/rules"
)

// Query selects rows: those that had begun by End and were not over by Start.
type Query struct {
	Start, End time.Time // zero is unlimited
	Limit      int       // of the page; zero is unlimited
	Cursor     string    // what came with the page before; empty for the first
}

// Incidents returns a page of incidents, newest start first, and the cursor of
// the next page, which is empty on the last one. Incidents that are open as far
// as the file knows belong to it. The caller owns the result.
func (s *Store) Incidents(q Query) ([]incident.Incident, string, error) {
	return page(s, incidentTable, q, incidentOf)
}

// Anomalies does the same for anomalies.
func (s *Store) Anomalies(q Query) ([]incident.Anomaly, string, error) {
	return page(s, anomalyTable, q, anomalyOf)
}

// Changes does the same for change events, each of which is over as it begins.
func (s *Store) Changes(q Query) ([]rules.Change, string, error) {
	return page(s, changeTable, q, changeOf)
}

// Incident returns the incident of that ID, and false if there is none.
func (s *Store) Incident(id string) (in incident.Incident, ok bool, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		in, ok = read(s, tx, incidentTable, id, incidentOf)
		return nil
	})
	if err != nil {
		return incident.Incident{}, false, fmt.Errorf("read incident %s: %w", id, err)
	}
	return in, ok, nil
}

// currentFor is how long ago an incident may have been resolved to be offered
// to receivers again, as in Prometheus.
const currentFor = 15 * time.Minute

// Current returns what a restarted engine goes on from: the incidents that are
// open and those that were resolved within the last 15 minutes, newest start
// first.
func (s *Store) Current() ([]incident.Incident, error) {
	incidents, _, err := s.Incidents(Query{Start: time.Now().Add(-currentFor)})
	return incidents, err
}

// page reads a page of a table. A record that cannot be read is left out,
// logged and counted: one bad record must not hide the others.
func page[T any](s *Store, t table, q Query, decode func([]byte) (T, error)) (out []T, next string, err error) {
	below, err := q.bound()
	if err != nil {
		return nil, "", err
	}
	err = s.view(func(tx *bbolt.Tx) error {
		var last []byte
		t.descend(tx, below, func(key []byte, r row) bool {
			if !r.end.IsZero() && r.end.Before(q.Start) {
				return true
			}
			if q.Limit > 0 && len(out) == q.Limit {
				next = base64.RawURLEncoding.EncodeToString(last)
				return false
			}
			item, err := decode(r.record)
			if err != nil {
				s.unreadable(t, r.id, err)
				return true
			}
			out = append(out, item)
			last = bytes.Clone(key)
			return true
		})
		return nil
	})
	if err != nil {
		return nil, "", fmt.Errorf("read %s: %w", t.name, err)
	}
	return out, next, nil
}

var errCursor = errors.New("the cursor is not one of this store: give back what came with the page before, unchanged")

// bound returns the key below which the page begins; nil is no bound.
func (q Query) bound() ([]byte, error) {
	var bound []byte
	if !q.End.IsZero() {
		bound = stamp(q.End.Add(1)) // what begins at End belongs to it
	}
	if q.Cursor == "" {
		return bound, nil
	}
	key, err := base64.RawURLEncoding.DecodeString(q.Cursor)
	if err != nil || len(key) <= stampLen {
		return nil, errCursor
	}
	if bound == nil || bytes.Compare(key, bound) < 0 {
		bound = key
	}
	return bound, nil
}

// read returns what the row of that ID holds, and false if there is none that
// can be read.
func read[T any](s *Store, tx *bbolt.Tx, t table, id string, decode func([]byte) (T, error)) (item T, ok bool) {
	r, ok := t.find(tx, id)
	if !ok {
		return item, false
	}
	item, err := decode(r.record)
	if err != nil {
		s.unreadable(t, id, err)
		return item, false
	}
	return item, true
}

func (s *Store) unreadable(t table, id string, err error) {
	s.metrics.unreadable.WithLabelValues(t.name).Inc()
	s.logger.Error("A record cannot be read and is left out", "table", t.name, "id", id, "err", err)
}
