package store

import (
	"encoding/json"
	"fmt"

	"go.etcd.io/bbolt"

	"tidemark/incident"
)

// RecordFeedback remembers what is said of the incident of that ID, unless it is
// what is remembered already. It returns what is remembered then, and whether it
// is new. The feedback replaces an earlier one, is on disk when the error is nil,
// and is forgotten when the retention is over.
func (s *Store) RecordFeedback(id string, f incident.Feedback) (recorded incident.Feedback, created bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	err = s.update(func(tx *bbolt.Tx) error {
		known, ok := read(s, tx, feedbackTable, id, feedbackOf)
		if ok && known.Same(f) {
			recorded = known.Feedback
			return nil
		}
		record, err := json.Marshal(feedbackRecord{IncidentID: id, At: f.At.UTC(), Verdict: f.Verdict, Comment: f.Comment, Author: f.Author})
		if err != nil {
			return fmt.Errorf("encode feedback: %w", err)
		}
		recorded, created = f, true
		return feedbackTable.put(tx, row{id: id, start: f.At, end: f.At, record: record})
	})
	if err != nil {
		return incident.Feedback{}, false, fmt.Errorf("save feedback on incident %s to %s: %w", id, s.db.Path(), err)
	}
	return recorded, created, nil
}

// Feedback returns what is said of incidents, by their IDs. The caller owns it.
func (s *Store) Feedback() (map[string]incident.Feedback, error) {
	all, _, err := page(s, feedbackTable, Query{}, feedbackOf)
	if err != nil {
		return nil, err
	}
	out := make(map[string]incident.Feedback, len(all))
	for _, f := range all {
		out[f.id] = f.Feedback
	}
	return out, nil
}

// feedbackOn is feedback with the ID of its incident.
type feedbackOn struct {
	id string
	incident.Feedback
}

func feedbackOf(record []byte) (feedbackOn, error) {
	var r feedbackRecord
	if err := json.Unmarshal(record, &r); err != nil {
		return feedbackOn{}, fmt.Errorf("decode feedback: %w", err)
	}
	return feedbackOn{r.IncidentID, incident.Feedback{At: r.At, Verdict: r.Verdict, Comment: r.Comment, Author: r.Author}}, nil
}
