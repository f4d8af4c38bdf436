package store

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"tidemark/audit"
)

// Dismiss remembers a dismissal. It replaces the one of the same check and
// labels, is on disk when nil is returned, and is forgotten when the retention
// after its end is over.
func (s *Store) Dismiss(d audit.Dismissal) error {
	record, err := json.Marshal(dismissalRecord{
		Check: d.Check, Labels: d.Labels, By: d.By, Reason: d.Reason, At: d.At.UTC(), Until: d.Until.UTC(),
	})
	if err != nil {
		return fmt.Errorf("encode dismissal of %s: %w", d.Check, err)
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\xff%s", d.Check, d.Labels))
	r := row{id: hex.EncodeToString(sum[:8]), start: d.At, end: d.Until, record: record}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.update(func(tx *bbolt.Tx) error { return dismissalTable.put(tx, r) }); err != nil {
		return fmt.Errorf("save dismissal of %s to %s: %w", d.Check, s.db.Path(), err)
	}
	return nil
}

// Dismissals returns those that are in force at a time or later, the newest
// first.
func (s *Store) Dismissals(at time.Time) ([]audit.Dismissal, error) {
	out, _, err := page(s, dismissalTable, Query{Start: at}, dismissalOf)
	return out, err
}

func dismissalOf(record []byte) (audit.Dismissal, error) {
	var r dismissalRecord
	if err := json.Unmarshal(record, &r); err != nil {
		return audit.Dismissal{}, fmt.Errorf("decode dismissal: %w", err)
	}
	return audit.Dismissal(r), nil
}
