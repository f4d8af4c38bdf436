package app

import (
	"sync"
	"time"

	"tidemark/engine"
	"tidemark/rules"
	"tidemark/store"
)

// announced holds change events until the next cycle takes them. They come from
// any goroutine, while the engine may be busy or still learns.
type announced struct {
	mu      sync.Mutex
	waiting []rules.Change
}

func (w *announced) add(changes ...rules.Change) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waiting = append(w.waiting, changes...)
}

func (w *announced) take() []rules.Change {
	w.mu.Lock()
	defer w.mu.Unlock()
	changes := w.waiting
	w.waiting = nil
	return changes
}

// recordEvent puts an event on disk and, if it is new, before the engine.
func (a *app) recordEvent(e store.Event) (store.Event, bool, error) {
	recorded, created, err := a.store.RecordEvent(e)
	if created {
		a.events.add(recorded.Change)
	}
	return recorded, created, err
}

// restoreEvents lets the engine know again of the events that were announced to
// earlier runs, which the history does not tell.
func (a *app) restoreEvents() error {
	events, _, err := a.store.Events(store.Query{Start: time.Now().Add(-engine.ChangesMaxAge)})
	for _, e := range events {
		a.events.add(e.Change)
	}
	return err
}
