package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/redis/go-redis/v9/logging"

	"tidemark/demo/shop"
)

type serveOptions struct {
	listen    string
	service   string
	redis     string
	postgres  string
	customers bool
}

// run keeps the shop open until the context is done.
func run(ctx context.Context, o serveOptions, logger *slog.Logger) error {
	model, seed := shop.Default, uint64(time.Now().UnixNano())
	registry := prometheus.NewRegistry()
	so := shop.Options{
		Model:      model,
		Cache:      shop.NewMemoryCache(model, seed),
		Database:   shop.NewMemoryDatabase(model, seed),
		Seed:       seed,
		Logger:     logger,
		Registerer: prometheus.WrapRegistererWith(prometheus.Labels{"service": o.service}, registry),
	}
	if o.redis != "" {
		logging.Disable() // while Redis is down, the client would log each command
		cache := shop.NewRedisCache(o.redis)
		defer func() { _ = cache.Close() }()
		so.Cache = cache
	}
	if o.postgres != "" {
		database, err := shop.OpenPostgres(ctx, o.postgres, model, seed)
		if err != nil {
			return err
		}
		defer database.Close()
		so.Database = database
	}
	s := shop.New(so)
	if err := s.Warm(ctx, model.Traffic.Rate(time.Now())); err != nil {
		logger.Warn("The cache is cold.", "err", err)
	}

	mux := http.NewServeMux()
	mux.Handle("/", s.Handler())
	mux.Handle("/faults", s.Faults().Handler())
	mux.Handle("/faults/", s.Faults().Handler())
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /-/healthy", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "Open.") })

	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", o.listen)
	if err != nil {
		return fmt.Errorf("open the shop: %w", err)
	}
	logger.Info("The shop is open.", "address", listener.Addr().String())
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()

	if o.customers {
		customers := shop.Customers{
			Model:  model,
			URL:    fmt.Sprintf("http://127.0.0.1:%d", listener.Addr().(*net.TCPAddr).Port),
			Client: &http.Transport{MaxIdleConnsPerHost: 512},
			Load:   s.Load,
			Seed:   seed,
			Logger: logger,
		}
		go customers.Run(ctx)
	}

	select {
	case err := <-served:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	logger.Info("The shop closes.")
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := server.Shutdown(grace); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("close the shop: %w", err)
	}
	return nil
}
