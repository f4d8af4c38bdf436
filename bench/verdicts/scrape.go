package main

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/prometheus/common/model"

	"tidemark/series"
	"tidemark/signal"
)

// names are the signals that are watched, in the order of the frames.
var names = []string{
	"request_rate", "error_ratio", "latency_p50", "latency_p99",
	"cache_hit_ratio", "cache_lookups_per_request", "cache_served_ratio", "cache_errors",
	"cache_evictions", "cache_expirations", "cache_latency", "cache_up",
	"db_qps", "db_queries_per_request", "db_latency", "db_connections_used_ratio", "db_pool_wait", "db_errors",
	"dependency_latency", "deploys", "cache_settings", "process_restarts", "cache_restarts",
}

// declared returns the signals as a configuration would declare them: the
// standard ones over a window of minutes, judged by their usual load.
func declared(window int) ([]signal.Signal, error) {
	out := make([]signal.Signal, len(names))
	for i, name := range names {
		out[i] = signal.Signal{Name: name, Query: fmt.Sprintf("rate(simulated[%dm])", window), Given: signal.Standard[name].Given}
		err := out[i].Complete(signal.Defaults{Scope: []string{"service"}, Step: time.Minute})
		if err != nil {
			return nil, fmt.Errorf("declare the signals: %w", err)
		}
	}
	return out, nil
}

// record is what Prometheus shows of a world; it is an engine.Source. Scrapes
// are a minute apart, rates are over a window of minutes.
type record struct {
	start   time.Time  // end of minute 0
	values  [][]sample // by signal, by minute
	version []int
	window  int // minutes
}

type sample struct{ value, support float64 }

// observe turns minutes into what is scraped of them.
func observe(start time.Time, minutes []minute, window int) *record {
	r := &record{start: start, values: make([][]sample, len(names)), version: make([]int, len(minutes)), window: window}
	for n := range r.values {
		r.values[n] = make([]sample, len(minutes))
	}
	app := rates(minutes, window, appScraped, true)
	rest := rates(minutes, window, exportersScraped, false)
	for i := range minutes {
		m := &minutes[i]
		r.version[i] = m.version
		if !appScraped(m) {
			r.version[i] = 0
		}
		for n, v := range shown(m, &app[i], &rest[i]) {
			r.values[n][i] = v
		}
	}
	return r
}

// windowed are the counters over a window, per second.
type windowed struct {
	counters
	seconds float64 // that they are divided by; 0 if there are fewer than two samples
}

func appScraped(m *minute) bool       { return !m.noScrape && !m.noScrapes }
func exportersScraped(m *minute) bool { return !m.noExporters && !m.noScrapes }
func appStarts(m *minute) bool        { return m.restart || m.deploy }

// rates forms, for each minute, the increase of the counters between the first
// and the last scrape in the window, and what rate() divides it by. Of the minute in
// which the application starts again, a share is lost with the old process.
func rates(minutes []minute, window int, scraped func(*minute) bool, restarts bool) []windowed {
	out := make([]windowed, len(minutes))
	seen := make([]counters, len(minutes)) // increase since the scrape before
	ok := make([]bool, len(minutes))
	var since counters
	for i := range minutes {
		m := &minutes[i]
		if restarts && appStarts(m) {
			// What the old process counted since the last scrape is lost, and
			// of a new one what it counted before its first.
			since = counters{}
			since.add(&m.counters, 1-m.lost)
		} else {
			since.add(&m.counters, 1)
		}
		if ok[i] = scraped(m); ok[i] {
			seen[i], since = since, counters{}
		}
		first, last, n := -1, -1, 0
		from := max(0, i-window) // all was usual before
		for j := from; j <= i; j++ {
			if !ok[j] {
				continue
			}
			if first < 0 {
				first = j
			} else {
				out[i].add(&seen[j], 1)
			}
			last = j
			n++
		}
		if last > first {
			out[i].seconds = divisor(last-first, n, first-from, i-last, i-from) * minuteSeconds
		}
	}
	return out
}

// divisor returns by how many minutes rate() divides the increase that n samples show
// between the first and the last of them. It takes the increase to go on to the edges
// of the window, or, where more than about one sample is missing there, only for half
// of the samples' mean distance (extrapolatedRate in Prometheus's promql/functions.go).
// So a rate falls when scrapes fail, by up to 70 % in a window of five.
func divisor(between, n, before, after, window int) float64 {
	sampled := float64(between)
	mean := sampled / float64(n-1)
	extrapolated := sampled
	for _, missing := range []int{before, after} {
		if d := float64(missing); d < 1.1*mean {
			extrapolated += d
		} else {
			extrapolated += mean / 2
		}
	}
	return sampled * float64(window) / extrapolated
}

// add adds a share of other counters.
func (c *counters) add(o *counters, share float64) {
	c.requests += share * o.requests
	c.errors += share * o.errors
	c.reads += share * o.reads
	c.lookups += share * o.lookups
	c.hits += share * o.hits
	c.cacheErrors += share * o.cacheErrors
	c.cacheTime += share * o.cacheTime
	c.evicted += share * o.evicted
	c.expired += share * o.expired
	c.attempted += share * o.attempted
	c.completed += share * o.completed
	c.failed += share * o.failed
	c.dbQueries += share * o.dbQueries
	c.dbTime += share * o.dbTime
	c.poolWait += share * o.poolWait
	c.dependencyTime += share * o.dependencyTime
	for i, n := range o.duration {
		c.duration[i] += share * n
	}
}

// shown computes the signals of a minute, in the order of names. The database's
// own statistics count the queries, the application's the waiting.
func shown(m *minute, app, rest *windowed) []sample {
	nan := math.NaN()
	per := func(w *windowed, count float64) float64 {
		if w.seconds == 0 {
			return nan
		}
		return count / w.seconds
	}
	plain := func(v float64) sample { return sample{v, nan} }
	requests := per(app, app.requests)
	a, s := app.counters, rest.counters
	gauge := func(v float64, missing bool) sample {
		if missing {
			v = nan
		}
		return plain(v)
	}
	gone := !appScraped(m)
	cacheDark := !exportersScraped(m) || m.cacheGone
	if m.cacheGone {
		s.evicted, s.expired = nan, nan
	}
	return []sample{
		plain(requests),
		{a.errors / a.requests, requests},
		{histogramQuantile(0.5, a.duration[:]), requests},
		{histogramQuantile(0.99, a.duration[:]), requests},
		{a.hits / a.lookups, per(app, a.lookups)},
		{a.lookups / a.requests, requests},
		{a.hits / a.reads, per(app, a.reads)},
		plain(per(app, a.cacheErrors)),
		plain(per(rest, s.evicted)),
		plain(per(rest, s.expired)),
		{a.cacheTime / a.lookups, per(app, a.lookups)},
		gauge(m.up, cacheDark),
		plain(per(rest, s.dbQueries)),
		{per(rest, s.dbQueries) / requests, requests},
		{s.dbTime / s.dbQueries, per(rest, s.dbQueries)},
		gauge(m.used, gone),
		{a.poolWait / a.attempted, per(app, a.attempted)},
		plain(per(app, a.failed)),
		{a.dependencyTime / a.requests, requests},
		plain(nan), // versions are labels, see Read
		gauge(m.limit, cacheDark),
		gauge(float64(m.started.Unix()), gone),
		gauge(float64(m.warmed.Unix()), cacheDark),
	}
}

// at returns the slot of a minute, its end.
func (r *record) at(i int) time.Time { return r.start.Add(time.Duration(i) * time.Minute) }

// grid returns the slots of the first minutes.
func (r *record) grid(minutes int) series.Grid {
	return series.Grid{Start: r.at(0), Step: time.Minute, N: minutes}
}

// Read implements engine.Source.
func (r *record) Read(_ context.Context, g series.Grid) ([]series.Frame, error) {
	first := int(g.Start.Sub(r.start) / time.Minute)
	frames := make([]series.Frame, len(names))
	for n, name := range names {
		frames[n].Signal = name
		if name == "deploys" {
			frames[n].Series = r.versions(first, g.N)
			continue
		}
		one := series.Series{Labels: model.LabelSet{"service": "shop"}, Values: series.Gaps(g.N), Support: series.Gaps(g.N)}
		for i := range g.N {
			if k := first + i; k >= 0 && k < len(r.version) {
				one.Values[i], one.Support[i] = r.values[n][k].value, r.values[n][k].support
			}
		}
		frames[n].Series = []series.Series{one}
	}
	return frames, nil
}

func version(n int) string { return fmt.Sprintf("1.%d", n) }

// versions returns one series for each version that ran.
func (r *record) versions(first, n int) []series.Series {
	var out []series.Series
	at := map[int]int{}
	for i := range n {
		v := r.version[first+i]
		if v == 0 {
			continue
		}
		k, ok := at[v]
		if !ok {
			k = len(out)
			at[v] = k
			out = append(out, series.Series{
				Labels: model.LabelSet{"service": "shop", "version": model.LabelValue(version(v))},
				Values: series.Gaps(n),
			})
		}
		out[k].Values[i] = 1
	}
	return out
}
