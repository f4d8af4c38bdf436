package store

import (
	"bytes"
	"fmt"
	"time"

	"go.etcd.io/bbolt"
)

var deliveriesBucket = []byte("deliveries")

// Deliveries returns when what was last delivered under each key, as recorded by
// RecordDelivery.
func (s *Store) Deliveries() (map[string]time.Time, error) {
	out := map[string]time.Time{}
	err := s.view(func(tx *bbolt.Tx) error {
		return tx.Bucket(deliveriesBucket).ForEach(func(key, value []byte) error {
			if len(value) == stampLen {
				out[string(key)] = unstamp(value)
			}
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read deliveries: %w", err)
	}
	return out, nil
}

// RecordDelivery remembers that something was delivered, so that a restarted
// process does not deliver it again. It is on disk when nil is returned, and is
// forgotten when the retention is over.
func (s *Store) RecordDelivery(key string, at time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.update(func(tx *bbolt.Tx) error {
		return tx.Bucket(deliveriesBucket).Put([]byte(key), stamp(at))
	})
	if err != nil {
		return fmt.Errorf("record delivery %s: %w", key, err)
	}
	return nil
}

func pruneDeliveries(tx *bbolt.Tx, before time.Time) error {
	b := tx.Bucket(deliveriesBucket)
	var old [][]byte
	bound := stamp(before)
	if err := b.ForEach(func(key, value []byte) error {
		if bytes.Compare(value, bound) < 0 {
			old = append(old, bytes.Clone(key))
		}
		return nil
	}); err != nil {
		return err
	}
	for _, key := range old {
		if err := b.Delete(key); err != nil {
			return err
		}
	}
	return nil
}
