package store

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"go.etcd.io/bbolt"

	"tidemark/incident"
)

// Accept remembers what operators accepted as the new normal. It is on disk when
// nil is returned, and is forgotten when the retention is over.
func (s *Store) Accept(accepted []incident.Acceptance) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.update(func(tx *bbolt.Tx) error {
		for _, a := range accepted {
			r, err := acceptanceRow(a)
			if err != nil {
				return err
			}
			if err := acceptanceTable.put(tx, r); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("save what was accepted to %s: %w", s.db.Path(), err)
	}
	return nil
}

// Acceptances returns all that is remembered of them, oldest first.
func (s *Store) Acceptances() ([]incident.Acceptance, error) {
	out, _, err := page(s, acceptanceTable, Query{}, acceptanceOf)
	slices.Reverse(out)
	return out, err
}

// acceptanceRow makes a row of an acceptance, which has no identity but its
// content. It ends when it begins.
func acceptanceRow(a incident.Acceptance) (row, error) {
	record, err := json.Marshal(recordOfAcceptance(a))
	if err != nil {
		return row{}, fmt.Errorf("encode acceptance of %s: %w", a.Signal, err)
	}
	sum := sha256.Sum256(record)
	return row{id: hex.EncodeToString(sum[:8]), start: a.At, end: a.At, record: record}, nil
}

func acceptanceOf(record []byte) (incident.Acceptance, error) {
	var r acceptanceRecord
	if err := json.Unmarshal(record, &r); err != nil {
		return incident.Acceptance{}, fmt.Errorf("decode acceptance: %w", err)
	}
	return acceptanceOfRecord(r), nil
}

func recordOfAcceptance(a incident.Acceptance) acceptanceRecord {
	return acceptanceRecord{At: a.At.UTC(), By: a.By, Signal: a.Signal, Labels: a.Labels}
}

func acceptanceOfRecord(r acceptanceRecord) incident.Acceptance {
	return incident.Acceptance{At: r.At, By: r.By, Signal: r.Signal, Labels: r.Labels}
}
