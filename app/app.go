// Package app wires the parts of the service together and runs them: it loads
// the configuration, opens the store, listens, runs the cycles on the clock,
// reloads, and shuts down in an order that loses nothing.
//
// Nothing in it is global: several services can run in one process.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	versioncollector "github.com/prometheus/client_golang/prometheus/collectors/version"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/model"
	"github.com/prometheus/common/version"
	"github.com/prometheus/exporter-toolkit/web"

	"tidemark/docs"
	"tidemark/engine"
	"tidemark/httpapi"
	"tidemark/rules"
	"tidemark/store"
)

// Options are what needs a restart to change.
type Options struct {
	ConfigFile      string
	StoragePath     string
	Retention       model.Duration // of resolved incidents
	ExternalURL     string         // empty: http://<host name>:<port>/
	EnableLifecycle bool
	EnableAdminAPI  bool
	EnableEvents    bool
	Web             *web.FlagConfig // where to listen, TLS, authentication
	Logger          *slog.Logger

	// Reload asks for the configuration to be read again at each value. Nil
	// never does.
	Reload <-chan os.Signal

	// Listening is called with the addresses once they are bound. Nil is nobody.
	Listening func([]net.Addr)
}

// app is one running service.
type app struct {
	opts     Options
	logger   *slog.Logger
	store    *store.Store
	external *url.URL
	current  atomic.Pointer[generation]
	reloads  chan reloadRequest
	accepts  chan acceptRequest
	events   announced

	announcing sync.Mutex // of findings

	metrics  *metrics
	registry *prometheus.Registry
}

// Run runs the service until ctx is done, then shuts it down: the cycle ends,
// the alerts that wait are sent, the pages go last. The error says what kept it
// from starting or made it stop early.
func Run(ctx context.Context, o Options) error {
	a := &app{
		opts: o, logger: o.Logger, registry: prometheus.NewRegistry(),
		reloads: make(chan reloadRequest), accepts: make(chan acceptRequest),
	}
	a.registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		versioncollector.NewCollector("tidemark"),
	)
	a.metrics = newMetrics(a.registry)
	a.logger.Info("Starting tidemark", "version", version.Info())

	listeners, err := listen(ctx, *o.Web.WebListenAddresses)
	if err != nil {
		return err
	}
	defer closeAll(listeners)
	if a.external, err = externalURL(o.ExternalURL, listeners[0].Addr()); err != nil {
		return err
	}
	cfg, err := a.load()
	if err != nil {
		return err
	}
	a.store, err = store.Open(o.StoragePath, store.Options{Logger: a.logger, Registerer: a.registry, Retention: time.Duration(o.Retention)})
	if err != nil {
		return err
	}
	defer func() {
		if err := a.store.Close(); err != nil {
			a.logger.Error("Closing the store", "err", err)
		}
	}()
	gen, err := a.newGeneration(cfg)
	if err != nil {
		return err
	}
	if err := a.restore(gen); err != nil {
		return err
	}
	a.current.Store(gen)
	if o.Listening != nil {
		o.Listening(addrs(listeners))
	}
	return a.serve(ctx, gen, listeners)
}

// serve runs the loop and the HTTP server until ctx is done or one of them
// ends.
func (a *app) serve(ctx context.Context, gen *generation, listeners []net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()

	server := a.api().Server()
	served := make(chan error, 1)
	go func() { served <- web.ServeMultiple(listeners, server, a.opts.Web, a.logger) }()

	looped := make(chan struct{})
	go func() {
		defer close(looped)
		a.loop(ctx, gen)
	}()

	var failure error
	select {
	case <-ctx.Done():
		a.logger.Info("Shutting down")
	case failure = <-served:
		cancel()
	}
	<-looped

	shutdown, done := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer done()
	if err := server.Shutdown(shutdown); err != nil {
		a.logger.Warn("Open connections are dropped", "err", err)
	}
	if failure != nil && !errors.Is(failure, http.ErrServerClosed) {
		return fmt.Errorf("serve HTTP: %w", failure)
	}
	return nil
}

const shutdownTimeout = 5 * time.Second

func (a *app) api() *httpapi.API {
	return httpapi.New(httpapi.Options{
		Engine:          a,
		History:         a.store,
		Configuration:   a,
		Reload:          a.requestReload,
		EnableLifecycle: a.opts.EnableLifecycle,
		Accept:          a.requestAccept,
		EnableAdminAPI:  a.opts.EnableAdminAPI,
		RecordEvent:     a.recordEvent,
		EnableEvents:    a.opts.EnableEvents,
		Audits:          a,
		Feedback:        a.store,
		ExternalURL:     a.external,
		Runbooks:        docs.Runbooks(),
		Logger:          a.logger,
		Registerer:      a.registry,
		Gatherer: prometheus.Gatherers{a.registry, prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) {
			return a.current.Load().registry.Gather()
		})},
	})
}

// Snapshot implements httpapi.Engine.
func (a *app) Snapshot() *engine.Snapshot { return a.current.Load().engine.Snapshot() }

// Rules implements httpapi.Configuration.
func (a *app) Rules() []*rules.Rule { return a.current.Load().config.Rules.Rules() }

// Interval implements httpapi.Configuration.
func (a *app) Interval() time.Duration { return a.current.Load().interval() }

// YAML implements httpapi.Configuration.
func (a *app) YAML() string { return a.current.Load().config.String() }

func listen(ctx context.Context, addresses []string) ([]net.Listener, error) {
	var out []net.Listener
	var lc net.ListenConfig
	for _, address := range addresses {
		l, err := lc.Listen(ctx, "tcp", address)
		if err != nil {
			closeAll(out)
			return nil, fmt.Errorf("listen: %w: choose another --web.listen-address", err)
		}
		out = append(out, l)
	}
	if len(out) == 0 {
		return nil, errors.New("no --web.listen-address is given: write one such as :9733")
	}
	return out, nil
}

func closeAll(listeners []net.Listener) {
	for _, l := range listeners {
		_ = l.Close() // the server has closed it already, if it ran
	}
}

func addrs(listeners []net.Listener) []net.Addr {
	out := make([]net.Addr, len(listeners))
	for i, l := range listeners {
		out[i] = l.Addr()
	}
	return out
}

// externalURL returns the URL for links in alerts: the one given, or the host's
// name with the port that was bound.
func externalURL(given string, bound net.Addr) (*url.URL, error) {
	if given == "" {
		host, err := os.Hostname()
		if err != nil {
			return nil, fmt.Errorf("host name for links in alerts: %w: give --web.external-url", err)
		}
		_, port, err := net.SplitHostPort(bound.String())
		if err != nil {
			return nil, fmt.Errorf("port for links in alerts: %w: give --web.external-url", err)
		}
		given = "http://" + net.JoinHostPort(host, port) + "/"
	}
	u, err := url.Parse(given)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("--web.external-url %q is not an http URL: write one such as https://tidemark.example.org/", given)
	}
	u.Path = strings.TrimRight(u.Path, "/")
	return u, nil
}
