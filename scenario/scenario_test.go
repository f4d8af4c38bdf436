package scenario

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// write puts a scenario into a file and returns its path.
func write(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "story.txtar")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func load(t *testing.T, text string) *Scenario {
	t.Helper()
	s, err := Load(write(t, text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const nothingFires = "-- expect.yml --\nincidents: []\n"

func TestBadScenarios(t *testing.T) {
	expect := func(text string) string { return "-- series --\nrequest_rate 1\n-- expect.yml --\n" + text }
	times := func(text string) string { return "-- scenario.yml --\n" + text + "\n" + nothingFires }
	for _, tc := range []struct{ name, text, want string }{
		{"empty", "", `: no sections: write at least "-- series --" and "-- expect.yml --"`},
		{"unknown section", "A story.\n-- serie --\n", `:2: section "serie" is not known: write one of scenario.yml, config.yml, series,`},
		{"a section twice", "-- series --\n-- series --\n", ":2: section series stands twice"},
		{"nothing expected", "-- series --\nrequest_rate 1\n", ": section expect.yml is missing: write it, with"},
		{"unknown field", times("starts: 2026-03-04T12:00:00Z"), ":2: scenario.yml: field starts is not known here"},
		{"malformed start", times("start: noon"), `: scenario.yml: start "noon": write RFC 3339`},
		{"start between slots", times("start: 2026-03-04T12:00:30Z"), ": scenario.yml: start 2026-03-04T12:00:30Z is no multiple of the evaluation interval 1m: write 2026-03-04T12:00:00Z"},
		{"much too long", times("history: 20y"), ": scenario.yml: history and length are 10512120 slots of 1m: write at most"},
		{"not YAML", times("history: ["), ":2: scenario.yml: did not find expected node content"},
		{"baseline with values", times("baseline: [{series: 'request_rate 1 2'}]"), ": scenario.yml: baseline request_rate{}: the series has values"},
		{"baseline of no signal", times("baseline: [{series: 'visitors', level: 1}]"), `: scenario.yml: baseline visitors{}: there is no signal "visitors": declare it under signals in the section config.yml`},
		{"baseline twice", times("baseline: [{series: 'db_qps'}, {series: 'db_qps'}]"), "baseline db_qps{}: it stands twice"},
		{"baseline with much rhythm", times("baseline: [{series: 'db_qps', daily: 2}]"), "baseline db_qps{}: daily 2 is not between 0 and 1"},
		{"baseline with a malformed batch", times("baseline: [{series: 'db_qps', nightly: {at: 2pm, lasts: 5m, factor: 2}}]"), `nightly: write it as {at: "02:00", lasts: 25m, factor: 2}`},
		{"baseline of means and a level", times("baseline: [{series: 'db_qps', level: 1, means: '1 2'}]"), "baseline db_qps{}: means stand in place of level, daily, weekend and nightly"},
		{"baseline of means with a gap", times("baseline: [{series: 'db_qps', means: '1 _ 2'}]"), "baseline db_qps{}: means have gaps"},
		{"baseline of malformed means", times("baseline: [{series: 'db_qps', means: '1 b'}]"), "baseline db_qps{}: means: series"},
		{"baseline per nothing", times("baseline: [{series: 'db_qps{service=\"a\"}', per: request_rate}, {series: 'request_rate{service=\"b\"}'}]"), "per request_rate: it has no baseline with the same labels"},
		{"baseline per several", times("baseline: [{series: 'db_qps', per: request_rate}, {series: 'request_rate{service=\"a\"}'}, {series: 'request_rate{service=\"b\"}'}]"), "per request_rate: several of its series have the same labels"},
		{"outage of no signal", times("outages: [{from: 1m, to: 2m, signals: [visitors]}]"), `outages[0]: there is no signal "visitors"`},
		{"outage at no moment", times("outages: [{from: noon, to: 2m}]"), `"noon" is no moment: write how long after the start`},
		{"factor of no baseline", "-- factors --\n# first\ndb_qps 2x3\n" + nothingFires, ":3: factors: there is no baseline of db_qps{}"},
		{"malformed series", "-- series --\n\ndb_qps{ 2x3\n" + nothingFires, `:3: series: series "db_qps{ 2x3": 1:`},
		{"series without a name", "-- series --\n{a=\"b\"} 2\n" + nothingFires, ":2: series: series \"{a=\\\"b\\\"} 2\" has no name"},
		{"series without values", "-- series --\ndb_qps\n" + nothingFires, ":2: series: series db_qps{} has no values"},
		{"histograms", "-- series --\ndb_qps {{count:1}}\n" + nothingFires, ":2: series: series db_qps{} holds histograms: write numbers"},
		{"too many values", "-- series --\ndb_qps 1x121\n" + nothingFires, ":2: series: series db_qps{} has 122 values for the 121 slots up to the end, 2026-03-04T14:00:00Z"},
		{"series from no moment", "-- series --\n1q db_qps 1\n" + nothingFires, `:2: series: "1q" is no moment`},
		{"series from before", "-- series --\n-1m db_qps 1\n" + nothingFires, ":2: series: time 2026-03-04T11:59:00Z is none of the slots from 2026-03-04T12:00:00Z"},
		{"factors after the end", "-- scenario.yml --\nbaseline: [{series: db_qps}]\n-- factors --\n3h db_qps 1\n" + nothingFires, ":4: factors: time 2026-03-04T15:00:00Z is none of the slots"},
		{"support of no signal", "-- support --\nvisitors 1\n" + nothingFires, `:2: support: there is no signal "visitors"`},
		{"series of no signal", "-- series --\nvisitors 1\n" + nothingFires, `:2: series: there is no signal "visitors"`},
		{"samples without a column", "-- samples.csv --\ntime,signal\n" + nothingFires, ":2: samples.csv: there is no column value"},
		{"samples with a ragged row", "-- samples.csv --\ntime,signal,value\n0s,db_qps\n" + nothingFires, ":3: samples.csv: wrong number of fields"},
		{"samples that are no number", "-- samples.csv --\ntime,signal,value\n\n0s,db_qps,many\n" + nothingFires, `:4: samples.csv: value "many" is not a number`},
		{"samples at no time", "-- samples.csv --\ntime,signal,value\nnoon,db_qps,1\n" + nothingFires, `:3: samples.csv: "noon" is no moment`},
		{"samples of no signal", "-- samples.csv --\ntime,signal,value\n0s,,1\n" + nothingFires, ":3: samples.csv: the signal is missing"},
		{"samples between slots", "-- samples.csv --\ntime,signal,value\n10s,db_qps,1\n" + nothingFires, ":3: samples.csv: time 2026-03-04T12:00:10Z is none of the slots from 2026-03-04T12:00:00Z to 2026-03-04T14:00:00Z, 1m apart"},
		{"change at no moment", "-- changes --\nonce deploys{version=\"1\"}\n" + nothingFires, `:2: changes: "once" is no moment: write how long after the start, such as 1h30m (-5m is before it), or RFC 3339; or before,`},
		{"change of several values", "-- changes --\n1m deploys{version=\"1\"} 1 2\n" + nothingFires, ":2: changes: series deploys{version=\"1\"} has 2 values: write one"},
		{"changes out of order", "-- changes --\n2m deploys{version=\"1\"}\n1m deploys{version=\"2\"}\n" + nothingFires, ":3: changes: deploys{version=\"2\"} lies before the change of the same signal above it"},
		{"bad configuration", "A story.\n-- config.yml --\nsignals:\n  - {name: mine, kind: rat, component: cache}\n" + nothingFires, `:4: signals[0]: signal "mine": kind "rat" is not known`},
		{"missing rule file", "-- config.yml --\nrule_files: [none.yml]\n" + nothingFires, `: rule_files: "none.yml" does not exist`},
		{"unknown rule", expect("incidents: [{rule: cache_bypas}]"), `: expect.yml: incidents[0]: rule "cache_bypas" is not known: write one of cache_bypass,`},
		{"missing rule", expect("incidents: [{suspect: cache}]"), ": expect.yml: incidents[0]: rule is missing: write one of cache_bypass,"},
		{"unknown suspect", expect("incidents: [{rule: cache_bypass, suspect: redis}]"), `: expect.yml: incidents[0]: suspect "redis" is not known`},
		{"unknown rule in a silence", expect("silence: [{rules: [a]}]"), `: expect.yml: silence[0]: rule "a" is not known`},
		{"unknown field of an incident", expect("incidents:\n  - rule: cache_bypass\n    fire: 1m"), ":6: expect.yml: field fire is not known here"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			file := write(t, tc.text)
			_, err := Load(file)
			if err == nil {
				t.Fatalf("got no error, want %q", tc.want)
			}
			got, named := strings.CutPrefix(err.Error(), file)
			if i := strings.Index(got, tc.want); !named || i < 0 || i > 0 && tc.want[0] == ':' {
				t.Errorf("got error %q, want %s%s", err, file, tc.want)
			}
		})
	}
	if _, err := Load(filepath.Join(t.TempDir(), "none.txtar")); err == nil || !strings.Contains(err.Error(), "none.txtar: no such file") {
		t.Errorf("got error %v, want that there is no such file", err)
	}
}

// TestLayers checks what is seen of each section.
func TestLayers(t *testing.T) {
	s := load(t, `
-- scenario.yml --
history: 2m
length: 4m
baseline:
  - {series: 'request_rate{service="a"}', level: 10}
  - {series: 'db_qps{service="a"}', level: 0.5, per: request_rate}
  - {series: 'error_ratio{service="a"}', level: 0.6, support: 3}
-- factors --
request_rate{service="a"} '1 2 _'
error_ratio{service="a"} 5x4
-2m request_rate{service="a"} 3
-- series --
cache_up{service="a"} '1 _ 0 stale'
-1m db_qps{service="a"} 6 7
-- support --
1m latency_p99{service="a"} 20
-- samples.csv --
time,signal,value,support,service
-1m,latency_p99,0.5,,a
2026-03-04T12:00:00Z,latency_p99,0.25,30,a
1772625660,latency_p99,NaN,,a
-- changes --
before deploys{service="a",version="1"}
2m     deploys{service="a",version="2"} 1
1m     db_settings{service="a"} 64
`+nothingFires)
	gap := math.NaN()
	begin := float64(time.Date(2026, 3, 4, 11, 58, 0, 0, time.UTC).Unix())
	got := map[string][]float64{}
	for name, lines := range s.data.lines {
		for labels, l := range lines {
			got[name+labels] = l.values
			if l.support != nil {
				got["support of "+name] = l.support
			}
		}
	}
	want := map[string][]float64{
		`request_rate{service="a"}`:         {30, 10, 10, 20, gap, 10, 10},
		`db_qps{service="a"}`:               {15, 6, 7, 10, gap, 5, 5},
		`cache_up{service="a"}`:             {gap, gap, 1, gap, 0, gap, gap},
		`latency_p99{service="a"}`:          {gap, 0.5, 0.25, gap, gap, gap, gap},
		"support of latency_p99":            {gap, gap, 30, 20, gap, gap, gap},
		`deploys{service="a", version="1"}`: {begin, begin, begin, begin, gap, gap, gap},
		`deploys{service="a", version="2"}`: {gap, gap, gap, gap, 1, 1, 1},
		`db_settings{service="a"}`:          {gap, gap, gap, 64, 64, 64, 64},
		"support of error_ratio":            {3, 3, 3, 3, 3, 3, 3},
	}
	ratios := got[`error_ratio{service="a"}`]
	delete(got, `error_ratio{service="a"}`)
	if diff := cmp.Diff(want, got, cmpopts.EquateNaNs()); diff != "" {
		t.Errorf("samples (-want +got):\n%s", diff)
	}
	if len(ratios) != 7 || !(ratios[0] > 0.3 && ratios[0] < 0.9) || ratios[4] != 1 {
		t.Errorf("the share of errors is %v, want about 0.6, and at most 1", ratios)
	}
}

// TestBaselineIsDrawnFromItsSeed checks that a series does not depend on the
// others, and looks as it says.
func TestBaselineIsDrawnFromItsSeed(t *testing.T) {
	draw := func(seed, others string) []float64 {
		s := load(t, "-- scenario.yml --\nstart: 2026-03-06T00:00:00Z\nlength: 3d\nseed: "+seed+"\nbaseline:\n"+others+
			"  - {series: 'request_rate', level: 100, daily: 0.5, weekend: 0.5, noise: 0.1, nightly: {at: \"02:00\", lasts: 1h, factor: 2}}\n"+nothingFires)
		return s.data.lines["request_rate"]["{}"].values
	}
	one := draw("1", "")
	if diff := cmp.Diff(one, draw("1", "  - {series: 'db_qps', level: 1, noise: 1}\n")); diff != "" {
		t.Errorf("another series changes this one (-alone +together):\n%s", diff)
	}
	if cmp.Equal(one, draw("2", "")) {
		t.Error("another seed gives the same series")
	}
	for _, tc := range []struct {
		name  string
		hours float64 // since Friday, 0:00
		want  float64
	}{
		{"afternoon", 15, 150},
		{"night", 4, 52},
		{"batch", 2.5, 2 * 50.4},
		{"afternoon of a Saturday", 24 + 15, 75},
	} {
		sum := 0.0
		from := int(60*tc.hours) - 10
		for _, v := range one[from : from+20] {
			sum += v / 20
		}
		if math.Abs(sum/tc.want-1) > 0.1 {
			t.Errorf("%s: the mean is %.1f, want about %.1f", tc.name, sum, tc.want)
		}
	}
}

// TestBaselineOfMeans checks that means are met in the middle of their times, and
// that chance remembers.
func TestBaselineOfMeans(t *testing.T) {
	s := load(t, "-- scenario.yml --\nhistory: 4h\nlength: 1h\nbaseline:\n"+
		"  - {series: 'request_rate', means: '10 20 40 40x1', every: 1h}\n"+
		"  - {series: 'db_qps', means: '1 2', every: 2h, per: request_rate}\n"+
		"  - {series: 'db_latency', level: 1, noise: 0.1, memory: 30m}\n"+nothingFires)
	requests, queries := s.data.lines["request_rate"]["{}"].values, s.data.lines["db_qps"]["{}"].values
	for _, tc := range []struct {
		minute            int
		requests, queries float64
	}{{0, 10, 10}, {30, 10, 10}, {60, 15, 15}, {90, 20, 25}, {105, 25, 34.375}, {180, 40, 80}, {300, 40, 80}} {
		if r, q := requests[tc.minute], queries[tc.minute]; math.Abs(r-tc.requests) > 1e-9 || math.Abs(q-tc.queries) > 1e-9 {
			t.Errorf("minute %d: %g requests and %g queries, want %g and %g", tc.minute, r, q, tc.requests, tc.queries)
		}
	}
	step, span := 0.0, 0.0
	latency := s.data.lines["db_latency"]["{}"].values
	for i, v := range latency[1:] {
		step = math.Max(step, math.Abs(v/latency[i]-1))
		span = math.Max(span, math.Abs(v-1))
	}
	if step > 0.12 || span < 0.1 {
		t.Errorf("the largest step is %.2f and the largest deviation %.2f, want steps of about 0.03 and deviations of about 0.2", step, span)
	}
}
