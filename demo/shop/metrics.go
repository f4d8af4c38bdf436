package shop

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// Buckets are the upper bounds of the request durations, in seconds. They are
// dense from 30 ms (most requests) to 500 ms (the query timeout), so that
// quantiles there are within a tenth of the truth. None is a whole number: how
// those are written as labels depends on the version of Prometheus.
var Buckets = []float64{
	0.005, 0.01, 0.02, 0.025, 0.03, 0.035, 0.04, 0.045, 0.05, 0.06, 0.07, 0.085,
	0.1, 0.125, 0.15, 0.18, 0.21, 0.25, 0.3, 0.36, 0.43, 0.5, 0.6, 0.8, 1.2,
}

// Names of the handlers and codes that http_requests_total tells apart.
const (
	HandlerProduct  = "product"
	HandlerCheckout = "checkout"

	CodeOK          = "200"
	CodeInternal    = "500" // the shop's own fault
	CodeUnavailable = "503" // no worker was idle or the database did not answer, in time
)

type metrics struct {
	requests *prometheus.CounterVec // by handler and code
	duration prometheus.Histogram

	cacheLookups, cacheHits, cacheErrors prometheus.Counter
	cacheCommands                        *prometheus.SummaryVec // by command

	queries, queryErrors prometheus.Counter
	queryTime            prometheus.Summary
	poolWait             prometheus.Summary
}

func newMetrics(reg prometheus.Registerer) *metrics {
	f := promauto.With(reg)
	m := &metrics{
		requests: f.NewCounterVec(prometheus.CounterOpts{
			Name: "http_requests_total", Help: "Requests answered.",
		}, []string{"handler", "code"}),
		duration: f.NewHistogram(prometheus.HistogramOpts{
			Name: "http_request_duration_seconds", Help: "Time to answer a request.", Buckets: Buckets,
		}),
		cacheLookups: f.NewCounter(prometheus.CounterOpts{
			Name: "shop_cache_lookups_total", Help: "Keys that the cache was asked for, answered or not.",
		}),
		cacheHits: f.NewCounter(prometheus.CounterOpts{
			Name: "shop_cache_hits_total", Help: "Keys that the cache had.",
		}),
		cacheErrors: f.NewCounter(prometheus.CounterOpts{
			Name: "shop_cache_errors_total", Help: "Commands that the cache did not answer.",
		}),
		cacheCommands: f.NewSummaryVec(prometheus.SummaryOpts{
			Name: "shop_cache_command_duration_seconds", Help: "Time of a cache command.",
		}, []string{"command"}),
		queries: f.NewCounter(prometheus.CounterOpts{
			Name: "shop_db_queries_total", Help: "Queries that the database completed.",
		}),
		queryErrors: f.NewCounter(prometheus.CounterOpts{
			Name: "shop_db_errors_total", Help: "Queries that failed or got no connection in time.",
		}),
		queryTime: f.NewSummary(prometheus.SummaryOpts{
			Name: "shop_db_query_duration_seconds",
			Help: "Time in the server of a completed query, without the wait for a connection.",
		}),
		poolWait: f.NewSummary(prometheus.SummaryOpts{
			Name: "shop_db_pool_wait_seconds", Help: "Wait of a query for a connection.",
		}),
	}
	for _, handler := range []string{HandlerProduct, HandlerCheckout} {
		for _, code := range []string{CodeOK, CodeInternal, CodeUnavailable} {
			m.requests.WithLabelValues(handler, code)
		}
	}
	for _, command := range []string{"get", "set"} {
		m.cacheCommands.WithLabelValues(command)
	}
	return m
}

// command counts a cache command that began at start.
func (m *metrics) command(name string, start time.Time, err error) {
	m.cacheCommands.WithLabelValues(name).Observe(time.Since(start).Seconds())
	if err != nil {
		m.cacheErrors.Inc()
	}
}

// query counts a query.
func (m *metrics) query(spent Spent, err error) {
	m.poolWait.Observe(spent.Waiting.Seconds())
	if err != nil {
		m.queryErrors.Inc()
		return
	}
	m.queries.Inc()
	m.queryTime.Observe(spent.Serving.Seconds())
}

// state is what the shop shows of its state when it is scraped.
type state struct{ shop *Shop }

var (
	cacheUpDesc          = prometheus.NewDesc("shop_cache_up", "Whether the cache answers.", nil, nil)
	cacheEntriesDesc     = prometheus.NewDesc("shop_cache_entries", "Entries in the cache.", nil, nil)
	cacheEvictionsDesc   = prometheus.NewDesc("shop_cache_evictions_total", "Entries removed because the cache was full.", nil, nil)
	cacheExpirationsDesc = prometheus.NewDesc("shop_cache_expirations_total", "Entries removed because their time was over.", nil, nil)
	cacheSizeDesc        = prometheus.NewDesc("shop_cache_size_limit", "Setting: size from which the cache evicts, in entries or bytes; 0 is none.", nil, nil)
	cacheTTLDesc         = prometheus.NewDesc("shop_cache_ttl_seconds", "Setting: how long the cache keeps an entry.", nil, nil)
	poolInUseDesc        = prometheus.NewDesc("shop_db_pool_in_use", "Database connections in use.", nil, nil)
	poolMaxDesc          = prometheus.NewDesc("shop_db_pool_max", "Setting: database connections that there can be.", nil, nil)
	buildDesc            = prometheus.NewDesc("shop_build_info", "1, labelled with the version that is deployed.", []string{"version"}, nil)
	startDesc            = prometheus.NewDesc("process_start_time_seconds", "Unix time when the deployed version was started.", nil, nil)
)

// Describe implements prometheus.Collector.
func (s state) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		cacheUpDesc, cacheEntriesDesc, cacheEvictionsDesc, cacheExpirationsDesc, cacheSizeDesc,
		cacheTTLDesc, poolInUseDesc, poolMaxDesc, buildDesc, startDesc,
	} {
		ch <- d
	}
}

// Collect implements prometheus.Collector. What a cache that does not answer
// would have said is missing, as with an exporter.
func (s state) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	counter := func(d *prometheus.Desc, v int64) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v))
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if stats, err := s.shop.cache.Stats(ctx); err != nil {
		gauge(cacheUpDesc, 0)
	} else {
		gauge(cacheUpDesc, 1)
		gauge(cacheEntriesDesc, float64(stats.Entries))
		counter(cacheEvictionsDesc, stats.Evictions)
		counter(cacheExpirationsDesc, stats.Expirations)
		gauge(cacheSizeDesc, float64(stats.Limit))
	}
	gauge(cacheTTLDesc, time.Duration(s.shop.ttl.Load()).Seconds())
	inUse, connections := s.shop.database.Pool()
	gauge(poolInUseDesc, float64(inUse))
	gauge(poolMaxDesc, float64(connections))
	release := s.shop.release.Load()
	gauge(buildDesc, 1, release.Version)
	gauge(startDesc, float64(release.started.UnixMilli())/1e3)
}
