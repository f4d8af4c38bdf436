package backtest

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"

	"tidemark/incident"
	"tidemark/rules"
	"tidemark/signal"
)

// after returns the time so many minutes after the start of the range.
func after(minutes int) time.Time { return start.Add(time.Duration(minutes) * time.Minute) }

// page is an incident that fires some minutes after the start.
func page(id, alert, rule string, suspect signal.Component, scope model.LabelSet, fired, resolved int) incident.Incident {
	in := incident.Incident{
		ID: id, State: incident.Resolved, StartedAt: after(fired - 2), FiredAt: after(fired), ResolvedAt: after(resolved),
		Verdict: rules.Verdict{Alert: alert, Rule: rule, Suspect: suspect, Scope: scope},
	}
	if resolved == 0 {
		in.State, in.ResolvedAt = incident.Firing, time.Time{}
	}
	return in
}

func TestAssess(t *testing.T) {
	shop, news := model.LabelSet{"service": "shop"}, model.LabelSet{"service": "news"}
	silent := page("silent", "DatabaseSlow", "database_slow", signal.Database, shop, 610, 650)
	silent.SuppressedBy = "mine"
	r := &Report{
		Incidents: []incident.Incident{
			silent,
			page("first", "CacheBypass", "cache_bypass", signal.Cache, shop, 63, 110),
			page("again", "DatabaseSlow", "database_slow", signal.Database, shop, 70, 80),
			page("misnamed", "TrafficSurge", "traffic_surge", signal.Traffic, news, 210, 260),
			page("aftermath", "CacheCold", "cache_cold", signal.Cache, shop, 415, 420),
			page("early", "DatabaseSlow", "database_slow", signal.Database, shop, 495, 520),
			page("elsewhere", "CacheMisses", "cache_misses", signal.Cache, news, 65, 70),
			page("open", "CacheDown", "cache_down", signal.Cache, news, 900, 0),
		},
		Stats: Stats{Start: start, End: after(15*24*60 - 1), Step: step, Slots: 15 * 24 * 60, Services: 2},
	}
	fault := func(from, to int, scope model.LabelSet, c signal.Component, kind string) Fault {
		return Fault{after(from), after(to), scope, c, kind}
	}
	r.Truth = r.Assess([]Fault{
		fault(60, 100, shop, signal.Cache, "cache_bypass"),
		fault(200, 250, news, signal.Database, "database_slow"),
		fault(390, 400, shop, signal.Cache, ""),                                    // its page comes with the grace
		fault(500, 510, model.LabelSet{"service": "shop", "region": "eu"}, "", ""), // paged before the file says it began
		fault(600, 700, shop, signal.Database, ""),                                 // nobody was paged, somebody suppressed it
		fault(890, 950, nil, signal.Cache, "cache_down"),                           // in every scope
		fault(-500, -400, shop, signal.Cache, ""),                                  // before the range
	}, 15*time.Minute)

	var text bytes.Buffer
	r.Truth.writeText(&text)
	want := `
faults
  Wed 2025-03-05 13:00:00  {service="shop"}               cache_bypass   paged after 3m as CacheBypass, and 1 more
  Wed 2025-03-05 15:20:00  {service="news"}               database_slow  paged after 10m as TrafficSurge, which is wrong: it points at traffic
  Wed 2025-03-05 18:30:00  {service="shop"}               cache          paged after 25m as CacheCold
  Wed 2025-03-05 20:20:00  {region="eu", service="shop"}  unknown cause  paged 5m earlier as DatabaseSlow
  Wed 2025-03-05 22:00:00  {service="shop"}               database       missed
  Thu 2025-03-06 02:50:00  {}                             cache_down     paged after 10m as CacheDown
  1 outside of the range
recall        83 %, 5 of 6  of the faults paged
precision     86 %, 6 of 7  of the incidents belong to a fault
delay         10m           median, and 25m for 90 % of the faults found
cause         75 %, 3 of 4  of the first pages name the component
kind          67 %, 2 of 3  of the first pages are of the rule
one incident  80 %, 4 of 5  of the faults found paged once
false         1             incidents per service and month: 1 in 2 services and 0.5 months
`
	if diff := cmp.Diff(want, text.String()); diff != "" {
		t.Errorf("text (-want +got):\n%s", diff)
	}

	var form bytes.Buffer
	if err := r.WriteJSON(&form); err != nil {
		t.Fatal(err)
	}
	var got struct{ Truth map[string]any }
	if err := json.Unmarshal(form.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	faults := got.Truth["faults"].([]any)
	delete(got.Truth, "faults")
	figures := map[string]any{
		"grace_seconds": 900.0, "faults_outside_range": 1.0, "precision": 6. / 7, "recall": 5. / 6,
		"delay_median_seconds": 600.0, "delay_p90_seconds": 1500.0, "cause_accuracy": 0.75, "kind_accuracy": 2. / 3,
		"one_incident_share": 0.8, "services": 2.0, "false_incidents_per_service_month": 1.0,
		"false_incident_ids": []any{"elsewhere"},
	}
	if diff := cmp.Diff(figures, got.Truth); diff != "" {
		t.Errorf("truth (-want +got):\n%s", diff)
	}
	first := map[string]any{
		"start": "2025-03-05T13:00:00Z", "end": "2025-03-05T13:40:00Z", "scope": map[string]any{"service": "shop"},
		"component": "cache", "kind": "cache_bypass", "incident_ids": []any{"first", "again"}, "delay_seconds": 180.0,
		"cause_right": true, "kind_right": true,
	}
	if diff := cmp.Diff(first, faults[0]); diff != "" {
		t.Errorf("the first fault (-want +got):\n%s", diff)
	}
	missed := faults[4].(map[string]any)
	if missed["delay_seconds"] != nil || missed["cause_right"] != nil || missed["kind"] != nil || len(missed["incident_ids"].([]any)) != 0 {
		t.Errorf("the missed fault: got %v, want null where nothing is known", missed)
	}
}

func TestAssessNothing(t *testing.T) {
	r := &Report{Stats: Stats{Start: start, End: end, Step: step, Slots: 481}}
	a := r.Assess([]Fault{{Start: start, End: end}}, 0)
	var text bytes.Buffer
	a.writeText(&text)
	want := `
faults
  Wed 2025-03-05 12:00:00  {}  unknown cause  missed
recall        0 %, 0 of 1  of the faults paged
precision     –            of the incidents belong to a fault
cause         –            of the first pages name the component
one incident  –            of the faults found paged once
`
	if diff := cmp.Diff(want, text.String()); diff != "" {
		t.Errorf("text (-want +got):\n%s", diff)
	}
	form, err := json.Marshal(a.form())
	if err != nil {
		t.Fatal(err)
	}
	if want := `"precision":null,"recall":0,"delay_median_seconds":null`; !bytes.Contains(form, []byte(want)) {
		t.Errorf("got %s, want …%s…", form, want)
	}
}

func TestServices(t *testing.T) {
	c := newCensus(nil)
	for _, scope := range []model.LabelSet{{}, {"cluster": "a"}, {"cluster": "a", "service": "shop"}, {"cluster": "b", "service": "shop"}, {"cluster": "c"}} {
		c.scopes[scope.String()] = scope
	}
	if got := c.services(); got != 3 {
		t.Errorf("got %d services, want 3: the shop in a and in b, and c", got)
	}
}
