package main

import (
	"bufio"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"
)

// exposed is a metric of a target, as Prometheus scrapes it: a counter since the
// target's start, or a gauge.
type exposed struct {
	name   string
	labels string // without the service, with a comma in front
	value  func(total *counters, m *minute) float64
}

// versioned is the metric that has the version as a label.
const versioned = "build_info"

// target is what is scraped at once.
type target struct {
	scraped func(*minute) bool
	starts  func(*minute) bool // its counters start again
	metrics []exposed
}

// targets are the application, and the exporters of the cache and the database.
var targets = []target{
	{
		scraped: appScraped,
		starts:  appStarts,
		metrics: append(durationBuckets(),
			exposed{"http_requests_total", `,code="200"`, func(c *counters, _ *minute) float64 { return c.requests - c.errors }},
			exposed{"http_requests_total", `,code="500"`, func(c *counters, _ *minute) float64 { return c.errors }},
			exposed{"cache_reads_total", "", func(c *counters, _ *minute) float64 { return c.reads }},
			exposed{"cache_lookups_total", "", func(c *counters, _ *minute) float64 { return c.lookups }},
			exposed{"cache_hits_total", "", func(c *counters, _ *minute) float64 { return c.hits }},
			exposed{"cache_errors_total", "", func(c *counters, _ *minute) float64 { return c.cacheErrors }},
			exposed{"cache_lookup_seconds_total", "", func(c *counters, _ *minute) float64 { return c.cacheTime }},
			exposed{"db_calls_total", "", func(c *counters, _ *minute) float64 { return c.attempted }},
			exposed{"db_call_errors_total", "", func(c *counters, _ *minute) float64 { return c.failed }},
			exposed{"db_pool_wait_seconds_total", "", func(c *counters, _ *minute) float64 { return c.poolWait }},
			exposed{"dependency_seconds_total", "", func(c *counters, _ *minute) float64 { return c.dependencyTime }},
			exposed{"db_pool_used_ratio", "", func(_ *counters, m *minute) float64 { return m.used }},
			exposed{versioned, "", func(*counters, *minute) float64 { return 1 }},
			exposed{"process_start_time_seconds", "", func(_ *counters, m *minute) float64 { return float64(m.started.Unix()) }},
		),
	},
	{
		scraped: func(m *minute) bool { return exportersScraped(m) && !m.cacheGone },
		starts:  func(m *minute) bool { return m.cacheRestart },
		metrics: []exposed{
			{"redis_up", "", func(_ *counters, m *minute) float64 { return m.up }},
			{"redis_evicted_keys_total", "", func(c *counters, _ *minute) float64 { return c.evicted }},
			{"redis_expired_keys_total", "", func(c *counters, _ *minute) float64 { return c.expired }},
			{"redis_memory_max_bytes", "", func(_ *counters, m *minute) float64 { return m.limit }},
			{"redis_start_time_seconds", "", func(_ *counters, m *minute) float64 { return float64(m.warmed.Unix()) }},
		},
	},
	{
		scraped: exportersScraped,
		starts:  func(*minute) bool { return false },
		metrics: []exposed{
			{"pg_stat_statements_calls_total", "", func(c *counters, _ *minute) float64 { return c.dbQueries }},
			{"pg_stat_statements_seconds_total", "", func(c *counters, _ *minute) float64 { return c.dbTime }},
		},
	},
}

// durationBuckets are those of the histogram of how long requests took.
func durationBuckets() []exposed {
	out := make([]exposed, buckets)
	for i := range out {
		le := strconv.FormatFloat(edges[i], 'g', 6, 64)
		out[i] = exposed{"http_request_duration_seconds_bucket", `,le="` + le + `"`, func(c *counters, _ *minute) float64 {
			n := 0.0
			for _, in := range c.duration[:i+1] {
				n += in
			}
			return n
		}}
	}
	return out
}

// queries ask Prometheus for the signals; W is the window.
var queries = map[string]string{
	"request_rate":              `sum by (service) (rate(http_requests_total[W]))`,
	"error_ratio":               `sum by (service) (rate(http_requests_total{code=~"5.."}[W])) / sum by (service) (rate(http_requests_total[W]))`,
	"latency_p50":               `histogram_quantile(0.5, sum by (service, le) (rate(http_request_duration_seconds_bucket[W])))`,
	"latency_p99":               `histogram_quantile(0.99, sum by (service, le) (rate(http_request_duration_seconds_bucket[W])))`,
	"cache_hit_ratio":           `sum by (service) (rate(cache_hits_total[W])) / sum by (service) (rate(cache_lookups_total[W]))`,
	"cache_lookups_per_request": `sum by (service) (rate(cache_lookups_total[W])) / sum by (service) (rate(http_requests_total[W]))`,
	"cache_served_ratio":        `sum by (service) (rate(cache_hits_total[W])) / sum by (service) (rate(cache_reads_total[W]))`,
	"cache_errors":              `sum by (service) (rate(cache_errors_total[W]))`,
	"cache_evictions":           `sum by (service) (rate(redis_evicted_keys_total[W]))`,
	"cache_expirations":         `sum by (service) (rate(redis_expired_keys_total[W]))`,
	"cache_latency":             `sum by (service) (rate(cache_lookup_seconds_total[W])) / sum by (service) (rate(cache_lookups_total[W]))`,
	"cache_up":                  `max by (service) (redis_up)`,
	"db_qps":                    `sum by (service) (rate(pg_stat_statements_calls_total[W]))`,
	"db_queries_per_request":    `sum by (service) (rate(pg_stat_statements_calls_total[W])) / sum by (service) (rate(http_requests_total[W]))`,
	"db_latency":                `sum by (service) (rate(pg_stat_statements_seconds_total[W])) / sum by (service) (rate(pg_stat_statements_calls_total[W]))`,
	"db_connections_used_ratio": `max by (service) (db_pool_used_ratio)`,
	"db_pool_wait":              `sum by (service) (rate(db_pool_wait_seconds_total[W])) / sum by (service) (rate(db_calls_total[W]))`,
	"db_errors":                 `sum by (service) (rate(db_call_errors_total[W]))`,
	"dependency_latency":        `sum by (service) (rate(dependency_seconds_total[W])) / sum by (service) (rate(http_requests_total[W]))`,
	"deploys":                   `count by (service, version) (build_info)`,
	"cache_settings":            `max by (service) (redis_memory_max_bytes)`,
	"process_restarts":          `max by (service) (process_start_time_seconds)`,
	"cache_restarts":            `max by (service) (redis_start_time_seconds)`,
}

// texts are files of OpenMetrics, each with the samples that one block of
// Prometheus's storage holds. Services may write to them side by side.
type texts struct {
	dir   string
	mu    sync.Mutex
	files map[int64]*os.File // by the number of the block
}

func newTexts(dir string) *texts { return &texts{dir: dir, files: map[int64]*os.File{}} }

// blockSpan is what one block holds; the storage has blocks of 3ⁿ times two hours.
const blockSpan = 27 * 2 * time.Hour

// block returns the number of the block that holds an instant.
func block(ts time.Time) int64 { return ts.Unix() / int64(blockSpan/time.Second) }

// write adds what is scraped of a service, whose minute 0 ends at start.
func (t *texts) write(service string, start time.Time, minutes []minute) error {
	at := func(i int) time.Time { return start.Add(time.Duration(i) * time.Minute) }
	for _, target := range targets {
		totals := target.totals(minutes)
		for from := 0; from < len(minutes); {
			n := block(at(from))
			until := from + 1
			for until < len(minutes) && block(at(until)) == n {
				until++
			}
			if err := t.append(n, func(w *bufio.Writer) {
				target.write(w, service, start, minutes, totals, span{from, until})
			}); err != nil {
				return fmt.Errorf("write the samples of %s: %w", service, err)
			}
			from = until
		}
	}
	return nil
}

// append writes to the file of a block.
func (t *texts) append(block int64, write func(*bufio.Writer)) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	f := t.files[block]
	if f == nil {
		var err error
		if f, err = os.Create(filepath.Join(t.dir, fmt.Sprintf("%d.om", block))); err != nil {
			return err
		}
		t.files[block] = f
	}
	w := bufio.NewWriterSize(f, 1<<20)
	write(w)
	return w.Flush()
}

// close ends the files and returns their names, by time.
func (t *texts) close() ([]string, error) {
	var names []string
	var errs []error
	for _, n := range slices.Sorted(maps.Keys(t.files)) {
		f := t.files[n]
		_, err := f.WriteString("# EOF\n")
		errs = append(errs, err, f.Close())
		names = append(names, f.Name())
	}
	return names, errors.Join(errs...)
}

// totals returns what the target's counters show at the end of each minute.
func (t target) totals(minutes []minute) []counters {
	out := make([]counters, len(minutes))
	var total counters
	for i := range minutes {
		m := &minutes[i]
		share := 1.0
		if t.starts(m) {
			total, share = counters{}, 1-m.lost
		}
		total.add(&m.counters, share)
		out[i] = total
	}
	return out
}

// write writes the samples of some minutes, series by series.
func (t target) write(w *bufio.Writer, service string, start time.Time, minutes []minute, totals []counters, part span) {
	for _, e := range t.metrics {
		series := e.name + `{service="` + service + `"` + e.labels
		var line []byte
		for i := part.from; i < part.until; i++ {
			m := &minutes[i]
			if !t.scraped(m) {
				continue
			}
			line = append(line[:0], series...)
			if e.name == versioned {
				line = append(append(line, `,version="`...), version(m.version)...)
				line = append(line, '"')
			}
			line = append(line, "} "...)
			line = strconv.AppendFloat(line, e.value(&totals[i], m), 'g', -1, 64)
			line = append(line, ' ')
			line = strconv.AppendInt(line, start.Add(time.Duration(i)*time.Minute).Unix(), 10)
			_, _ = w.Write(append(line, '\n')) // Flush returns the error
		}
	}
}
