// Package api holds the JSON forms of incidents and anomalies, as the HTTP API
// and the reports of a backtest show them. Their field names are a contract.
//
// Times are RFC 3339 in UTC; a number or time that is not known (NaN, an
// infinity, the zero time) is null, as is a reference to nothing. Ratios are
// 0–1. A list is never null. The package writes JSON and does not read it.
package api

import (
	"encoding/json"
	"time"

	"github.com/prometheus/common/model"

	"tidemark/series"
)

// Number is a float64 that is null if it is NaN or an infinity.
type Number float64

// MarshalJSON implements json.Marshaler.
func (n Number) MarshalJSON() ([]byte, error) {
	if !series.Finite(float64(n)) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(n))
}

// Instant is a time that is written in UTC, and null if it is zero.
type Instant time.Time

// MarshalJSON implements json.Marshaler.
func (t Instant) MarshalJSON() ([]byte, error) {
	if time.Time(t).IsZero() {
		return []byte("null"), nil
	}
	return json.Marshal(time.Time(t).UTC().Format(time.RFC3339Nano))
}

// Reference is the ID or address of something else, null if there is none.
type Reference string

// MarshalJSON implements json.Marshaler.
func (r Reference) MarshalJSON() ([]byte, error) {
	if r == "" {
		return []byte("null"), nil
	}
	return json.Marshal(string(r))
}

// Forms returns the form of each item. It never returns nil, which JSON would
// show as null.
func Forms[T, F any](items []T, form func(T) F) []F {
	out := make([]F, len(items))
	for i, item := range items {
		out[i] = form(item)
	}
	return out
}

func texts[T ~string](words []T) []string {
	return Forms(words, func(w T) string { return string(w) })
}

func labelsOf(ls model.LabelSet) model.LabelSet {
	if ls == nil {
		return model.LabelSet{}
	}
	return ls
}
