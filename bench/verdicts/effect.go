package main

import (
	"fmt"
	"math"

	"tidemark/detector"
)

// effects are the minimum effects of the signals, by name.
var effects = func() map[string]detector.MinEffect {
	signals, err := declared(1)
	if err != nil {
		panic(fmt.Sprintf("the standard signals: %v", err))
	}
	out := map[string]detector.MinEffect{}
	for _, s := range signals {
		out[s.Name] = *s.MinEffect
	}
	return out
}()

// matters reports whether a minute differs from what it would have been without
// the fault by the minimum effect of some signal, before chance. More traffic,
// and a database that is slower under it, matter to nobody until users wait.
func matters(with, without *expectation) bool {
	return beyond("cache_hit_ratio", with.hit, without.hit, -1) ||
		beyond("cache_lookups_per_request", with.lookupsPerRequest, without.lookupsPerRequest, -1) ||
		beyond("db_queries_per_request", with.queriesPerRequest, without.queriesPerRequest, 1) ||
		beyond("db_latency", with.queryTime, without.queryTime, 1) && with.rate < 1.1*without.rate ||
		hurts(with, without)
}

// hurts reports whether users would notice that.
func hurts(with, without *expectation) bool {
	return beyond("error_ratio", with.errors, without.errors, 1) ||
		beyond("latency_p99", with.latency.quantile(0.99), without.latency.quantile(0.99), 1)
}

// beyond reports whether a value is off in a direction by the signal's minimum
// effect.
func beyond(name string, v, expected, sign float64) bool {
	e := effects[name]
	return sign*(v-expected) > math.Max(e.Absolute, e.Relative*expected)
}
