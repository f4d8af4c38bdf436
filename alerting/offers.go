package alerting

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/prometheus/common/model"
)

// resolvedRetention is for how long a resolved alert is offered again, as in
// Prometheus. Alertmanager asks for at least 5 minutes.
const resolvedRetention = 15 * time.Minute

// offer is the newest state of one alert. It is immutable.
type offer struct {
	id          string // of the incident
	fingerprint model.Fingerprint
	since       time.Time // when the state was reached
	alert       Alert     // EndsAt is zero while it fires
}

func (o offer) resolved() bool { return !o.alert.EndsAt.IsZero() }

// state tells apart what a receiver has to be told of.
type state struct {
	id       string
	resolved bool
}

func (o offer) state() state { return state{o.id, o.resolved()} }

// at returns the alert as it is sent at a time: one that fires ends by itself
// if it is not offered again in time.
func (o offer) at(now time.Time, lead time.Duration) Alert {
	a := o.alert
	if !o.resolved() {
		a.EndsAt = now.Add(lead).UTC().Truncate(time.Millisecond)
	}
	return a
}

// beats reports whether o rather than p is the state of an alert that both are
// about: what fires goes before what is resolved, then the newer one.
func (o offer) beats(p offer) bool {
	if o.resolved() != p.resolved() {
		return p.resolved()
	}
	if c := o.since.Compare(p.since); c != 0 {
		return c > 0
	}
	return o.id > p.id
}

// offers holds one offer for each alert, by its labels.
type offers map[model.Fingerprint]offer

func (os offers) add(o offer) {
	if old, ok := os[o.fingerprint]; !ok || o.beats(old) {
		os[o.fingerprint] = o
	}
}

// next returns the offers after those, given what the incidents say. What fired
// and is gone is resolved now; what is resolved stays until its retention is
// over. More than capacity are dropped: resolved ones first, then those that
// began last.
func (os offers) next(said offers, now time.Time, capacity int) (next offers, dropped int) {
	next = maps.Clone(said)
	for fp, old := range os {
		if _, ok := next[fp]; ok {
			continue
		}
		if !old.resolved() {
			old.since = now
			old.alert.EndsAt = clamp(now, now)
			if old.alert.EndsAt.Before(old.alert.StartsAt) {
				old.alert.EndsAt = old.alert.StartsAt
			}
		}
		next[fp] = old
	}
	maps.DeleteFunc(next, func(_ model.Fingerprint, o offer) bool { return o.expired(now) })
	if len(next) <= capacity {
		return next, 0
	}
	surplus := next.sorted(now)[capacity:]
	for _, o := range surplus {
		delete(next, o.fingerprint)
	}
	return next, len(surplus)
}

func (o offer) expired(now time.Time) bool {
	return o.resolved() && now.Sub(o.alert.EndsAt) > resolvedRetention
}

// sorted returns the offers that are not expired: those that fire, in the order
// of their beginning, then resolved ones, the newest end first.
func (os offers) sorted(now time.Time) []offer {
	out := make([]offer, 0, len(os))
	for _, o := range os {
		if !o.expired(now) {
			out = append(out, o)
		}
	}
	slices.SortFunc(out, func(a, b offer) int {
		if a.resolved() != b.resolved() {
			if b.resolved() {
				return -1
			}
			return 1
		}
		return cmp.Or(b.alert.EndsAt.Compare(a.alert.EndsAt), a.alert.StartsAt.Compare(b.alert.StartsAt), cmp.Compare(a.fingerprint, b.fingerprint))
	})
	return out
}
