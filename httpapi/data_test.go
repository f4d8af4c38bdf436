package httpapi

import (
	"bytes"
	"encoding/json"
	"flag"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/version"

	"tidemark/incident"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestGolden compares whole answers with files, so that any change of a
// contract shows in a review.
func TestGolden(t *testing.T) {
	version.Version, version.Revision, version.Branch = "1.2.3", "abc1234", "main"
	version.BuildUser, version.BuildDate, version.GoVersion = "builder@example.com", "20260301-12:00:00", "go1.26"
	h := New(testOptions(t)).Handler()
	for _, tc := range []struct{ name, target string }{
		{"anomalies", "/anomalies"},
		{"incidents", "/incidents?state=resolved"},
		{"incident", "/incidents/a1b2c3d4e5f60718"},
		{"alerts", "/api/v1/alerts"},
		{"rules", "/api/v1/rules?rule_name[]=CacheBypass"},
		{"buildinfo", "/api/v1/status/buildinfo"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			res, body := ask(t, h, http.MethodGet, tc.target)
			if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "application/json; charset=utf-8" {
				t.Fatalf("got %d %s, want 200 and JSON: %s", res.StatusCode, res.Header.Get("Content-Type"), body)
			}
			var indented bytes.Buffer
			if err := json.Indent(&indented, []byte(body), "", "  "); err != nil {
				t.Fatalf("body is not JSON: %v: %s", err, body)
			}
			golden := filepath.Join("testdata", tc.name+".json")
			if *update {
				if err := os.WriteFile(golden, indented.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), indented.String()); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tc.target, diff)
			}
		})
	}
}

// TestFieldNames holds the names that clients rely on, apart from any value.
func TestFieldNames(t *testing.T) {
	h := New(testOptions(t)).Handler()
	fields := func(object any) []string { return slices.Sorted(maps.Keys(object.(map[string]any))) }
	first := func(v any) any { return v.([]any)[0] }
	data := func(target string) map[string]any {
		_, body := ask(t, h, http.MethodGet, target)
		var e struct {
			Status string
			Data   map[string]any
		}
		if err := json.Unmarshal([]byte(body), &e); err != nil || e.Status != "success" {
			t.Fatalf("%s: status %q, err %v: %s", target, e.Status, err, body)
		}
		return e.Data
	}
	anomalies, incidents, one := data("/anomalies"), data("/incidents"), data("/incidents/a1b2c3d4e5f60718")
	incidentFields := []string{"accepted", "blind", "changes", "confidence", "description", "detected_at", "evidence", "feedback", "held", "id", "refinement", "resolved_at",
		"rule", "ruled_out", "runbook_url", "scope", "severity", "started_at", "state", "summary", "superseded_by", "suppressed_by", "suspect", "victims"}
	for _, tc := range []struct {
		name      string
		got, want []string
	}{
		{"anomalies", fields(anomalies), []string{"anomalies", "next_cursor"}},
		{"anomaly", fields(first(anomalies["anomalies"])), []string{"component", "direction", "ended_at", "expected", "id", "incident_id",
			"labels", "lower", "scope", "score", "signal", "started_at", "state", "upper", "value"}},
		{"incidents", fields(incidents), []string{"incidents", "next_cursor"}},
		{"incident in the list", fields(first(incidents["incidents"])), incidentFields},
		{"incident by itself", fields(any(one)), incidentFields},
		{"evidence", fields(first(one["evidence"])), []string{"component", "direction", "expected", "labels", "lower", "score", "signal", "since", "upper", "value"}},
		{"ruled out", fields(first(one["ruled_out"])), []string{"because", "component"}},
		{"acceptance", fields(first(one["accepted"])), []string{"at", "by", "labels", "signal"}},
		{"change", fields(first(one["changes"])), []string{"at", "kind", "labels", "what"}},
	} {
		if diff := cmp.Diff(tc.want, tc.got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
	}
}

func TestRules(t *testing.T) {
	o := testOptions(t)
	for _, tc := range []struct {
		name, query string
		want        []string // alert names
	}{
		{"one", "?rule_name[]=CacheBypass", []string{"CacheBypass"}},
		{"group", "?rule_group[]=traffic", []string{"TrafficSurge"}},
		{"file", "?file[]=builtin/traffic.yml", []string{"TrafficSurge"}},
		{"selector", `?match[]={component="traffic"}`, []string{"TrafficSurge"}},
		{"no recording rules", "?type=record", nil},
	} {
		_, body := ask(t, New(freshRegistry(o)).Handler(), http.MethodGet, "/api/v1/rules"+tc.query)
		var e struct {
			Data struct {
				Groups []struct{ Rules []struct{ Name string } }
			}
		}
		if err := json.Unmarshal([]byte(body), &e); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, g := range e.Data.Groups {
			for _, r := range g.Rules {
				got = append(got, r.Name)
			}
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
	}
}

// TestRuleHealth checks that a source which cannot be read shows in each rule.
func TestRuleHealth(t *testing.T) {
	for _, tc := range []struct {
		name, want string
		err        error
		zero       bool
	}{
		{"read", `"health":"ok"`, nil, false},
		{"unreadable", `"health":"err","lastError":"disk is gone"`, errHistory, false},
		{"before the first cycle", `"health":"unknown"`, nil, true},
	} {
		o := testOptions(t)
		s, _ := fixture()
		s.Err = tc.err
		if tc.zero {
			s.Time = time.Time{}
			s.Incidents = []incident.Incident{}
		}
		o.Engine = fakeEngine{s}
		_, body := ask(t, New(o).Handler(), http.MethodGet, "/api/v1/rules")
		if !strings.Contains(body, tc.want) {
			t.Errorf("%s: got %.300s…, want %s", tc.name, body, tc.want)
		}
		if tc.zero && !strings.Contains(body, `"lastEvaluation":null`) {
			t.Errorf("%s: got %.300s…, want lastEvaluation null", tc.name, body)
		}
	}
}
