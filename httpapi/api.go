package httpapi

import (
	"context"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tidemark/engine"
	"tidemark/rules"
	"tidemark/store"
	"tidemark/suppression"
)

// Engine is where the newest state comes from.
type Engine interface {
	// Snapshot returns what is known after the last cycle. It is never nil,
	// does not block, and may be called from any goroutine.
	Snapshot() *engine.Snapshot
}

// Configuration is what is configured now. A reload may change what it returns
// from one call to the next; what was returned is not changed any more.
type Configuration interface {
	// Rules returns the rules in the order in which they are shown.
	Rules() []*rules.Rule
	// Interval returns the distance between cycles.
	Interval() time.Duration
	// YAML returns the whole configuration without secrets.
	YAML() string
	// Suppressions returns those that are configured, expired ones among them.
	Suppressions() suppression.List
	// Location returns the zone whose days and weeks people live by.
	Location() *time.Location
}

// Options are what the API needs.
type Options struct {
	Engine        Engine
	History       History // nil: nothing is remembered beyond the snapshot
	Configuration Configuration

	// Reload reads the configuration file again; an error means that the old
	// configuration stays in force. It is only called with EnableLifecycle.
	Reload          func(context.Context) error
	EnableLifecycle bool

	// Accept takes the present level of series for normal. By is the user that
	// asks, empty if that is not known. It may block until a cycle is over. Its
	// errors are those of engine.Accept and ErrLearning. It is only called with
	// EnableAdminAPI.
	Accept         func(ctx context.Context, s engine.Selection, by string) (engine.Acceptance, error)
	EnableAdminAPI bool

	// RecordEvent remembers an announced change, unless one of its ID is known,
	// and returns what is remembered under the ID and whether that is new. It is
	// only called with EnableEvents.
	RecordEvent  func(store.Event) (recorded store.Event, created bool, err error)
	EnableEvents bool

	// Audits shows the audits of the configuration, and takes dismissals with
	// EnableAdminAPI. Nil is none.
	Audits Audits

	// Feedback keeps what people say of incidents, and takes it with
	// EnableAdminAPI. Nil is none.
	Feedback Feedback

	// ExternalURL is under which people and reverse proxies reach the service.
	// Its path is the prefix of every route. Nil is the root of an unknown host.
	ExternalURL *url.URL

	// Runbooks holds one Markdown file for each runbook, NAME.md. Nil is none.
	Runbooks fs.FS

	Logger     *slog.Logger
	Registerer prometheus.Registerer
	Gatherer   prometheus.Gatherer // shown under /metrics
}

// API serves HTTP.
type API struct {
	opts    Options
	prefix  string // route prefix: "" or "/path", without a slash at its end
	started time.Time
	metrics *metrics
	pages   *pages
	handler http.Handler
}

// New returns an API that is ready to serve.
func New(o Options) *API {
	if o.ExternalURL == nil {
		o.ExternalURL = &url.URL{}
	}
	a := &API{
		opts:    o,
		prefix:  strings.TrimRight(o.ExternalURL.Path, "/"),
		started: time.Now(),
		metrics: newMetrics(o.Registerer),
	}
	a.pages = newPages(a.prefix)
	a.handler = a.routes()
	return a
}

// Handler returns the handler of all routes, with what protects them.
func (a *API) Handler() http.Handler { return a.handler }

// Limits of the server. A client that is slower than these is not served, so
// that it cannot hold connections for long.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 30 * time.Second
	writeTimeout      = 5 * time.Minute // a reload may take long
	idleTimeout       = 5 * time.Minute
	maxHeaderBytes    = 64 << 10
	maxBodyBytes      = 64 << 10
)

// Server returns a server for the handler. The caller listens and shuts down.
func (a *API) Server() *http.Server {
	return &http.Server{
		Handler:           a.handler,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(a.opts.Logger.Handler(), slog.LevelWarn),
	}
}

// absolute returns the external URL of a path of this service. Anything else,
// such as a runbook on another host, is returned as it is.
func (a *API) absolute(path string) string {
	if !strings.HasPrefix(path, "/") {
		return path
	}
	return strings.TrimRight(a.opts.ExternalURL.String(), "/") + path
}
