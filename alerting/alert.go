package alerting

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/prometheus/common/model"

	"tidemark/incident"
	"tidemark/rules"
	"tidemark/signal"
)

// Alert is an alert as receivers get it.
type Alert struct {
	Labels       model.LabelSet `json:"labels"`
	Annotations  model.LabelSet `json:"annotations"`
	StartsAt     time.Time      `json:"startsAt"`
	EndsAt       time.Time      `json:"endsAt"`
	GeneratorURL string         `json:"generatorURL,omitempty"`
}

// builder makes alerts of incidents.
type builder struct {
	external *url.URL // nil: no links
	labels   model.LabelSet
}

// offers returns the newest state of each alert. Incidents that never fired, or are
// suppressed, have none.
func (b builder) offers(incidents []incident.Incident, now time.Time) offers {
	out := offers{}
	for _, in := range incidents {
		if in.Pages() {
			out.add(b.offer(in, now))
		}
	}
	return out
}

func (b builder) offer(in incident.Incident, now time.Time) offer {
	labels := b.labelsOf(in.Verdict)
	o := offer{
		id: in.ID, fingerprint: labels.Fingerprint(), since: in.FiredAt,
		alert: Alert{
			Labels: labels, Annotations: b.annotations(in),
			// A clock that was set back must not make an alert that ends before
			// it starts: Alertmanager refuses it.
			StartsAt:     clamp(in.StartedAt, now),
			GeneratorURL: b.page(in.ID),
		},
	}
	if in.State == incident.Resolved {
		o.since = in.ResolvedAt
		o.alert.EndsAt = clamp(in.ResolvedAt, now)
		if o.alert.EndsAt.Before(o.alert.StartsAt) {
			o.alert.EndsAt = o.alert.StartsAt
		}
	}
	return o
}

// clamp returns the time in milliseconds, which is what Alertmanager keeps, or
// now if it is not known or lies in the future.
func clamp(t, now time.Time) time.Time {
	if t.IsZero() || t.After(now) {
		t = now
	}
	return t.UTC().Truncate(time.Millisecond)
}

// labelsOf returns the alert's identity. It depends on what is fixed while an
// incident fires, and on nothing else.
func (b builder) labelsOf(v rules.Verdict) model.LabelSet {
	return valid(b.labels.Merge(v.Scope).Merge(model.LabelSet{
		model.AlertNameLabel: model.LabelValue(v.Alert),
		"severity":           model.LabelValue(v.Severity),
		"component":          model.LabelValue(v.Suspect),
	}), maxLabelBytes)
}

func (b builder) annotations(in incident.Incident) model.LabelSet {
	v := in.Verdict
	a := model.LabelSet{
		"summary":     model.LabelValue(v.Summary),
		"description": model.LabelValue(v.Description),
		"runbook_url": model.LabelValue(b.absolute(v.Runbook)),
		"evidence":    lines(v.Evidence, evidenceText),
		"ruled_out":   lines(v.RuledOut, func(r rules.RuledOut) string { return string(r.Component) + ": " + r.Because }),
	}
	if v.Confidence >= 0 { // not NaN
		a["confidence"] = model.LabelValue(strconv.FormatFloat(v.Confidence, 'f', 2, 64))
	}
	if in.SupersededBy != "" {
		page := b.page(in.SupersededBy)
		if page == "" {
			page = "incident " + in.SupersededBy
		}
		a["superseded_by"] = model.LabelValue(page)
		a["description"] += model.LabelValue("\nSuperseded by a diagnosis that fits better: " + page)
	}
	return valid(a, maxAnnotationBytes)
}

// page returns the URL of the incident's page.
func (b builder) page(id string) string {
	if b.external == nil {
		return ""
	}
	return b.external.JoinPath("incidents", url.PathEscape(id)).String()
}

// absolute makes a URL of a path of this service; a URL stays as it is.
func (b builder) absolute(runbook string) string {
	if u, err := url.Parse(runbook); runbook == "" || err != nil || u.IsAbs() || b.external == nil {
		return runbook
	}
	return b.external.JoinPath(runbook).String()
}

// evidenceText writes one line such as "cache hit ratio down since 22:02:15 UTC:
// 41 %, expected 93 % (90 % to 95 %)".
func evidenceText(e rules.Evidence) string {
	name := e.Title
	if name == "" {
		name = e.Signal
	}
	form := signal.Standard[e.Signal]
	return fmt.Sprintf("%s %s since %s: %s, expected %s (%s to %s)", name, e.Direction, e.Since.UTC().Format("15:04:05 UTC"),
		form.Format(e.Value), form.Format(e.Expected), form.Format(e.Lower), form.Format(e.Upper))
}

func lines[T any](items []T, text func(T) string) model.LabelValue {
	out := make([]string, len(items))
	for i, item := range items {
		out[i] = text(item)
	}
	return model.LabelValue(strings.Join(out, "\n"))
}

// Limits of what is sent. Alertmanager has none, but what it passes the alerts
// on to does.
const (
	maxLabelBytes      = 1 << 10
	maxAnnotationBytes = 16 << 10
)

// valid returns the pairs in a form that every Alertmanager takes. One bad name
// would make it refuse an alert, and a page with a mended label is better than
// none: names get underscores for what is not allowed in them, values are made
// UTF-8 and cut, empty ones are left out.
func valid(in model.LabelSet, limit int) model.LabelSet {
	out := make(model.LabelSet, len(in))
	for name, value := range in {
		text := cut(strings.ToValidUTF8(string(value), "\uFFFD"), limit)
		if text == "" {
			continue
		}
		if !model.LegacyValidation.IsValidLabelName(string(name)) {
			name = model.LabelName(model.EscapeName(strings.ReplaceAll(string(name), ":", "_"), model.UnderscoreEscaping))
			if _, taken := in[name]; taken || name == "" {
				continue
			}
		}
		out[name] = model.LabelValue(text)
	}
	return out
}

// cut returns the text, shortened to at most limit bytes between two characters.
func cut(text string, limit int) string {
	const ellipsis = "…"
	if len(text) <= limit {
		return text
	}
	end := limit - len(ellipsis)
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + ellipsis
}
