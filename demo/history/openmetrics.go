package history

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"tidemark/demo/shop"
)

// stateStep is the distance between samples of what changes only when someone
// changes it. It is less than the five minutes for which Prometheus holds a
// sample good.
const stateStep = 2 * time.Minute

// writer writes samples in the OpenMetrics format. It remembers the first error.
type writer struct {
	*bufio.Writer
	labels string // of all series, without braces
	at     string // the time of the samples
	err    error
}

func newWriter(w io.Writer, labels map[string]string) *writer {
	pairs := make([]string, 0, len(labels))
	for name, value := range labels {
		pairs = append(pairs, fmt.Sprintf("%s=%q", name, value))
	}
	slices.Sort(pairs)
	return &writer{Writer: bufio.NewWriterSize(w, 1<<16), labels: strings.Join(pairs, ",")}
}

// sample writes a sample; labels are pairs of a name and a value.
func (w *writer) sample(name string, value float64, labels ...string) {
	b := w.AvailableBuffer()
	b = append(append(append(b, name...), '{'), w.labels...)
	for i := 0; i < len(labels); i += 2 {
		b = append(append(b, ','), labels[i]...)
		b = strconv.AppendQuote(append(b, '='), labels[i+1])
	}
	b = append(b, "} "...)
	b = strconv.AppendFloat(b, value, 'g', -1, 64)
	b = append(append(append(b, ' '), w.at...), '\n')
	if _, err := w.Write(b); w.err == nil {
		w.err = err
	}
}

func (w *writer) end() error {
	if _, err := w.WriteString("# EOF\n"); w.err == nil {
		w.err = err
	}
	if err := w.Flush(); w.err == nil {
		w.err = err
	}
	return w.err
}

// write writes what a scrape at the time would have found.
func (p *shopPast) write(w *writer, at time.Time) {
	w.at = strconv.FormatInt(at.Unix(), 10)
	for _, handler := range []string{shop.HandlerProduct, shop.HandlerCheckout} {
		for _, code := range []string{shop.CodeOK, shop.CodeInternal, shop.CodeUnavailable} {
			w.sample("http_requests_total", p.requests[requestKey{handler, code}], "handler", handler, "code", code)
		}
	}
	cumulative := 0.0
	for i, n := range p.buckets {
		cumulative += n
		upper := "+Inf"
		if i < len(shop.Buckets) {
			upper = strconv.FormatFloat(shop.Buckets[i], 'g', -1, 64)
		}
		w.sample("http_request_duration_seconds_bucket", cumulative, "le", upper)
	}
	w.sample("http_request_duration_seconds_sum", p.duration)
	w.sample("http_request_duration_seconds_count", cumulative)

	w.sample("shop_cache_lookups_total", p.lookups)
	w.sample("shop_cache_hits_total", p.hits)
	w.sample("shop_cache_errors_total", 0)
	w.sample("shop_cache_evictions_total", 0)
	// In the long run each entry that was stored is over one day.
	w.sample("shop_cache_expirations_total", p.sets.count)
	for command, t := range map[string]total{"get": p.gets, "set": p.sets} {
		w.sample("shop_cache_command_duration_seconds_sum", t.sum, "command", command)
		w.sample("shop_cache_command_duration_seconds_count", t.count, "command", command)
	}

	w.sample("shop_db_queries_total", p.queries.count)
	w.sample("shop_db_query_duration_seconds_sum", p.queries.sum)
	w.sample("shop_db_query_duration_seconds_count", p.queries.count)
	w.sample("shop_db_errors_total", p.timeouts)
	w.sample("shop_db_pool_wait_seconds_sum", p.poolWaits.sum)
	w.sample("shop_db_pool_wait_seconds_count", p.poolWaits.count)
	w.sample("shop_db_pool_in_use", p.inUse)

	if at.Unix()%int64(stateStep.Seconds()) == 0 {
		p.writeState(w)
	}
}

// writeState writes what only somebody changes.
func (p *shopPast) writeState(w *writer) {
	m := p.o.Model
	w.sample("shop_cache_up", 1)
	w.sample("shop_cache_size_limit", float64(m.CacheEntries))
	w.sample("shop_cache_ttl_seconds", m.TTL.Seconds())
	w.sample("shop_db_pool_max", float64(m.Connections))
	w.sample("shop_build_info", 1, "version", p.regime.fault.Release.Version)
	w.sample("process_start_time_seconds", float64(p.regime.started.Unix()))
}
