package httpapi

import (
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/prometheus/common/model"

	"tidemark/engine"
	"tidemark/incident"
)

// ErrLearning is returned by Options.Accept while the history is learned.
var ErrLearning = errors.New("the history is being learned, and no level can be accepted: try again when /-/ready says so")

// acceptBody is the body of a request to accept a level.
type acceptBody struct {
	IncidentID string         `json:"incident_id"`
	Signal     string         `json:"signal"`
	Labels     model.LabelSet `json:"labels"`
}

type acceptedForm struct {
	Accepted []seriesForm  `json:"accepted"`
	Skipped  []skippedForm `json:"skipped"`
}

type seriesForm struct {
	Signal string         `json:"signal"`
	Labels model.LabelSet `json:"labels"`
}

type skippedForm struct {
	seriesForm
	State string `json:"state"`
}

// accept takes the present level of the series that the body selects for normal.
func (a *API) accept(r *http.Request) (any, error) {
	if err := a.adminOnly(); err != nil {
		return nil, err
	}
	body, err := readAccept(r.Body)
	if err != nil {
		return nil, err
	}
	if body.IncidentID != "" {
		in, err := a.findIncident(body.IncidentID)
		if err != nil {
			return nil, err
		}
		if !in.Open() { // it has been accepted, or has come to its own end
			return acceptedForm{[]seriesForm{}, []skippedForm{}}, nil
		}
	}
	user, _, _ := r.BasicAuth()
	done, err := a.opts.Accept(r.Context(), engine.Selection{Incident: body.IncidentID, Signal: body.Signal, Labels: body.Labels}, user)
	for _, s := range done.Accepted {
		a.opts.Logger.Info("A level is accepted as the new normal", "signal", s.Signal, "labels", s.Labels.String(),
			"incident_id", body.IncidentID, "user", user, "remote_address", r.RemoteAddr)
	}
	if err != nil {
		return nil, acceptError(err)
	}
	return acceptedForm{
		formsOf(done.Accepted, func(s incident.Acceptance) seriesForm { return seriesForm{s.Signal, s.Labels} }),
		formsOf(done.Skipped, func(s engine.Skipped) skippedForm {
			return skippedForm{seriesForm{s.Signal, s.Labels}, s.State.String()}
		}),
	}, nil
}

const acceptExample = `{"incident_id": "…"} or {"signal": "latency_p99", "labels": {"service": "shop"}}`

func readAccept(r io.Reader) (acceptBody, error) {
	var body acceptBody
	if err := readBody(r, &body, acceptExample); err != nil {
		return body, err
	}
	if body.IncidentID == "" && body.Signal == "" {
		return body, badData("neither incident_id nor signal is set: write JSON such as %s", acceptExample)
	}
	return body, nil
}

// acceptError gives an error of Options.Accept its status.
func acceptError(err error) error {
	var unknown *engine.UnknownError
	var unjudged *engine.UnjudgedError
	switch {
	case errors.As(err, &unknown):
		return notFound("%w: GET /signals and /incidents list what there is", err)
	case errors.As(err, &unjudged):
		return conflict("%w", err)
	case errors.Is(err, ErrLearning):
		return unavailable("%w", err)
	default:
		return fmt.Errorf("accept the level: %w", err)
	}
}
