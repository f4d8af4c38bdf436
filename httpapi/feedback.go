package httpapi

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/go-chi/chi/v5"

	"tidemark/api"
	"tidemark/incident"
)

// Feedback is where feedback on incidents is kept. Calls may overlap, and may
// read or write the disk.
type Feedback interface {
	// Feedback returns what is said of incidents, by their IDs. The caller owns
	// it.
	Feedback() (map[string]incident.Feedback, error)
	// RecordFeedback remembers what is said of the incident of that ID, which
	// replaces what was. It returns what is remembered, and whether it is new.
	RecordFeedback(id string, f incident.Feedback) (recorded incident.Feedback, created bool, err error)
}

// feedbackBody is the body of a request that gives feedback.
type feedbackBody struct {
	Verdict incident.Opinion `json:"verdict"`
	Comment string           `json:"comment"`
	Author  string           `json:"author"`
}

// givenForm is feedback, and whether the request was the first to give it.
type givenForm struct {
	IncidentID string `json:"incident_id"`
	api.Feedback
	Created bool `json:"created"`
}

const feedbackExample = `{"verdict": "false", "comment": "the weekly import", "author": "alice"}`

// giveFeedback records what the body says of an incident.
func (a *API) giveFeedback(r *http.Request) (any, error) {
	if err := a.adminOnly(); err != nil {
		return nil, err
	}
	var body feedbackBody
	if err := readBody(r.Body, &body, feedbackExample); err != nil {
		return nil, err
	}
	return a.recordFeedback(r, body)
}

// feedbackFromPage records what the form of the incident's page says, and goes
// back there.
func (a *API) feedbackFromPage(w http.ResponseWriter, r *http.Request) {
	err := a.adminOnly()
	if err == nil {
		err = r.ParseForm()
		if long := (*http.MaxBytesError)(nil); errors.As(err, &long) {
			err = &apiError{http.StatusRequestEntityTooLarge, "too_large", fmt.Errorf("the form has more than %d bytes: write a shorter comment", long.Limit)}
		} else if err != nil {
			err = badData("the form cannot be read: %w", err)
		}
	}
	if err == nil {
		f := r.PostForm
		_, err = a.recordFeedback(r, feedbackBody{incident.Opinion(f.Get("verdict")), f.Get("comment"), f.Get("author")})
	}
	if err != nil {
		a.showError(w, err)
		return
	}
	http.Redirect(w, r, a.prefix+"/incidents/"+chi.URLParam(r, "id"), http.StatusSeeOther)
}

func (a *API) recordFeedback(r *http.Request, body feedbackBody) (givenForm, error) {
	if !slices.Contains(incident.Opinions, body.Verdict) {
		return givenForm{}, badData("verdict %q is not known: write false if nobody should have been paged, else useful, such as %s", body.Verdict, feedbackExample)
	}
	if err := cmp.Or(checkLine("comment", body.Comment), checkLine("author", body.Author)); err != nil {
		return givenForm{}, err
	}
	in, err := a.findIncident(chi.URLParam(r, "id"))
	if err != nil {
		return givenForm{}, err
	}
	if a.opts.Feedback == nil {
		return givenForm{}, unavailable("nothing is remembered here, so no feedback is")
	}
	user, _, _ := r.BasicAuth()
	f, created, err := a.opts.Feedback.RecordFeedback(in.ID, incident.Feedback{
		At: time.Now().UTC().Truncate(time.Millisecond), Verdict: body.Verdict, Comment: body.Comment, Author: cmp.Or(body.Author, user),
	})
	if err != nil {
		return givenForm{}, fmt.Errorf("record the feedback: %w", err)
	}
	if created {
		a.metrics.feedback.WithLabelValues(string(f.Verdict)).Inc()
		a.opts.Logger.Info("Feedback on an incident is given", "incident_id", in.ID, "rule", in.Verdict.Rule, "scope", in.Verdict.Scope.String(),
			"verdict", f.Verdict, "comment", f.Comment, "author", f.Author, "user", user, "remote_address", r.RemoteAddr)
	}
	return givenForm{in.ID, api.FeedbackOf(f), created}, nil
}

// feedback returns what is said of incidents, by their IDs. An incident is shown
// even if that cannot be read, so the error is only logged.
func (a *API) feedback() map[string]incident.Feedback {
	if a.opts.Feedback == nil {
		return nil
	}
	all, err := a.opts.Feedback.Feedback()
	if err != nil {
		a.opts.Logger.Error("The feedback on incidents cannot be read, they are shown without", "err", err)
	}
	return all
}
