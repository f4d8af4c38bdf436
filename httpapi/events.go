package httpapi

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"tidemark/engine"
	"tidemark/rules"
	"tidemark/signal"
	"tidemark/store"
)

// eventBody is the body of a request that announces a change event.
type eventBody struct {
	ID     string         `json:"id"`
	Kind   string         `json:"kind"`
	What   string         `json:"what"`
	At     *time.Time     `json:"at"`
	Labels model.LabelSet `json:"labels"`
}

// eventForm is an announced event, and whether the request was the first to
// announce it.
type eventForm struct {
	ID        string         `json:"id"`
	Kind      string         `json:"kind"`
	Component string         `json:"component"`
	What      string         `json:"what"`
	At        instant        `json:"at"`
	Labels    model.LabelSet `json:"labels"`
	Created   bool           `json:"created"`
}

const (
	eventExample = `{"id": "shop-1.5.0", "kind": "deploys", "what": "version 1.4.2 → 1.5.0", "labels": {"service": "shop"}}`
	deploysKind  = "deploys" // of an event that does not say

	eventClockSkew = 5 * time.Minute // by which the announcer's clock may be ahead
)

// recordEvent records an event that the body announces.
func (a *API) recordEvent(r *http.Request) (any, error) {
	if !a.opts.EnableEvents {
		return nil, forbidden("announcing events is switched off: start with --web.enable-events")
	}
	var body eventBody
	if err := readBody(r.Body, &body, eventExample); err != nil {
		return nil, err
	}
	e, err := a.eventOf(body, time.Now())
	if err != nil {
		return nil, err
	}
	recorded, created, err := a.opts.RecordEvent(e)
	if err != nil {
		return nil, fmt.Errorf("record the event: %w", err)
	}
	user, _, _ := r.BasicAuth()
	switch {
	case created:
		a.opts.Logger.Info("A change is announced", "id", e.ID, "kind", e.Kind, "what", e.What, "labels", e.Labels.String(),
			"user", user, "remote_address", r.RemoteAddr)
	case !sameEvent(e, recorded, body.At != nil):
		return nil, conflict(
			"id %q is taken by %s %q at %s: give every change an id of its own", e.ID, recorded.Kind, recorded.What, recorded.At.Format(time.RFC3339))
	}
	labels := recorded.Labels
	if labels == nil {
		labels = model.LabelSet{}
	}
	return eventForm{
		ID: recorded.ID, Kind: recorded.Kind, Component: string(recorded.Component), What: recorded.What,
		At: instant(recorded.At), Labels: labels, Created: created,
	}, nil
}

// sameEvent reports whether an announcement repeats what is recorded. A time
// that it does not give is not compared.
func sameEvent(e, recorded store.Event, timed bool) bool {
	return e.Kind == recorded.Kind && e.What == recorded.What && e.Labels.Equal(recorded.Labels) && (!timed || e.At.Equal(recorded.At))
}

// eventOf checks what the body says and fills what it leaves out.
func (a *API) eventOf(body eventBody, now time.Time) (store.Event, error) {
	e := store.Event{ID: body.ID, Change: rules.Change{Kind: body.Kind, What: body.What, Labels: body.Labels, At: now.UTC().Truncate(time.Millisecond)}}
	if e.Kind == "" {
		e.Kind = deploysKind
	}
	var known bool
	if e.Component, known = a.changeSignal(e.Kind); !known {
		return e, badData("kind %q is not a signal of changes: write one of %s", e.Kind, strings.Join(a.changeSignals(), ", "))
	}
	if strings.TrimSpace(e.What) == "" {
		return e, badData("what is missing: write what changed, in words that on-call understands, such as %s", eventExample)
	}
	if err := checkLine("what", e.What); err != nil {
		return e, err
	}
	if err := checkLine("id", e.ID); err != nil {
		return e, err
	}
	if body.At != nil {
		e.At = body.At.UTC()
	}
	switch {
	case e.At.After(now.Add(eventClockSkew)):
		return e, badData("at %s is more than %s ahead of this clock, which shows %s: announce a change when it happens",
			e.At.Format(time.RFC3339), model.Duration(eventClockSkew), now.UTC().Format(time.RFC3339))
	case e.At.Before(now.Add(-engine.ChangesMaxAge)):
		return e, badData("at %s is more than %s ago: no incident would be traced to it", e.At.Format(time.RFC3339), model.Duration(engine.ChangesMaxAge))
	}
	if err := checkLabels(e.Labels); err != nil {
		return e, err
	}
	if e.ID == "" {
		e.ID = contentID(e.Change)
	}
	return e, nil
}

// contentID is the ID of an event that has none: the same for the same content.
func contentID(c rules.Change) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %s %d", c.Kind, c.What, c.Labels, c.At.UnixNano()))
	return hex.EncodeToString(sum[:8])
}

// changeSignal returns the component of a change signal, configured or standard.
func (a *API) changeSignal(name string) (component signal.Component, known bool) {
	for _, s := range a.opts.Engine.Snapshot().Signals {
		if s.Signal.Name == name {
			return s.Signal.Component, s.Signal.Kind == signal.Change
		}
	}
	std, ok := signal.Standard[name]
	return std.Component, ok && std.Kind == signal.Change
}

// changeSignals returns the names of all change signals, sorted.
func (a *API) changeSignals() []string {
	names := map[string]bool{}
	for name := range signal.Standard {
		names[name] = true
	}
	for _, s := range a.opts.Engine.Snapshot().Signals {
		names[s.Signal.Name] = true
	}
	maps.DeleteFunc(names, func(name string, _ bool) bool {
		_, known := a.changeSignal(name)
		return !known
	})
	return slices.Sorted(maps.Keys(names))
}
