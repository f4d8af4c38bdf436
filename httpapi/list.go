package httpapi

import (
	"slices"

	"tidemark/incident"
	"tidemark/store"
)

// History is what the store remembers of incidents and anomalies, including
// those that the snapshot holds. Both methods may read the disk, and calls may
// overlap. The caller owns the results.
type History interface {
	// Incidents returns a page of the incidents that had begun by q.End and
	// were not over by q.Start, newest start first.
	Incidents(q store.Query) ([]incident.Incident, string, error)
	// Anomalies does the same for anomalies.
	Anomalies(q store.Query) ([]incident.Anomaly, string, error)
	// Incident returns the incident of that ID, and false if there is none.
	Incident(id string) (incident.Incident, bool, error)
}

// historyPage is how many items are read from the store at a time.
const historyPage = 500

// list is a page of items of one kind, merged from the snapshot and the
// history.
type list[T any] struct {
	filter   filter
	position func(T) position
	wants    func(T) bool // whether the filter selects the item
}

// page returns the first items of the list that stand after the filter's
// position, and the cursor of the next page, which is empty on the last one.
// Older reads a page of the history; nil is no history. Of two items with the
// same ID the recent one counts, even if the filter does not select it.
func (l list[T]) page(recent []T, older func(store.Query) ([]T, string, error)) ([]T, string, error) {
	known := map[string]bool{}
	var items []T
	for _, item := range recent {
		known[l.position(item).id] = true
		if l.due(item) {
			items = append(items, item)
		}
	}
	if older != nil {
		past, err := l.past(known, older)
		if err != nil {
			return nil, "", err
		}
		items = append(items, past...)
	}
	slices.SortFunc(items, func(a, b T) int { return l.position(a).compare(l.position(b)) })
	if len(items) <= l.filter.limit {
		return items, "", nil
	}
	items = items[:l.filter.limit]
	return items, l.position(items[len(items)-1]).cursor(), nil
}

// due reports whether the item belongs to the page or to a later one.
func (l list[T]) due(item T) bool {
	after := l.filter.after
	return l.wants(item) && (after.id == "" || after.compare(l.position(item)) < 0)
}

// past reads the history until it has one item more than the page takes.
func (l list[T]) past(known map[string]bool, older func(store.Query) ([]T, string, error)) ([]T, error) {
	q := store.Query{Start: l.filter.start, End: l.filter.end, Limit: historyPage}
	if after := l.filter.after; after.id != "" && (q.End.IsZero() || after.startedAt.Before(q.End)) {
		q.End = after.startedAt
	}
	var items []T
	for {
		batch, next, err := older(q)
		if err != nil {
			return nil, err
		}
		for _, item := range batch {
			if !known[l.position(item).id] && l.due(item) {
				items = append(items, item)
			}
		}
		if next == "" || len(items) > l.filter.limit {
			return items, nil
		}
		q.Cursor = next
	}
}
