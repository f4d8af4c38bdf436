package ingest

import (
	"context"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
)

// notPrometheus stands before an error of an answer that cannot be decoded.
const notPrometheus = "the answer is not one of the Prometheus API: "

// Instant returns what an expression gives at one time, whatever signals the
// source has: it is how a source is explored. The vector is empty if there is no
// data. It is not bounded by max_series_per_signal, only by max_response_bytes.
func (s *Source) Instant(ctx context.Context, expr string, at time.Time) (model.Vector, error) {
	if err := s.turn(ctx); err != nil {
		return nil, err
	}
	timeout := time.Duration(s.config.Timeout)
	within, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	value, _, _, err := s.api.Query(within, expr, at, v1.WithTimeout(serverTimeout(timeout)))
	if err != nil {
		return nil, s.failure(ctx, within, err, badResponse, notPrometheus)
	}
	v, ok := value.(model.Vector)
	if !ok {
		return nil, &queryError{badResponse, "the answer is not the vector that was asked for: is url the address of a Prometheus API?"}
	}
	return v, nil
}

// MetricNames returns the names of all metrics that have samples at some time
// from start to end, or somewhat outside of that: sources look at whole blocks.
func (s *Source) MetricNames(ctx context.Context, start, end time.Time) ([]string, error) {
	if err := s.turn(ctx); err != nil {
		return nil, err
	}
	within, cancel := context.WithTimeout(ctx, time.Duration(s.config.Timeout))
	defer cancel()
	values, _, _, err := s.api.LabelValues(within, model.MetricNameLabel, nil, start, end)
	if err != nil {
		return nil, s.failure(ctx, within, err, badResponse, notPrometheus)
	}
	names := make([]string, len(values))
	for i, v := range values {
		names[i] = string(v)
	}
	return names, nil
}

// Address is the source's URL as it may be shown: without user, password and
// parameters.
func (s *Source) Address() string { return s.config.address() }

// Remedy says what a person can do about an error of the source as a whole, such
// as wrong credentials. It is empty for an error of one query, and for a nil
// error.
func Remedy(err error) string {
	switch reasonOf(err) {
	case unreachable:
		return "start Prometheus, or correct its url"
	case unavailable:
		return "try again when Prometheus is well"
	case unauthorized:
		return "write the credentials: basic_auth, authorization or tls_config"
	case redirected:
		return "use the address that it redirects to"
	case badResponse:
		return "correct the url, it has to be the address of a Prometheus, without /api/v1"
	default:
		return ""
	}
}
