package store

import (
	"fmt"
	"log/slog"
	"math"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/prometheus/common/model"

	"tidemark/detector"
	"tidemark/incident"
	"tidemark/rules"
	"tidemark/signal"
)

// epoch is a while ago, so that it lies within the default retention.
var epoch = time.Now().Add(-48 * time.Hour).Truncate(time.Minute).UTC()

// at returns a time some minutes after the epoch.
func at(minutes int) time.Time { return epoch.Add(time.Duration(minutes) * time.Minute) }

// logBuffer collects what is logged.
type logBuffer struct{ strings.Builder }

func (b *logBuffer) logger() *slog.Logger { return slog.New(slog.NewTextHandler(b, nil)) }

func open(t *testing.T, dir string, o Options) *Store {
	t.Helper()
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func save(t *testing.T, s *Store, incidents []incident.Incident, anomalies []incident.Anomaly, changes []rules.Change) {
	t.Helper()
	if err := s.Save(incidents, anomalies, changes); err != nil {
		t.Fatal(err)
	}
}

// reopen closes the store and opens it again, as a restart does.
func reopen(t *testing.T, s *Store, dir string) *Store {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return open(t, dir, Options{Retention: s.retention, Logger: s.logger})
}

func ids[T any](t *testing.T, items []T, _ string, err error) []string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	out := []string{}
	for _, item := range items {
		out = append(out, reflect.ValueOf(item).FieldByName("ID").String())
	}
	return out
}

// full returns values in which every field is set, the numbers to one that JSON
// has no form for.
func full() (incident.Incident, incident.Anomaly, rules.Change) {
	change := rules.Change{
		At: at(9), Kind: "deploys", Component: signal.Deploy, What: "version 1.4.2 → 1.5.0",
		Labels: model.LabelSet{"service": "shop", "version": "1.5.0"},
	}
	in := incident.Incident{
		ID: "a1b2c3", State: incident.Resolved, StartedAt: at(10).Add(123456789), DetectedAt: at(11), FiredAt: at(12),
		LastSeen: at(30), ResolvedAt: at(35), SupersededBy: "d4e5f6", SuppressedBy: "mine", Held: true,
		Accepted: []incident.Acceptance{{At: at(20), By: "alice", Signal: "cache_hit_ratio", Labels: model.LabelSet{"service": "shop"}}},
		Verdict: rules.Verdict{
			Rule: "cache_bypass", Alert: "CacheBypass", Suspect: signal.Cache, Severity: rules.Critical,
			Scope: model.LabelSet{"service": `<shop> "ü"`}, Confidence: 0.93, Onset: at(10), NewestOnset: at(10), Plain: true,
			Victims: []signal.Component{signal.Database, signal.Application},
			Joined:  []model.LabelSet{{"service": "web"}}, Callers: []string{"web"}, Suspects: []string{"shop", "web"},
			Refinement: "stampede", Rank: 4, Summary: "Requests go past the cache.", Description: "Look at: cache.\nNot traffic.", Runbook: "/runbooks/cache-bypass",
			Evidence: []rules.Evidence{{
				Signal: "cache_hit_ratio", Title: "hit ratio", Component: signal.Cache, Direction: detector.Down, Since: at(10),
				Value: math.NaN(), Expected: math.Inf(1), Lower: math.Inf(-1), Upper: 1e-300, Score: math.Copysign(0, -1), Surprise: 300,
				Labels: model.LabelSet{"service": "shop", "pod": "a"}, Needed: true,
			}},
			RuledOut: []rules.RuledOut{{Component: signal.Traffic, Because: "102 req/s is inside 85–130"}},
			Changes:  []rules.Change{change},
			Blind:    []string{"db_latency"},
			For:      time.Minute, KeepFiringFor: 5 * time.Minute, Settle: 3,
		},
	}
	an := incident.Anomaly{
		ID: "an1", Signal: "cache_hit_ratio", Component: signal.Cache, Labels: model.LabelSet{"pod": "a"}, Scope: model.LabelSet{"service": "shop"},
		Direction: detector.Down, StartedAt: at(10), EndedAt: at(30),
		Value: math.Inf(-1), Expected: 0.93, Lower: math.NaN(), Upper: math.Inf(1), Score: -12.5, IncidentID: "a1b2c3",
	}
	return in, an, change
}

// TestRoundTrip also fails when a field is added to a type but not to its
// record: full must set every field.
func TestRoundTrip(t *testing.T) {
	in, an, change := full()
	for _, v := range []any{in, in.Accepted[0], in.Verdict, in.Verdict.Evidence[0], in.Verdict.RuledOut[0], an, change} {
		for i := range reflect.TypeOf(v).NumField() {
			if reflect.ValueOf(v).Field(i).IsZero() {
				if name := reflect.TypeOf(v).Field(i).Name; name != "Score" {
					t.Errorf("%T.%s is zero: the test does not prove that it is stored", v, name)
				}
			}
		}
	}
	dir := t.TempDir()
	s := open(t, dir, Options{})
	save(t, s, []incident.Incident{in}, []incident.Anomaly{an}, []rules.Change{change})
	s = reopen(t, s, dir)

	incidents, _, err := s.Incidents(Query{})
	if diff := cmp.Diff([]incident.Incident{in}, incidents, cmpopts.EquateNaNs()); diff != "" || err != nil {
		t.Errorf("incidents: err %v (-want +got):\n%s", err, diff)
	}
	if got := incidents[0].Verdict.Evidence[0].Score; !math.Signbit(got) {
		t.Errorf("score: got %v, want -0", got)
	}
	anomalies, _, err := s.Anomalies(Query{})
	if diff := cmp.Diff([]incident.Anomaly{an}, anomalies, cmpopts.EquateNaNs()); diff != "" || err != nil {
		t.Errorf("anomalies: err %v (-want +got):\n%s", err, diff)
	}
	changes, _, err := s.Changes(Query{})
	if diff := cmp.Diff([]rules.Change{change}, changes); diff != "" || err != nil {
		t.Errorf("changes: err %v (-want +got):\n%s", err, diff)
	}
	one, ok, err := s.Incident(in.ID)
	if diff := cmp.Diff(in, one, cmpopts.EquateNaNs()); diff != "" || !ok || err != nil {
		t.Errorf("incident by ID: ok %t, err %v (-want +got):\n%s", ok, err, diff)
	}
	if _, ok, err := s.Incident("nobody"); ok || err != nil {
		t.Errorf("unknown incident: got ok %t, err %v, want false, nil", ok, err)
	}
}

func TestZeroValuesRoundTrip(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	in := incident.Incident{ID: "x", State: incident.Firing, StartedAt: at(1)}
	save(t, s, []incident.Incident{in}, nil, nil)
	got, ok, err := s.Incident("x")
	if diff := cmp.Diff(in, got); diff != "" || !ok || err != nil {
		t.Errorf("ok %t, err %v (-want +got):\n%s", ok, err, diff)
	}
	if !got.FiredAt.IsZero() || !got.ResolvedAt.IsZero() {
		t.Errorf("got fired at %v, resolved at %v, want zero times", got.FiredAt, got.ResolvedAt)
	}
}

func TestQueries(t *testing.T) {
	resolved := func(id string, from, to int) incident.Incident {
		return incident.Incident{ID: id, State: incident.Resolved, StartedAt: at(from), ResolvedAt: at(to)}
	}
	s := open(t, t.TempDir(), Options{})
	save(t, s, []incident.Incident{
		resolved("a", 0, 10), resolved("b", 5, 60), resolved("c", 20, 30), resolved("d", 20, 25),
		{ID: "e", State: incident.Firing, StartedAt: at(15)},
		{ID: "f", State: incident.Pending, StartedAt: at(40)},
	}, nil, nil)
	for _, tc := range []struct {
		name string
		q    Query
		want []string
	}{
		{"all, newest first, equal starts by ID", Query{}, []string{"f", "d", "c", "e", "b", "a"}},
		{"over by start", Query{Start: at(26)}, []string{"f", "c", "e", "b"}},
		{"ends at start", Query{Start: at(30)}, []string{"f", "c", "e", "b"}},
		{"begins after end", Query{End: at(19)}, []string{"e", "b", "a"}},
		{"begins at end", Query{End: at(20)}, []string{"d", "c", "e", "b", "a"}},
		{"both", Query{Start: at(11), End: at(20)}, []string{"d", "c", "e", "b"}},
		{"before everything", Query{End: at(-1)}, []string{}},
		{"end after everything", Query{End: at(1000)}, []string{"f", "d", "c", "e", "b", "a"}},
		{"limit", Query{Limit: 2}, []string{"f", "d"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			incidents, next, err := s.Incidents(tc.q)
			if diff := cmp.Diff(tc.want, ids(t, incidents, next, err)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if more := tc.q.Limit > 0; (next != "") != more {
				t.Errorf("got cursor %q, want one: %t", next, more)
			}
		})
	}
	for limit := 1; limit <= 7; limit++ {
		for _, q := range []Query{{Limit: limit}, {Limit: limit, End: at(20)}, {Limit: limit, Start: at(26)}} {
			whole, _, err := s.Incidents(Query{Start: q.Start, End: q.End})
			want := ids(t, whole, "", err)
			var got []string
			for pages := 0; pages < 10; pages++ {
				incidents, next, err := s.Incidents(q)
				got = append(got, ids(t, incidents, next, err)...)
				if q.Cursor = next; next == "" {
					break
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("pages of %d (-want +got):\n%s", limit, diff)
			}
		}
	}
	for _, cursor := range []string{"?", "YQ", "bm90IGEga2V5"} {
		if _, _, err := s.Incidents(Query{Cursor: cursor}); err == nil {
			t.Errorf("cursor %q: got no error", cursor)
		}
	}
}

// TestUpsert follows an incident that changes its start while pending, and one
// that is replaced by another.
func TestUpsert(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	pending := incident.Incident{ID: "p", State: incident.Pending, StartedAt: at(10)}
	save(t, s, []incident.Incident{pending}, nil, nil)
	pending.StartedAt = at(5)
	save(t, s, []incident.Incident{pending}, nil, nil)
	incidents, next, err := s.Incidents(Query{})
	if got := ids(t, incidents, next, err); !slices.Equal(got, []string{"p"}) || !incidents[0].StartedAt.Equal(at(5)) {
		t.Fatalf("got %v started at %v, want [p] at %v", got, incidents[0].StartedAt, at(5))
	}
	firing := incident.Incident{ID: "f", State: incident.Firing, StartedAt: at(5), FiredAt: at(12)}
	save(t, s, []incident.Incident{firing}, nil, nil)
	incidents, next, err = s.Incidents(Query{})
	if got := ids(t, incidents, next, err); !slices.Equal(got, []string{"f"}) {
		t.Errorf("a pending incident that came to nothing: got %v, want [f]", got)
	}
	s = reopen(t, s, dir)
	save(t, s, nil, nil, nil)
	current, err := s.Current()
	if got := ids(t, current, "", err); !slices.Equal(got, []string{"f"}) {
		t.Errorf("a firing incident that is not listed: got %v, want [f]", got)
	}
}

func TestCurrent(t *testing.T) {
	now := time.Now().UTC()
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	dir := t.TempDir()
	s := open(t, dir, Options{})
	save(t, s, []incident.Incident{
		{ID: "pending", State: incident.Pending, StartedAt: ago(time.Minute)},
		{ID: "firing for weeks", State: incident.Firing, StartedAt: ago(30 * 24 * time.Hour)},
		{ID: "resolved", State: incident.Resolved, StartedAt: ago(time.Hour), ResolvedAt: ago(14 * time.Minute)},
		{ID: "long over", State: incident.Resolved, StartedAt: ago(time.Hour), ResolvedAt: ago(16 * time.Minute)},
	}, nil, nil)
	s = reopen(t, s, dir)
	incidents, err := s.Current()
	want := []string{"pending", "resolved", "firing for weeks"}
	if diff := cmp.Diff(want, ids(t, incidents, "", err)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestAnomalyThatVanishes ends an anomaly whose end nobody saw, because the
// process was killed while it was active.
func TestAnomalyThatVanishes(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	anomalies := []incident.Anomaly{{ID: "lost", StartedAt: at(1)}, {ID: "goes on", StartedAt: at(2)}}
	before := time.Now()
	save(t, s, nil, anomalies, nil)
	after := time.Now()
	s = reopen(t, s, dir)
	save(t, s, nil, anomalies[1:], nil)
	save(t, s, nil, anomalies[1:], nil)
	got, _, err := s.Anomalies(Query{})
	if err != nil || len(got) != 2 {
		t.Fatalf("got %v, err %v, want two anomalies", got, err)
	}
	if !got[0].Active() {
		t.Errorf("got %s ended at %v, want it active", got[0].ID, got[0].EndedAt)
	}
	if end := got[1].EndedAt; end.Before(before) || end.After(after) {
		t.Errorf("got %s ended at %v, want between %v and %v", got[1].ID, end, before, after)
	}
}

func TestChangeIsSavedOnce(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	one := rules.Change{At: at(1), Kind: "deploys", What: "version 1 → 2", Labels: model.LabelSet{"service": "shop"}}
	other := one
	other.Labels = model.LabelSet{"service": "blog"}
	for range 3 {
		save(t, s, nil, nil, []rules.Change{other, one})
	}
	got, _, err := s.Changes(Query{})
	if err != nil || len(got) != 2 {
		t.Errorf("got %v, err %v, want two changes", got, err)
	}
}

func TestRetention(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{Retention: time.Hour})
	now := time.Now()
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	incidents := []incident.Incident{
		{ID: "old", State: incident.Resolved, StartedAt: ago(3 * time.Hour), ResolvedAt: ago(2 * time.Hour)},
		{ID: "long", State: incident.Resolved, StartedAt: ago(3 * time.Hour), ResolvedAt: ago(30 * time.Minute)},
		{ID: "open", State: incident.Firing, StartedAt: ago(3 * time.Hour)},
	}
	anomalies := []incident.Anomaly{
		{ID: "old", StartedAt: ago(3 * time.Hour), EndedAt: ago(2 * time.Hour)},
		{ID: "open", StartedAt: ago(3 * time.Hour)},
	}
	changes := []rules.Change{{At: ago(2 * time.Hour), What: "old"}, {At: ago(time.Minute), What: "new"}}
	for key, d := range map[string]time.Duration{"old": 2 * time.Hour, "new": time.Minute} {
		if err := s.RecordDelivery(key, ago(d)); err != nil {
			t.Fatal(err)
		}
	}
	save(t, s, incidents, anomalies, changes)
	found, next, err := s.Incidents(Query{})
	if diff := cmp.Diff([]string{"open", "long"}, ids(t, found, next, err)); diff != "" {
		t.Errorf("incidents (-want +got):\n%s", diff)
	}
	foundAnomalies, next, err := s.Anomalies(Query{})
	if diff := cmp.Diff([]string{"open"}, ids(t, foundAnomalies, next, err)); diff != "" {
		t.Errorf("anomalies (-want +got):\n%s", diff)
	}
	foundChanges, _, err := s.Changes(Query{})
	if err != nil || len(foundChanges) != 1 || foundChanges[0].What != "new" {
		t.Errorf("changes: got %v, err %v, want the new one", foundChanges, err)
	}
	deliveries, err := s.Deliveries()
	if _, ok := deliveries["new"]; err != nil || len(deliveries) != 1 || !ok {
		t.Errorf("deliveries: got %v, err %v, want the new one", deliveries, err)
	}
}

func TestDeliveries(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	want := map[string]time.Time{"chat/a/firing": at(3), "chat/a/resolved": at(4)}
	for key, when := range want {
		if err := s.RecordDelivery(key, at(1)); err != nil {
			t.Fatal(err)
		}
		if err := s.RecordDelivery(key, when); err != nil {
			t.Fatal(err)
		}
	}
	s = reopen(t, s, dir)
	got, err := s.Deliveries()
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("err %v (-want +got):\n%s", err, diff)
	}
}

func TestInUse(t *testing.T) {
	dir := t.TempDir()
	open(t, dir, Options{})
	_, err := Open(dir, Options{Logger: slog.New(slog.DiscardHandler)})
	want := fmt.Sprintf("%s/tidemark.db is in use by another tidemark: stop it or choose another --storage.path", dir)
	if err == nil || err.Error() != want {
		t.Errorf("got error %v, want %s", err, want)
	}
}

func TestUnusableDirectory(t *testing.T) {
	dir := t.TempDir()
	file := dir + "/file"
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Open(file, Options{Logger: slog.New(slog.DiscardHandler)})
	if err == nil || !strings.Contains(err.Error(), "create storage directory") {
		t.Errorf("got error %v, want one about the storage directory", err)
	}
	if err := os.Mkdir(dir+"/tidemark.db", 0o700); err != nil {
		t.Fatal(err)
	}
	_, err = Open(dir, Options{Logger: slog.New(slog.DiscardHandler)})
	if err == nil || !strings.Contains(err.Error(), "is a directory") {
		t.Errorf("got error %v, want one that says that it is a directory", err)
	}
}
