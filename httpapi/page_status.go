package httpapi

import (
	"io"
	"net/http"
	"time"

	"tidemark/engine"
)

type statusView struct {
	Build       buildinfoForm
	Started     time.Time
	Snapshot    *engine.Snapshot
	Reason      string // why it is not ready
	Interval    time.Duration
	Series      stateCounts
	Rules       int
	HasHistory  bool
	ExternalURL string
	Lifecycle   bool
	AdminAPI    bool
	Events      bool
}

func (a *API) statusPage(w http.ResponseWriter, _ *http.Request) {
	s := a.opts.Engine.Snapshot()
	v := statusView{
		Build: build(), Started: a.started, Snapshot: s, Interval: a.opts.Configuration.Interval(),
		Rules: len(a.opts.Configuration.Rules()), HasHistory: a.opts.History != nil,
		ExternalURL: a.opts.ExternalURL.Redacted(), Lifecycle: a.opts.EnableLifecycle, AdminAPI: a.opts.EnableAdminAPI, Events: a.opts.EnableEvents,
	}
	if !s.Ready {
		v.Reason = unreadyReason(s)
	}
	for _, sig := range s.Signals {
		v.Series.add(sig.Series)
	}
	a.show(w, http.StatusOK, "status", frame{Title: "Status", Section: "/status", Page: v})
}

// configPage shows the configuration without its secrets; to programs as YAML.
func (a *API) configPage(w http.ResponseWriter, r *http.Request) {
	text := a.opts.Configuration.YAML()
	w.Header().Add("Vary", "Accept")
	if prefersHTML(r) {
		a.show(w, http.StatusOK, "config", frame{Title: "Configuration", Section: "/status", Page: text})
		return
	}
	w.Header().Set("Content-Type", "application/yaml; charset=utf-8")
	_, _ = io.WriteString(w, text) // the client is gone if this fails
}
