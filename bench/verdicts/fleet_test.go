package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tidemark/signal"
)

// TestFleetReport checks whose page is whose, and that each number is of what its
// heading says.
func TestFleetReport(t *testing.T) {
	at := func(minute int) time.Time { return fleetStart.Add(time.Duration(minute) * time.Minute) }
	of := func(name string) kind { return *kindOf(name) }
	f := fleet{
		{name: "a", faults: []happened{
			{kind: of("ttl"), from: at(100), to: at(140), effect: at(101), hurts: true, decoy: true},
			{kind: of("ttl"), from: at(800), to: at(830), effect: at(802)},
			{kind: of("db_slow"), strength: "+20 %", from: at(2000), to: at(2030)}, // never mattered
		}},
		{name: "b", faults: []happened{
			{kind: of("db_slow"), strength: "+90 %", from: at(100), to: at(130), effect: at(100), hurts: true},
		}},
	}
	strays := f.assign([]page{
		{at: at(104), service: "a", alert: "CacheMisses", suspect: signal.Cache},
		{at: at(99), service: "b", alert: "BadDeploy", suspect: signal.Deploy},         // too early
		{at: at(145), service: "b", alert: "CacheDown", suspect: signal.Cache},         // the wrong cause, within the grace
		{at: at(146), service: "a", alert: "DatabaseSlow", suspect: signal.Database},   // a second one
		{at: at(846), service: "a", alert: "CacheMisses", suspect: signal.Cache},       // too late
		{at: at(2001), service: "a", alert: "DatabaseSlow", suspect: signal.Database},  // of what did not matter
		{at: at(105), service: "", alert: "CorrelatedDegradation", suspect: "unknown"}, // of no service
	})
	var out strings.Builder
	reportFleet(&out, f, strays, 7)
	want := `fault                faults  found  right 1 page <= 200 s | median s  p90 s
ttl                       2   50 %  100 %    0 %     50 % |      180    180
db_slow                   1  100 %    0 %  100 %      0 % |     2700   2700
all                       3   67 %   50 %   50 %     33 % |     2700   2700
that hurt users           2  100 %   50 %   50 %     50 % |     2700   2700
after a good deploy       1  100 %  100 %    0 %    100 % |      180    180

1 faults did not matter. 3 false incidents in 1 service-months: 3.26 each.
a ttl                                                 2026-03-16 01:40:00 CacheMisses +3, DatabaseSlow +45
a ttl                                                 2026-03-16 13:20:00 none
b db_slow          +90 %                              2026-03-16 01:40:00 CacheDown +45
b BadDeploy        Mon 2026-03-16 01:39:00
a CacheMisses      Mon 2026-03-16 14:06:00
 CorrelatedDegradation Mon 2026-03-16 01:45:00
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
}

// TestFleetMember checks that a service's faults are apart, lie in the judged time
// and are shown by its signals, and that a seed is one service.
func TestFleetMember(t *testing.T) {
	const seed, days = 8, 18
	a, shownOfA, err := newMember(seed, days, 0)
	if err != nil {
		t.Fatal(err)
	}
	if len(a.faults) == 0 {
		t.Fatalf("service %s has no fault: choose a seed with one", a.name)
	}
	for _, h := range a.faults {
		if h.from.Before(fleetStart.AddDate(0, 0, days)) || h.to.After(fleetStart.AddDate(0, 0, fleetDays)) {
			t.Errorf("%s lasts from %s to %s, want after %d and before %d days", h.kind.name, h.from, h.to, days, fleetDays)
		}
		if h.effect.IsZero() || h.effect.Before(h.from) || h.effect.After(h.to) {
			t.Errorf("%s matters from %s on, want from %s to %s", h.kind.name, h.effect, h.from, h.to)
		}
	}
	_, shownOfB, err := newMember(seed, days, 0)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(shownOfA, shownOfB, cmpopts.EquateNaNs(), cmp.AllowUnexported(minute{}, counters{}, trouble{}, expectation{}, mixture{})); diff != "" {
		t.Errorf("the same seed made two services:\n%s", diff)
	}
}
