package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/api"
	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
	"github.com/prometheus/common/version"
	"golang.org/x/time/rate"

	"tidemark/series"
	"tidemark/signal"
)

// Options are what a Source needs from the process that it runs in.
type Options struct {
	Logger     *slog.Logger          // default: discard
	Registerer prometheus.Registerer // default: metrics are counted and not shown

	// MaxQueryRate bounds how many queries are sent per second, on average over a
	// second. 0 is no bound but the configured concurrency.
	MaxQueryRate float64

	// Cache is where a Backfill keeps what it has read, and looks first. Default:
	// nowhere.
	Cache *Cache

	// ProbeFirst makes a Backfill send one small query first, and give up at once
	// if the source is down, or refuses the credentials: for somebody who waits.
	// Without, it is patient.
	ProbeFirst bool
}

// Source reads signals from one Prometheus. Its methods may be called at the
// same time; each call keeps to the configured concurrency for itself.
type Source struct {
	config  Config
	signals []signal.Signal
	logger  *slog.Logger
	metrics *metrics
	client  *client
	api     v1.API
	limiter *rate.Limiter
	cache   *Cache

	probeFirst     bool
	probed         atomic.Bool
	sent, recalled atomic.Uint64 // queries

	mu          sync.Mutex
	unsupported map[string]bool // signals whose support could not be read last time
}

// New returns a source of the given signals, which must be complete. It does not
// connect. Its metrics are registered once: use With for a new configuration.
func New(c Config, signals []signal.Signal, o Options) (*Source, error) {
	logger := o.Logger
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	s, err := open(c, signals)
	if err != nil {
		return nil, err
	}
	s.logger = logger
	s.metrics = newMetrics(o.Registerer)
	s.cache, s.probeFirst = o.Cache, o.ProbeFirst
	if o.MaxQueryRate > 0 {
		s.limiter = rate.NewLimiter(rate.Limit(o.MaxQueryRate), max(1, int(o.MaxQueryRate/10)))
	}
	return s, nil
}

// With returns a source with another configuration and other signals that keeps
// the logger and the metrics of s. It is how a reload replaces a source; s stays
// usable.
func (s *Source) With(c Config, signals []signal.Signal) (*Source, error) {
	next, err := open(c, signals)
	if err != nil {
		return nil, err
	}
	next.logger, next.metrics, next.limiter = s.logger, s.metrics, s.limiter
	next.cache, next.probeFirst = s.cache, s.probeFirst
	return next, nil
}

func open(c Config, signals []signal.Signal) (*Source, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	rt, err := config.NewRoundTripperFromConfig(c.HTTPClientConfig, "prometheus", config.WithUserAgent(userAgent()))
	if err != nil {
		return nil, fmt.Errorf("set up the connection to prometheus: %w", err)
	}
	client, err := newClient(&c, rt)
	if err != nil {
		return nil, fmt.Errorf("url: %w", err)
	}
	return &Source{
		config:      c,
		signals:     slices.Clone(signals),
		client:      client,
		api:         v1.NewAPI(api.Client(client)),
		limiter:     rate.NewLimiter(rate.Inf, 0),
		unsupported: map[string]bool{},
	}, nil
}

func userAgent() string {
	if version.Version == "" {
		return "tidemark/unknown"
	}
	return "tidemark/" + version.Version
}

// Read returns one frame per signal, in the order of the configuration, each
// over grid g. A signal that cannot be read has Frame.Err set. If the support of
// a signal cannot be read, its series have no Support; that is counted and
// logged, and it is not an error of the signal.
//
// A signal whose own step is longer than g's is asked for the slots of its own
// grid, and all other slots are gaps. If g has none of them, its frame is empty
// and has no error, although the source was not asked.
//
// The error is non-nil if nothing could be read: the source is down, every
// signal failed, or ctx is done. The frames are returned in that case, too.
func (s *Source) Read(ctx context.Context, g series.Grid) ([]series.Frame, error) {
	if err := checkGrid(g); err != nil {
		return nil, err
	}
	r := s.newReading(g)
	r.read(ctx, r.all())
	r.report()
	return r.frames(), r.err(ctx)
}

func checkGrid(g series.Grid) error {
	switch {
	case g.Step < time.Millisecond || g.Step%time.Millisecond != 0:
		return fmt.Errorf("read signals: step %s is not a whole number of milliseconds", g.Step)
	case g.N < 0 || g.N > prometheusMaxPoints:
		return fmt.Errorf("read signals: %d slots at once, Prometheus answers 0 to %d", g.N, prometheusMaxPoints)
	default:
		return nil
	}
}

// asked returns the slots of g that a signal is asked for.
func asked(sig signal.Signal, g series.Grid) (series.Grid, error) {
	step := time.Duration(sig.Step)
	if step <= g.Step {
		return g, nil
	}
	if step%g.Step != 0 {
		return series.Grid{}, fmt.Errorf("its step %s is not a multiple of the grid's step %s", sig.Step, model.Duration(g.Step))
	}
	return series.Span(g.Start, g.End(), step), nil
}

// query asks for one expression over the slots of asked and returns the checked
// answer over g.
func (s *Source) query(ctx context.Context, sig signal.Signal, expr string, ask, g series.Grid) (checked, error) {
	if err := s.turn(ctx); err != nil {
		return checked{}, err
	}
	start := time.Now()
	c, err := func() (checked, error) {
		m, err := s.ask(ctx, expr, ask)
		if err != nil {
			return checked{}, err
		}
		return check(m, ask, g, s.config.MaxSeriesPerSignal, sig.Scope)
	}()
	switch r := reasonOf(err); {
	case err == nil:
		s.metrics.queries.WithLabelValues(succeeded).Inc()
		s.metrics.samples.Add(float64(c.samples))
		s.metrics.gaps.Add(float64(len(c.series)*ask.N - c.samples))
	case r == "":
		s.metrics.queries.WithLabelValues(canceled).Inc()
		return c, err
	default:
		s.metrics.queries.WithLabelValues(failed).Inc()
		s.metrics.errors.WithLabelValues(string(r)).Inc()
	}
	s.metrics.duration.Observe(time.Since(start).Seconds())
	return c, err
}

// turn waits until the next query may be sent.
func (s *Source) turn(ctx context.Context) error {
	if err := s.limiter.Wait(ctx); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return &queryError{timedOut, "its turn does not come before the deadline: " + err.Error()}
	}
	s.sent.Add(1)
	return nil
}

// Queries returns how many queries were sent so far, and how many were not since
// the cache had the answer.
func (s *Source) Queries() (sent, recalled int) {
	return int(s.sent.Load()), int(s.recalled.Load())
}

// ask sends one query and decodes its answer. It is the only place that knows
// how an answer is decoded.
func (s *Source) ask(ctx context.Context, expr string, g series.Grid) (model.Matrix, error) {
	timeout := time.Duration(s.config.Timeout)
	within, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	value, warnings, _, err := s.api.QueryRange(within, expr,
		v1.Range{Start: g.Start, End: g.End(), Step: g.Step},
		v1.WithTimeout(serverTimeout(timeout)),
		// One more than allowed, so that more than allowed can be told.
		v1.WithLimit(uint64(s.config.MaxSeriesPerSignal)+1),
	)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err != nil {
		return nil, s.failure(ctx, within, err, unreachable, "")
	}
	m, ok := value.(model.Matrix)
	switch {
	case value == nil:
		return nil, &queryError{badResponse, "the answer has no data: is url the address of a Prometheus API?"}
	case !ok:
		return nil, &queryError{badResponse, fmt.Sprintf("the answer is a %s, not the matrix that was asked for", value.Type())}
	case len(m) > s.config.MaxSeriesPerSignal:
		return m, nil // cut by the limit, which is a warning: check has the better words
	case len(warnings) > 0:
		return nil, &queryError{partial, "the answer may be partial: " + s.client.redact.text(warnings[0])}
	}
	return m, nil
}

// failure turns an error of the API client into one of this package. Within is
// the part of ctx that the request had. An error that tells no reason gets the
// one given, with a prefix.
func (s *Source) failure(ctx, within context.Context, err error, otherwise reason, prefix string) error {
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case within.Err() != nil:
		return &queryError{timedOut, fmt.Sprintf("no complete answer within %s", s.config.Timeout)}
	}
	if e, ok := errors.AsType[*v1.Error](err); ok {
		return apiError(e.Type, s.client.redact.text(e.Msg))
	}
	if reasonOf(err) == "" {
		return &queryError{otherwise, prefix + s.client.redact.text(err.Error())}
	}
	return err
}

// serverTimeout returns the limit that the source is told: a tenth less than
// ours, so that its reason arrives before we hang up, and in a form that
// Prometheus understands ("1.5s" is not).
func serverTimeout(d time.Duration) time.Duration {
	d -= d / 10
	if d > time.Second {
		return d.Truncate(time.Second)
	}
	return max(d.Truncate(time.Millisecond), time.Millisecond)
}
