package store

import (
	"fmt"
	"maps"
	"time"

	"go.etcd.io/bbolt"

	"tidemark/incident"
	"tidemark/rules"
)

// openRows holds the IDs of the rows that are open, by table, so that those
// that vanish are noticed without reading the whole history.
type openRows map[table]map[string]bool

func loadOpenRows(tx *bbolt.Tx) openRows {
	open := openRows{}
	for _, t := range []table{incidentTable, anomalyTable} {
		open[t] = map[string]bool{}
		t.descend(tx, nil, func(_ []byte, r row) bool {
			if r.end.IsZero() {
				open[t][r.id] = true
			}
			return true
		})
	}
	return open
}

// pruneEvery is how often rows that are too old are looked for.
const pruneEvery = time.Hour

// Save writes what a cycle found in one transaction, which is on disk when Save
// returns nil. What has an ID replaces what was saved under it; a change is
// saved once.
//
// The incidents and anomalies are all that are open, and any that are over. So
// a pending incident that is no longer among them came to nothing and is
// deleted; an anomaly that is no longer among them ended unseen, and is taken
// to have ended at the last Save that knew it. A firing incident is kept as it
// is until its end is saved.
func (s *Store) Save(incidents []incident.Incident, anomalies []incident.Anomaly, changes []rules.Change) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	prune := now.Sub(s.pruned) >= pruneEvery || now.Before(s.pruned)
	var open openRows
	err := s.update(func(tx *bbolt.Tx) error {
		open = openRows{incidentTable: maps.Clone(s.open[incidentTable]), anomalyTable: maps.Clone(s.open[anomalyTable])}
		if err := s.saveIncidents(tx, open[incidentTable], incidents); err != nil {
			return err
		}
		if err := s.saveAnomalies(tx, open[anomalyTable], anomalies); err != nil {
			return err
		}
		if err := saveChanges(tx, changes); err != nil {
			return err
		}
		if prune {
			if err := s.prune(tx, now.Add(-s.retention)); err != nil {
				return err
			}
		}
		return tx.Bucket(metaBucket).Put(savedAtKey, stamp(now))
	})
	if err != nil {
		return fmt.Errorf("save to %s: %w", s.db.Path(), err)
	}
	s.open = open
	if prune {
		s.pruned = now
	}
	return nil
}

// saveIncidents writes the incidents and brings the set of open ones up to
// date.
func (s *Store) saveIncidents(tx *bbolt.Tx, open map[string]bool, incidents []incident.Incident) error {
	listed := map[string]bool{}
	for _, in := range incidents {
		r, err := incidentRow(in)
		if err != nil {
			return err
		}
		if err := incidentTable.put(tx, r); err != nil {
			return err
		}
		listed[in.ID] = true
		mark(open, in.ID, r.end.IsZero())
	}
	for id := range open {
		if listed[id] {
			continue
		}
		in, ok := read(s, tx, incidentTable, id, incidentOf)
		if !ok || in.State != incident.Pending {
			continue
		}
		if err := incidentTable.delete(tx, id); err != nil {
			return err
		}
		delete(open, id)
	}
	return nil
}

func (s *Store) saveAnomalies(tx *bbolt.Tx, open map[string]bool, anomalies []incident.Anomaly) error {
	listed := map[string]bool{}
	for _, a := range anomalies {
		listed[a.ID] = true
		mark(open, a.ID, a.Active())
	}
	for id := range open {
		if listed[id] {
			continue
		}
		delete(open, id)
		a, ok := read(s, tx, anomalyTable, id, anomalyOf)
		if !ok {
			continue
		}
		a.EndedAt = lastSave(tx)
		if a.EndedAt.Before(a.StartedAt) {
			a.EndedAt = a.StartedAt
		}
		anomalies = append(anomalies[:len(anomalies):len(anomalies)], a)
	}
	for _, a := range anomalies {
		r, err := anomalyRow(a)
		if err != nil {
			return err
		}
		if err := anomalyTable.put(tx, r); err != nil {
			return err
		}
	}
	return nil
}

func saveChanges(tx *bbolt.Tx, changes []rules.Change) error {
	for _, c := range changes {
		r, err := changeRow(c)
		if err != nil {
			return err
		}
		if changeTable.has(tx, r.id) {
			continue
		}
		if err := changeTable.put(tx, r); err != nil {
			return err
		}
	}
	return nil
}

func mark(set map[string]bool, id string, member bool) {
	if member {
		set[id] = true
	} else {
		delete(set, id)
	}
}

// lastSave returns when the last Save wrote, which is in the past of the
// transaction that asks.
func lastSave(tx *bbolt.Tx) time.Time {
	if v := tx.Bucket(metaBucket).Get(savedAtKey); len(v) == stampLen {
		return unstamp(v)
	}
	return time.Now().UTC()
}

func (s *Store) prune(tx *bbolt.Tx, before time.Time) error {
	for _, t := range tables {
		n, err := t.prune(tx, before)
		if err != nil {
			return err
		}
		s.metrics.pruned.WithLabelValues(t.name).Add(float64(n))
	}
	return pruneDeliveries(tx, before)
}
