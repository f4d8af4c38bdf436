package httpapi

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// listed is the part of a list that tests look at.
type listed struct {
	Status, ErrorType, Error string
	Data                     struct {
		Incidents, Anomalies []struct {
			ID, State string
			Summary   string
			Value     *float64
		}
		NextCursor *string `json:"next_cursor"`
	}
}

func lookUp(t *testing.T, h http.Handler, target string) (l listed, ids []string) {
	t.Helper()
	_, body := ask(t, h, http.MethodGet, target)
	if err := json.Unmarshal([]byte(body), &l); err != nil {
		t.Fatalf("%s: %v: %s", target, err, body)
	}
	for _, item := range slices.Concat(l.Data.Incidents, l.Data.Anomalies) {
		ids = append(ids, item.ID)
	}
	return l, ids
}

func TestFilters(t *testing.T) {
	h := New(testOptions(t)).Handler()
	const (
		firing, pending, recent = "a1b2c3d4e5f60718", "pending000000001", "recent0000000001"
		old1, old2, old3        = "old0000000000001", "old0000000000002", "old0000000000003"
	)
	for _, tc := range []struct {
		name, target string
		want         []string
	}{
		{"all incidents, newest first", "/incidents", []string{pending, firing, recent, old1, old3, old2}},
		{"state all says the same", "/incidents?state=all", []string{pending, firing, recent, old1, old3, old2}},
		{"firing", "/incidents?state=firing", []string{firing}},
		{"pending, not one that the engine dropped", "/incidents?state=pending", []string{pending}},
		{"resolved", "/incidents?state=resolved", []string{recent, old1, old3, old2}},
		{"rule", "/incidents?rule=traffic_surge", []string{recent, old1, old3, old2}},
		{"two rules", "/incidents?rule=cache_bypass&rule=latency_only", []string{pending, firing}},
		{"signal in the evidence", "/incidents?signal=db_queries_per_request", []string{firing}},
		{"scope", `/incidents?match[]={service="blog"}`, []string{pending, old2}},
		{"alert labels", `/incidents?match[]={component="cache",severity="critical",alertname=~"Cache.*"}`, []string{firing}},
		{"either selector", `/incidents?match[]={component="cache"}&match[]={service="blog"}`, []string{pending, firing, old2}},
		{"absent label", `/incidents?match[]={pod!=""}`, nil},
		{"over before start", "/incidents?start=2026-03-01T21:00:00Z", []string{pending, firing, recent}},
		{"begun after end", "/incidents?end=2026-03-01T20:10:00Z", []string{old1, old3, old2}},
		{"unix seconds", "/incidents?start=1772391600&end=1772395800.5", []string{old1, old3, old2}},
		{"zone", "/incidents?start=2026-03-01T22:00:00%2B01:00", []string{pending, firing, recent}},
		{"going on meanwhile", "/incidents?start=2026-03-01T22:20:00Z", []string{pending, firing}},
		{"empty parameters", "/incidents?state=&start=&limit=&cursor=", []string{pending, firing, recent, old1, old3, old2}},

		{"all anomalies", "/anomalies", []string{"an-active", "an-just-ended", "an-old-1", "an-lost"}},
		{"active, not one that the engine does not know", "/anomalies?state=active", []string{"an-active"}},
		{"ended", "/anomalies?state=ended", []string{"an-just-ended", "an-old-1", "an-lost"}},
		{"signal", "/anomalies?signal=cache_hit_ratio&signal=latency_p99", []string{"an-just-ended", "an-old-1", "an-lost"}},
		{"label", `/anomalies?match[]={pod="web-1"}`, []string{"an-active"}},
		{"signal as the metric name", `/anomalies?match[]=cache_hit_ratio{service="shop"}`, []string{"an-old-1"}},
		{"window", "/anomalies?start=2026-03-01T21:30:00Z&end=2026-03-01T22:00:00Z", []string{"an-just-ended", "an-lost"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l, got := lookUp(t, h, tc.target)
			if l.Status != "success" {
				t.Fatalf("got %s %s: %s", l.Status, l.ErrorType, l.Error)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tc.target, diff)
			}
		})
	}
}

// TestSnapshotWins checks that what the engine says of an open incident is
// shown, and not what the store wrote a cycle ago.
func TestSnapshotWins(t *testing.T) {
	h := New(testOptions(t)).Handler()
	l, _ := lookUp(t, h, "/incidents?rule=cache_bypass")
	if len(l.Data.Incidents) != 1 || !strings.HasPrefix(l.Data.Incidents[0].Summary, "Requests go past") {
		t.Errorf("got %+v, want the snapshot's incident once", l.Data.Incidents)
	}
	l, _ = lookUp(t, h, "/anomalies?signal=cache_served_ratio")
	if len(l.Data.Anomalies) != 1 || *l.Data.Anomalies[0].Value != 0.41 {
		t.Errorf("got %+v, want the snapshot's anomaly once", l.Data.Anomalies)
	}
}

// TestCursor walks through the lists one item at a time.
func TestCursor(t *testing.T) {
	h := New(testOptions(t)).Handler()
	for _, path := range []string{"/incidents", "/anomalies", "/incidents?state=resolved"} {
		_, want := lookUp(t, h, path)
		var got []string
		target := path + "?limit=1"
		if strings.Contains(path, "?") {
			target = path + "&limit=1"
		}
		for next := target; next != "" && len(got) < 20; {
			l, ids := lookUp(t, h, next)
			got = append(got, ids...)
			next = ""
			if l.Data.NextCursor != nil {
				next = target + "&cursor=" + *l.Data.NextCursor
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s page by page (-whole +got):\n%s", path, diff)
		}
	}
}

func TestBadParameters(t *testing.T) {
	h := New(testOptions(t)).Handler()
	for _, tc := range []struct {
		name, target string
		code         int
		kind, want   string
	}{
		{"state", "/incidents?state=open", 400, "bad_data", `state "open" is not known: write pending, firing, resolved or all`},
		{"anomaly state", "/anomalies?state=firing", 400, "bad_data", `state "firing" is not known: write active, ended or all`},
		{"start", "/anomalies?start=yesterday", 400, "bad_data", `start "yesterday" is not a time: write RFC 3339`},
		{"end NaN", "/anomalies?end=NaN", 400, "bad_data", `end "NaN" is not a time`},
		{"milliseconds", "/anomalies?end=1772402590000", 400, "bad_data", "or seconds since 1970"},
		{"exchanged", "/anomalies?start=200&end=100", 400, "bad_data", "end 100 lies before start 200"},
		{"limit zero", "/incidents?limit=0", 400, "bad_data", "write a number from 1 to 1000"},
		{"limit too large", "/incidents?limit=1001", 400, "bad_data", "write a number from 1 to 1000"},
		{"limit text", "/incidents?limit=many", 400, "bad_data", "write a number from 1 to 1000"},
		{"selector", "/incidents?match[]=service%3Dshop", 400, "bad_data", `write one such as {service="shop"}`},
		{"cursor", "/incidents?cursor=abc", 400, "bad_data", "write the next_cursor of the page before"},
		{"cursor alphabet", "/incidents?cursor=%21%21", 400, "bad_data", "write the next_cursor of the page before"},
		{"misspelt", "/incidents?limt=5", 400, "bad_data", `parameter "limt" is not known here: write state, start`},
		{"rule of anomalies", "/anomalies?rule=cache_bypass", 400, "bad_data", `parameter "rule" is not known here`},
		{"query string", "/incidents?state=%zz", 400, "bad_data", "percent-encoded"},
		{"rule type", "/api/v1/rules?type=all", 400, "bad_data", "write alert or record"},
		{"exclude_alerts", "/api/v1/rules?exclude_alerts=maybe", 400, "bad_data", "write true or false"},
		{"rule selector", "/api/v1/rules?match[]=%7B", 400, "bad_data", "is not a selector"},
		{"unknown incident", "/incidents/nope", 404, "not_found", `there is no incident "nope"`},
		{"unknown path", "/incident", 404, "not_found", "there is nothing at /incident"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			res, body := ask(t, h, http.MethodGet, tc.target)
			var l listed
			if err := json.Unmarshal([]byte(body), &l); err != nil {
				t.Fatalf("body is not JSON: %v: %s", err, body)
			}
			if res.StatusCode != tc.code || l.Status != "error" || l.ErrorType != tc.kind || !strings.Contains(l.Error, tc.want) {
				t.Errorf("got %d %s %s: %s\nwant %d error %s: …%s…", res.StatusCode, l.Status, l.ErrorType, l.Error, tc.code, tc.kind, tc.want)
			}
		})
	}
}

// TestBrokenHistory checks that what is open stays visible without the store.
func TestBrokenHistory(t *testing.T) {
	o := testOptions(t)
	o.History = fakeHistory{err: errHistory}
	h := New(o).Handler()
	for _, tc := range []struct {
		target string
		code   int
	}{
		{"/incidents?state=firing", 200},
		{"/incidents?state=pending", 200},
		{"/anomalies?state=active", 200},
		{"/incidents/a1b2c3d4e5f60718", 200},
		{"/incidents", 503},
		{"/anomalies?state=ended", 503},
		{"/incidents/old0000000000001", 503},
	} {
		res, body := ask(t, h, http.MethodGet, tc.target)
		if res.StatusCode != tc.code {
			t.Errorf("%s: got %d, want %d: %s", tc.target, res.StatusCode, tc.code, body)
		}
		if tc.code == 503 && (!strings.Contains(body, `"errorType":"unavailable"`) || !strings.Contains(body, errHistory.Error())) {
			t.Errorf("%s: got %s, want errorType unavailable and the reason", tc.target, body)
		}
	}
}

// TestNoHistory checks that a service without a store lists the snapshot.
func TestNoHistory(t *testing.T) {
	o := testOptions(t)
	o.History = nil
	_, got := lookUp(t, New(o).Handler(), "/incidents")
	if want := []string{"pending000000001", "a1b2c3d4e5f60718", "recent0000000001"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
