package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v2"

	"tidemark/signal"
)

// fetch sends a request and decodes the JSON answer into v, unless v is nil.
func (s *stack) fetch(ctx context.Context, method, url string, v any) error {
	req, err := http.NewRequestWithContext(ctx, method, url, http.NoBody)
	if err != nil {
		return err
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return fmt.Errorf("%s %s: %w", method, url, err)
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %s: %.200s", method, url, resp.Status, body)
	}
	if v == nil {
		return nil
	}
	if err := json.Unmarshal(body, v); err != nil {
		return fmt.Errorf("%s %s: %w", method, url, err)
	}
	return nil
}

// incident is what the demo shows of an incident.
type incident struct {
	ID          string            `json:"id"`
	Rule        string            `json:"rule"`
	State       string            `json:"state"`
	Severity    string            `json:"severity"`
	Scope       map[string]string `json:"scope"`
	Suspect     string            `json:"suspect"`
	Victims     []string          `json:"victims"`
	Summary     string            `json:"summary"`
	StartedAt   time.Time         `json:"started_at"`
	Evidence    []evidence        `json:"evidence"`
	RuledOut    []ruledOut        `json:"ruled_out"`
	Changes     []change          `json:"changes"`
	Description string            `json:"description"`
}

// evidence has pointers where a number may be null: not known.
type evidence struct {
	Signal    string    `json:"signal"`
	Component string    `json:"component"`
	Direction string    `json:"direction"`
	Since     time.Time `json:"since"`
	Value     *float64  `json:"value"`
	Expected  *float64  `json:"expected"`
	Lower     *float64  `json:"lower"`
	Upper     *float64  `json:"upper"`
}

type ruledOut struct {
	Component string `json:"component"`
	Because   string `json:"because"`
}

type change struct {
	At   time.Time `json:"at"`
	What string    `json:"what"`
}

// open reports whether the incident goes on.
func (i incident) open() bool { return i.State != "resolved" }

// incidents returns the incidents of tidemark, newest first.
func (s *stack) incidents(ctx context.Context) ([]incident, error) {
	var answer struct {
		Data struct {
			Incidents []incident `json:"incidents"`
		} `json:"data"`
	}
	err := s.fetch(ctx, http.MethodGet, s.tidemarkURL()+"/incidents?state=all", &answer)
	return answer.Data.Incidents, err
}

// anomaly is a signal that is off.
type anomaly struct {
	Signal    string `json:"signal"`
	Direction string `json:"direction"`
}

// anomalies returns what is off now.
func (s *stack) anomalies(ctx context.Context) ([]anomaly, error) {
	var answer struct {
		Data struct {
			Anomalies []anomaly `json:"anomalies"`
		} `json:"data"`
	}
	err := s.fetch(ctx, http.MethodGet, s.tidemarkURL()+"/anomalies?state=active", &answer)
	return answer.Data.Anomalies, err
}

// alert is an alert in Alertmanager.
type alert struct {
	Labels      map[string]string `json:"labels"`
	Fingerprint string            `json:"fingerprint"`
}

// String returns the labels, the name first.
func (a alert) String() string {
	text := a.Labels["alertname"]
	for _, name := range slices.Sorted(maps.Keys(a.Labels)) {
		if name != "alertname" {
			text += " " + name + "=" + a.Labels[name]
		}
	}
	return text
}

// alerts returns the active alerts in Alertmanager.
func (s *stack) alerts(ctx context.Context) ([]alert, error) {
	var answer []alert
	err := s.fetch(ctx, http.MethodGet, s.alertmanagerURL()+"/api/v2/alerts?active=true", &answer)
	return answer, err
}

// setFault switches a fault of the shop and returns what it is about.
func (s *stack) setFault(ctx context.Context, name string, on bool) (about string, err error) {
	method := http.MethodDelete
	if on {
		method = http.MethodPost
	}
	var answer struct {
		About string `json:"about"`
	}
	err = s.fetch(ctx, method, s.shopURL()+"/faults/"+name, &answer)
	return answer.About, err
}

// signals are those of the demo's configuration, by name.
type signals map[string]signal.Signal

func readSignals() (signals, error) {
	text, err := configs.ReadFile("tidemark.yml")
	if err != nil {
		return nil, err
	}
	var config struct {
		Signals []signal.Signal `yaml:"signals"`
	}
	if err := yaml.Unmarshal(text, &config); err != nil {
		return nil, fmt.Errorf("tidemark.yml: %w", err)
	}
	all := signals{}
	for _, s := range config.Signals {
		if err := s.Complete(signal.Defaults{Scope: []string{"service"}, Step: 10 * time.Second}); err != nil {
			return nil, fmt.Errorf("tidemark.yml: %w", err)
		}
		all[s.Name] = s
	}
	return all, nil
}

// value asks Prometheus for a signal of the shop. It is NaN if there is none.
func (s *stack) value(ctx context.Context, name string) (float64, error) {
	var answer struct {
		Data struct {
			Result []struct {
				Value [2]any `json:"value"`
			} `json:"result"`
		} `json:"data"`
	}
	query := url.Values{"query": {s.signals[name].Query}}
	err := s.fetch(ctx, http.MethodGet, s.prometheusURL()+"/api/v1/query?"+query.Encode(), &answer)
	if err != nil || len(answer.Data.Result) == 0 {
		return math.NaN(), err
	}
	text, _ := answer.Data.Result[0].Value[1].(string)
	return strconv.ParseFloat(text, 64)
}

// format writes a value of a signal for people; nil is not known.
func (s *stack) format(name string, v *float64) string {
	if v == nil {
		return "no value"
	}
	return s.signals[name].Format(*v)
}

// title is how people call a signal.
func (s *stack) title(name string) string {
	if t := s.signals[name].Title; t != "" {
		return t
	}
	return strings.ReplaceAll(name, "_", " ")
}
