package store

import (
	"encoding/json"
	"fmt"

	"go.etcd.io/bbolt"

	"tidemark/rules"
)

// Event is a change event that somebody announced, which no signal tells of.
type Event struct {
	ID string // as the announcer has it
	rules.Change
}

// RecordEvent remembers an event unless one of its ID is known. It returns the
// event that is remembered under the ID, and whether that is new. The event is
// on disk when the error is nil, and is forgotten when the retention is over.
func (s *Store) RecordEvent(e Event) (recorded Event, created bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	err = s.update(func(tx *bbolt.Tx) error {
		known, ok := read(s, tx, eventTable, e.ID, eventOf)
		if ok {
			recorded = known
			return nil
		}
		record, err := json.Marshal(eventRecord{e.ID, recordOfChange(e.Change)})
		if err != nil {
			return fmt.Errorf("encode event %s: %w", e.ID, err)
		}
		recorded, created = e, true
		return eventTable.put(tx, row{id: e.ID, start: e.At, end: e.At, record: record})
	})
	if err != nil {
		return Event{}, false, fmt.Errorf("save event %s to %s: %w", e.ID, s.db.Path(), err)
	}
	return recorded, created, nil
}

// Events returns a page of announced events, newest first, and the cursor of the
// next page, which is empty on the last one.
func (s *Store) Events(q Query) ([]Event, string, error) {
	return page(s, eventTable, q, eventOf)
}

func eventOf(record []byte) (Event, error) {
	var r eventRecord
	if err := json.Unmarshal(record, &r); err != nil {
		return Event{}, fmt.Errorf("decode event: %w", err)
	}
	return Event{r.ID, changeOfRecord(r.changeRecord)}, nil
}
