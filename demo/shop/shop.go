package shop

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Options are what a shop is made of.
type Options struct {
	Model    Model
	Cache    BreakableCache
	Database BreakableDatabase
	Seed     uint64 // of the random numbers

	Logger     *slog.Logger
	Registerer prometheus.Registerer
}

// BreakableCache is a cache with its faults.
type BreakableCache interface {
	Cache
	CacheFaults
}

// BreakableDatabase is a database with its faults.
type BreakableDatabase interface {
	Database
	DatabaseFaults
}

// Shop answers the requests of customers.
type Shop struct {
	model    Model
	cache    Cache
	database Database
	faults   *Faults
	rand     *rand.Rand
	logger   *slog.Logger
	metrics  *metrics

	workers chan struct{} // one for each request that is being answered
	bypass  atomic.Bool   // do not ask the cache
	ttl     atomic.Int64  // time.Duration
	load    atomic.Uint64 // bits of the factor by which customers come more often
	release atomic.Pointer[Release]
}

// New returns a shop that runs the stable release and has no faults.
func New(o Options) *Shop {
	s := &Shop{
		model:    o.Model,
		cache:    o.Cache,
		database: o.Database,
		rand:     newRand(o.Seed),
		logger:   o.Logger,
		metrics:  newMetrics(o.Registerer),
		workers:  make(chan struct{}, o.Model.Workers),
	}
	s.ttl.Store(int64(o.Model.TTL))
	s.setLoad(1)
	s.deploy(Stable)
	s.faults = newFaults(s, o.Cache, o.Database)
	o.Registerer.MustRegister(state{s})
	return s
}

// Faults returns what can be broken.
func (s *Shop) Faults() *Faults { return s.faults }

// Load returns the factor by which customers come more often than usual.
func (s *Shop) Load() float64 { return math.Float64frombits(s.load.Load()) }

func (s *Shop) setLoad(factor float64) { s.load.Store(math.Float64bits(factor)) }

// Handler serves the shop's pages: GET /products/{id} and POST /checkout/{id},
// where id is the number of a product.
func (s *Shop) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /products/{id}", s.page(HandlerProduct, s.product))
	mux.Handle("POST /checkout/{id}", s.page(HandlerCheckout, s.checkout))
	return mux
}

// page counts and times a handler, and adds what all pages have in common: the
// application's own work, and what the release does to it.
func (s *Shop) page(name string, body func(context.Context, int) (string, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		code := s.answer(w, r, start, body)
		s.metrics.requests.WithLabelValues(name, code).Inc()
		s.metrics.duration.Observe(time.Since(start).Seconds())
	})
}

func (s *Shop) answer(w http.ResponseWriter, r *http.Request, start time.Time, body func(context.Context, int) (string, error)) (code string) {
	id, err := strconv.Atoi(r.PathValue("id"))
	if err != nil || id < 0 || id >= s.model.Products {
		http.Error(w, "no such product", http.StatusNotFound)
		return "404"
	}
	ctx := r.Context()
	if err := s.occupy(ctx); err != nil {
		http.Error(w, "the shop is full", http.StatusServiceUnavailable)
		return CodeUnavailable
	}
	defer s.leave()
	release := s.release.Load()
	_ = sleep(ctx, s.model.Work.Draw(s.rand, 1)) // a customer who hangs up is found out below
	text, err := body(ctx, id)
	if release.Slowdown > 1 {
		_ = sleep(ctx, time.Duration((release.Slowdown-1)*float64(time.Since(start))))
	}
	switch {
	case err != nil:
		http.Error(w, "the database does not answer", http.StatusServiceUnavailable)
		return CodeUnavailable
	case s.rand.Float64() < s.model.Errors+release.Errors:
		http.Error(w, "internal error", http.StatusInternalServerError)
		return CodeInternal
	}
	_, _ = w.Write([]byte(text)) // whether the customer still listens does not matter
	return CodeOK
}

// occupy waits for a worker, as long as its customer has patience.
func (s *Shop) occupy(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.model.Patience)
	defer cancel()
	select {
	case s.workers <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for a worker: %w", ctx.Err())
	}
}

func (s *Shop) leave() { <-s.workers }

// product reads a product through the cache. A cache that does not answer is
// treated as one that does not have it.
func (s *Shop) product(ctx context.Context, id int) (string, error) {
	key := cacheKey(id)
	bypass := s.bypass.Load()
	if !bypass {
		s.metrics.cacheLookups.Inc()
		start := time.Now()
		text, found, err := s.cache.Get(ctx, key)
		s.metrics.command("get", start, err)
		if found {
			s.metrics.cacheHits.Inc()
			return text, nil
		}
	}
	text, err := s.query(ctx, id, 1)
	if err != nil || bypass {
		return text, err
	}
	start := time.Now()
	err = s.cache.Set(ctx, key, text, s.model.drawTTL(s.rand, time.Duration(s.ttl.Load())))
	s.metrics.command("set", start, err)
	return text, nil
}

func cacheKey(id int) string { return "product:" + strconv.Itoa(id) }

func (s *Shop) checkout(ctx context.Context, id int) (string, error) {
	return s.query(ctx, id, s.release.Load().Queries)
}

// query asks the database so many times, one after the other.
func (s *Shop) query(ctx context.Context, id, times int) (text string, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.model.QueryTimeout)
	defer cancel()
	for range times {
		var spent Spent
		text, spent, err = s.database.Product(ctx, id)
		s.metrics.query(spent, err)
		if err != nil {
			return "", fmt.Errorf("read product %d: %w", id, err)
		}
	}
	return text, nil
}

// Warm fills the cache as it would be after hours at the given rate of
// requests, so that the shop does not begin with a cold cache.
func (s *Shop) Warm(ctx context.Context, rate float64) error {
	ttl := s.model.TTL.Seconds()
	for id, p := range s.model.Popularity() {
		reads := rate * s.model.Reads * p
		left := time.Duration(0) // nobody has read it lately
		if s.rand.Float64() < reads*ttl/(1+reads*ttl) {
			left = time.Duration(s.rand.Float64() * float64(s.model.drawTTL(s.rand, s.model.TTL)))
		}
		if err := s.cache.Set(ctx, cacheKey(id), describe(id), left); err != nil {
			return fmt.Errorf("warm the cache: %w", err)
		}
	}
	return nil
}
