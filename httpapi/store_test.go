package httpapi

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidemark/engine"
	"tidemark/incident"
	"tidemark/store"
)

// TestStoreHistory pages through what a real store holds, several items of
// which began at the same time.
func TestStoreHistory(t *testing.T) {
	o := testOptions(t)
	s, err := store.Open(t.TempDir(), store.Options{Logger: o.Logger, Registerer: o.Registerer})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	o.History = s
	began := time.Now().UTC().Truncate(time.Second).Add(-10 * time.Hour)
	var incidents []incident.Incident
	var anomalies []incident.Anomaly
	var wantIncidents, wantAnomalies []string
	for i := range 9 {
		start := began.Add(time.Duration(i/3) * time.Hour)
		incidents = append(incidents, past(fmt.Sprintf("in-%d", i), "traffic_surge", shop, start))
		anomalies = append(anomalies, anomalyAt(fmt.Sprintf("an-%d", i), "cache_hit_ratio", shop, start, start.Add(time.Minute)))
		wantIncidents = append(wantIncidents, fmt.Sprintf("in-%d", i))
		wantAnomalies = append(wantAnomalies, fmt.Sprintf("an-%d", i))
	}
	slices.Reverse(wantIncidents)
	slices.Reverse(wantAnomalies)
	if err := s.Save(incidents, anomalies, nil); err != nil {
		t.Fatal(err)
	}
	o.Engine = fakeEngine{&engine.Snapshot{Time: time.Now(), Ready: true, Incidents: incidents[3:5]}}
	h := New(o).Handler()
	for path, want := range map[string][]string{"/incidents": wantIncidents, "/anomalies": wantAnomalies} {
		for _, limit := range []int{1, 2, 4, 100} {
			target := fmt.Sprintf("%s?limit=%d", path, limit)
			var got []string
			for next := target; next != "" && len(got) <= len(want); {
				l, ids := lookUp(t, h, next)
				got = append(got, ids...)
				next = ""
				if l.Data.NextCursor != nil {
					next = target + "&cursor=" + *l.Data.NextCursor
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", target, diff)
			}
		}
	}
	for _, id := range []string{"in-0", "in-4"} {
		if res, body := ask(t, h, http.MethodGet, "/incidents/"+id); res.StatusCode != http.StatusOK || !strings.Contains(body, id) {
			t.Errorf("%s: got %d %s, want it", id, res.StatusCode, body)
		}
	}
	if res, _ := ask(t, h, http.MethodGet, "/incidents/in-99"); res.StatusCode != http.StatusNotFound {
		t.Errorf("in-99: got %d, want 404", res.StatusCode)
	}
}
