package httpapi

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/go-chi/chi/v5"

	"tidemark/incident"
	"tidemark/suppression"
)

// suppression answers with the entry of the configuration that would keep the
// like of an incident from paging, to be reviewed and pasted by a person.
func (a *API) suppression(w http.ResponseWriter, r *http.Request) {
	in, err := a.findIncident(chi.URLParam(r, "id"))
	if err == nil {
		var text string
		if text, err = a.proposal(in, a.feedback(), time.Now()); err == nil {
			w.Header().Set("Content-Type", "application/yaml; charset=utf-8")
			w.Header().Set("Cache-Control", "no-store")
			_, _ = w.Write([]byte(text)) // the client is gone if this fails
			return
		}
	}
	writeError(w, asAPIError(err))
}

// proposal returns the entry as YAML. Its windows follow from the incidents of
// the same rule and scope that were called false.
func (a *API) proposal(in incident.Incident, feedback map[string]incident.Feedback, now time.Time) (string, error) {
	former, err := a.alike(in)
	if err != nil {
		return "", err
	}
	former = slices.DeleteFunc(former, func(o incident.Incident) bool { return feedback[o.ID].Verdict != incident.False })
	s := suppression.Propose(in, feedback[in.ID], former, now, a.opts.Configuration.Location())
	text, err := s.YAML()
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("# Keeps the like of %s\n# from paging. Review it, put it under suppressions in the configuration, reload.\n%s",
		a.absolute("/incidents/"+in.ID), text), nil
}
