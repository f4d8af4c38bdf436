package httpapi

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"tidemark/incident"
)

type metrics struct {
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	panics   prometheus.Counter
	feedback *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer) *metrics {
	f := promauto.With(reg)
	m := &metrics{
		requests: f.NewCounterVec(prometheus.CounterOpts{
			Name: "tidemark_http_requests_total",
			Help: "HTTP requests by route, status code and method.",
		}, []string{"handler", "code", "method"}),
		duration: f.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "tidemark_http_request_duration_seconds",
			Help:    "Time to answer HTTP requests by route.",
			Buckets: []float64{.001, .005, .025, .1, .25, 1, 5, 30},
		}, []string{"handler"}),
		panics: f.NewCounter(prometheus.CounterOpts{
			Name: "tidemark_http_panics_total",
			Help: "HTTP requests whose handler panicked. Each is a bug; the log holds its stack.",
		}),
		feedback: f.NewCounterVec(prometheus.CounterOpts{
			Name: "tidemark_incidents_feedback_total",
			Help: "Feedback that people gave on incidents, by whether the incident was useful or false.",
		}, []string{"verdict"}),
	}
	for _, o := range incident.Opinions {
		m.feedback.WithLabelValues(string(o))
	}
	return m
}

// initialise makes the series of every route known before its first request.
func (m *metrics) initialise(r chi.Routes) {
	_ = chi.Walk(r, func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		m.requests.WithLabelValues(route, "200", method)
		m.duration.WithLabelValues(route)
		return nil
	})
}

// methods are those that the method label tells apart.
var methods = []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions, http.MethodPatch}

// measure counts requests by their route, not by their path, so that the number
// of series is bounded.
func (a *API) measure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		recorded := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
		next.ServeHTTP(recorded, r)

		route := chi.RouteContext(r.Context()).RoutePattern()
		if route == "" {
			route = "none"
		}
		method := r.Method
		if !slices.Contains(methods, method) {
			method = "other"
		}
		code := max(recorded.Status(), http.StatusOK) // 0 if nothing was written
		a.metrics.requests.WithLabelValues(route, strconv.Itoa(code), method).Inc()
		a.metrics.duration.WithLabelValues(route).Observe(time.Since(start).Seconds())
	})
}

// recovered turns a panic into a 500 that is logged and counted. If the answer
// has begun already the connection is cut, so that it is not taken for whole.
func (a *API) recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			reason := recover()
			if reason == nil {
				return
			}
			if err, ok := reason.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(reason)
			}
			a.metrics.panics.Inc()
			a.opts.Logger.Error("A request handler panicked", "method", r.Method, "path", r.URL.Path,
				"panic", fmt.Sprint(reason), "stack", string(debug.Stack()))
			if recorded, ok := w.(middleware.WrapResponseWriter); ok && recorded.Status() != 0 {
				panic(http.ErrAbortHandler)
			}
			writeError(w, &apiError{http.StatusInternalServerError, "internal",
				fmt.Errorf("the request broke a handler, which is a bug: the log holds the details")})
		}()
		next.ServeHTTP(w, r)
	})
}

// gatherLog passes on what goes wrong while metrics are gathered.
type gatherLog struct{ logger *slog.Logger }

func (g gatherLog) Println(v ...any) {
	g.logger.Warn("Metrics were not gathered completely", "err", fmt.Sprint(v...))
}
