package shop_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tidemark/demo/shop"
	"tidemark/internal/backendtest"
)

// TestRedisCache runs the cache and its faults against a real server.
func TestRedisCache(t *testing.T) {
	ctx := t.Context()
	cache := shop.NewRedisCache(backendtest.StartRedis(t))
	defer cache.Close()
	backendtest.Await(t, "Redis", func() error { _, err := cache.Stats(ctx); return err })

	set := func(key string, ttl time.Duration) {
		t.Helper()
		if err := cache.Set(ctx, key, strings.Repeat("x", 8000), ttl); err != nil {
			t.Fatal(err)
		}
	}
	found := func(key string) bool {
		t.Helper()
		_, ok, err := cache.Get(ctx, key)
		if err != nil {
			t.Fatal(err)
		}
		return ok
	}
	stats := func() shop.CacheStats {
		t.Helper()
		s, err := cache.Stats(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}

	if found("product:1") {
		t.Error("a key is found that was never stored")
	}
	set("product:1", time.Minute)
	if !found("product:1") {
		t.Error("a key is not found that was stored")
	}
	set("product:1", time.Millisecond)
	time.Sleep(5 * time.Millisecond)
	if found("product:1") {
		t.Error("a key is found that has expired")
	}
	if got := stats().Expirations; got != 1 {
		t.Errorf("%d expirations, want 1", got)
	}

	for i := range 500 {
		set(fmt.Sprintf("product:%d", i), time.Minute)
	}
	if s := stats(); s.Entries != 500 || s.Evictions != 0 || s.Limit != 64<<20 {
		t.Errorf("stats before shrinking %+v, want 500 entries, 0 evictions, limit 64 MiB", s)
	}
	if err := cache.Shrink(ctx, true); err != nil {
		t.Fatal(err)
	}
	for i := range 500 {
		set(fmt.Sprintf("product:%d", i), time.Minute)
	}
	if s := stats(); s.Entries < 10 || s.Entries > 100 || s.Evictions < 500 || s.Limit >= 64<<20 {
		t.Errorf("stats after shrinking %+v, want few entries, many evictions, a low limit", s)
	}
	if err := cache.Shrink(ctx, false); err != nil {
		t.Fatal(err)
	}
	if s := stats(); s.Limit != 64<<20 {
		t.Errorf("limit after the repair is %d, want 64 MiB", s.Limit)
	}

	if err := cache.Refuse(ctx, true); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		start := time.Now()
		if _, _, err := cache.Get(ctx, "product:499"); err == nil {
			t.Error("a cache that refuses answers")
		}
		if took := time.Since(start); took > time.Second {
			t.Errorf("a cache that refuses takes %v to do so", took)
		}
	}
	if err := cache.Refuse(ctx, false); err != nil {
		t.Fatal(err)
	}
	backendtest.Await(t, "the repaired Redis", func() error { _, _, err := cache.Get(ctx, "product:499"); return err })
}

// TestPostgresDatabase runs the database and its fault against a real server.
func TestPostgresDatabase(t *testing.T) {
	ctx := t.Context()
	url := backendtest.StartPostgres(t)
	m := shop.Default
	m.Query = shop.Duration{Mean: 20 * time.Millisecond}
	m.Connections = 2
	m.Contention = 0
	var database *shop.PostgresDatabase
	backendtest.Await(t, "PostgreSQL", func() (err error) {
		database, err = shop.OpenPostgres(ctx, url, m, 1)
		return err
	})
	defer database.Close()
	again, err := shop.OpenPostgres(ctx, url, m, 1)
	if err != nil {
		t.Fatalf("open a database that is already filled: %v", err)
	}
	again.Close()

	text, spent, err := database.Product(ctx, m.Products-1)
	if err != nil || !strings.HasPrefix(text, "product 499\n") || len(text) < 8000 {
		t.Errorf("last product is %.20q (%d bytes), %v, want 8 kB about product 499", text, len(text), err)
	}
	between(t, "time of a query", spent.Serving.Seconds(), 0.020, 0.500)

	database.Slow(50)
	_, spent, err = database.Product(ctx, 0)
	if err != nil {
		t.Error(err)
	}
	between(t, "time of a slow query", spent.Serving.Seconds(), 1, 3)

	// Two connections serve four queries of one second in two turns, and none of a
	// request that does not wait that long.
	type result struct {
		spent shop.Spent
		err   error
	}
	results := make(chan result)
	ask := func(ctx context.Context) {
		_, spent, err := database.Product(ctx, 0)
		results <- result{spent, err}
	}
	for range 4 {
		go ask(ctx)
	}
	backendtest.Await(t, "busy connections", func() error {
		if inUse, all := database.Pool(); inUse != 2 || all != 2 {
			return fmt.Errorf("%d of %d connections are in use, want 2 of 2", inUse, all)
		}
		return nil
	})
	short, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
	defer cancel()
	if _, _, err := database.Product(short, 0); err == nil {
		t.Error("a query got a connection that was not there")
	}
	var waits []float64
	for range 4 {
		r := <-results
		if r.err != nil {
			t.Error(r.err)
		}
		waits = append(waits, r.spent.Waiting.Seconds())
	}
	slices.Sort(waits)
	between(t, "wait of the second query", waits[1], 0, 0.5)
	between(t, "wait of the third query", waits[2], 0.7, 3)
}

// TestShopOnRealServers follows single requests through the shop to Redis and
// PostgreSQL, with and without faults.
func TestShopOnRealServers(t *testing.T) {
	ctx := t.Context()
	m := shop.Default
	m.Errors = 0
	m.Query = shop.Duration{Mean: time.Millisecond}
	m.QueryTimeout = 30 * time.Second
	cache := shop.NewRedisCache(backendtest.StartRedis(t))
	defer cache.Close()
	backendtest.Await(t, "Redis", func() error { _, err := cache.Stats(ctx); return err })
	url := backendtest.StartPostgres(t)
	var database *shop.PostgresDatabase
	backendtest.Await(t, "PostgreSQL", func() (err error) {
		database, err = shop.OpenPostgres(ctx, url, m, 1)
		return err
	})
	defer database.Close()
	registry := prometheus.NewRegistry()
	s := shop.New(shop.Options{
		Model: m, Cache: cache, Database: database, Logger: slog.New(slog.DiscardHandler), Registerer: registry,
	})
	handler := s.Handler()

	steps := []struct {
		name         string
		fault        string // toggled before the request
		on           bool
		method, path string

		lookups, hits, errors, queries float64 // that the request adds
	}{
		{name: "first view", method: "GET", path: "/products/7", lookups: 1, queries: 1},
		{name: "second view", method: "GET", path: "/products/7", lookups: 1, hits: 1},
		{name: "checkout", method: "POST", path: "/checkout/7", queries: 1},
		{name: "bypass", fault: "cache_bypass", on: true, method: "GET", path: "/products/7", queries: 1},
		{name: "no bypass", fault: "cache_bypass", method: "GET", path: "/products/7", lookups: 1, hits: 1},
		{name: "cache down", fault: "cache_down", on: true, method: "GET", path: "/products/7", lookups: 1, errors: 2, queries: 1},
		{name: "cache up", fault: "cache_down", method: "GET", path: "/products/7", lookups: 1, hits: 1},
		{name: "five queries", fault: "n_plus_one", on: true, method: "POST", path: "/checkout/7", queries: 5},
		{name: "rollback", fault: "n_plus_one", method: "POST", path: "/checkout/7", queries: 1},
	}
	for _, step := range steps {
		if step.fault != "" {
			if _, err := s.Faults().Set(ctx, step.fault, step.on); err != nil {
				t.Fatal(err)
			}
		}
		before := counters(t, registry)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(step.method, step.path, nil))
		if w.Code != http.StatusOK || !strings.HasPrefix(w.Body.String(), "product 7\n") {
			t.Errorf("%s: answer %d %.20q, want 200 and product 7", step.name, w.Code, w.Body)
		}
		after := counters(t, registry)
		for name, want := range map[string]float64{
			"shop_cache_lookups_total": step.lookups,
			"shop_cache_hits_total":    step.hits,
			"shop_cache_errors_total":  step.errors,
			"shop_db_queries_total":    step.queries,
			"shop_db_errors_total":     0,
		} {
			if got := after[name] - before[name]; got != want {
				t.Errorf("%s: %s grows by %v, want %v", step.name, name, got, want)
			}
		}
	}
	for name, want := range map[string]float64{
		"shop_cache_up": 1, "shop_cache_size_limit": 64 << 20, "shop_db_pool_max": float64(m.Connections),
	} {
		if got := counters(t, registry)[name]; got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
}

// counters returns the counters and gauges that have no labels.
func counters(t *testing.T, g prometheus.Gatherer) map[string]float64 {
	t.Helper()
	families, err := g.Gather()
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if len(m.GetLabel()) == 0 {
				values[f.GetName()] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return values
}
