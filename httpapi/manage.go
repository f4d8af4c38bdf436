package httpapi

import (
	"fmt"
	"net/http"

	"tidemark/engine"
)

// healthy answers as long as the process serves at all.
func healthy(w http.ResponseWriter, _ *http.Request) {
	plain(w, http.StatusOK, "tidemark is healthy.")
}

// ready answers 200 once the engine can judge, else 503 and why it cannot.
func (a *API) ready(w http.ResponseWriter, _ *http.Request) {
	s := a.opts.Engine.Snapshot()
	if !s.Ready {
		plain(w, http.StatusServiceUnavailable, "tidemark is not ready: "+unreadyReason(s)+".")
		return
	}
	plain(w, http.StatusOK, "tidemark is ready.")
}

func unreadyReason(s *engine.Snapshot) string {
	if s.Err != nil {
		return fmt.Sprintf("nothing could be read in the last cycle: %v", s.Err)
	}
	return fmt.Sprintf("%.0f %% of the history is learned", 100*s.Progress)
}

// reload reads the configuration again. What the file holds decides, never the
// request.
func (a *API) reload(w http.ResponseWriter, r *http.Request) {
	if !a.opts.EnableLifecycle {
		plain(w, http.StatusForbidden, "Reloading over HTTP is switched off: start with --web.enable-lifecycle, or send SIGHUP.")
		return
	}
	if err := a.opts.Reload(r.Context()); err != nil {
		plain(w, http.StatusInternalServerError, fmt.Sprintf("The old configuration stays in force: %v", err))
		return
	}
	plain(w, http.StatusOK, "The configuration is reloaded.")
}

func plain(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_, _ = fmt.Fprintln(w, text) // the client is gone if this fails
}
