package backtest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidemark/config"
	"tidemark/incident"
	"tidemark/rules"
	"tidemark/signal"
)

// testTune has a configuration whose sensitivities are far too low, and a rule that
// nothing but its sensitivity keeps quiet.
func testTune(t *testing.T, url string) {
	file := configuration(t, url, "", signals)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	eager := strings.Replace(string(text), "global: {", "global: {sensitivity: 2, settle: 1, ", 1)
	eager = strings.ReplaceAll(eager, "query: t_", "min_effect: {}, query: t_")
	eager = strings.Replace(eager, "history: 4d", "history: 30h", 1)
	ruleFile := filepath.Join(filepath.Dir(file), "eager.yml")
	eager += "rule_files: [" + ruleFile + "]\n"
	const rule = "rules: [{name: slow_pages, suspect: application, summary: Slow., all: [{signal: latency_p99, is: up}]}]\n"
	for name, text := range map[string]string{file: eager, ruleFile: rule} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const target = 10 // false pages a week
	last := 0
	tuning, err := Tune(t.Context(), Options{
		Config: load(t, file), Start: start, End: end.Add(-90 * time.Minute), Grace: DefaultGrace,
		Faults: []Fault{{Start: bypass[0], End: bypass[1], Component: signal.Cache}, {Start: slow[0], End: slow[1], Component: signal.Database}},
		Progress: func(done, total int) {
			if done < last || done > total {
				t.Errorf("progress goes from %d to %d of %d", last, done, total)
			}
			last = done
		},
	}, target)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := tuning.WriteText(&b); err != nil {
		t.Fatal(err)
	}
	if tuning.Chosen < 1 {
		t.Fatalf("got choice %d, want one of the settings:\n%s", tuning.Chosen, b.String())
	}
	chosen := tuning.Tried[tuning.Chosen]
	if tuning.Tried[0].Rate() <= target || chosen.Rate() > target || chosen.Report.Truth.recall().value() != 1 {
		t.Errorf("got\n%s\nwant more false pages than the target as configured and fewer with the choice, which misses nothing", b.String())
	}

	// What tune prints is the table and the diff; patch(1) finds the diff.
	for name, args := range map[string]struct {
		file string   // as it was given to tune
		args []string // of patch
	}{
		"by the name in it": {"tidemark.yml", []string{"-p0"}},
		"one level down":    {"etc/tidemark.yml", []string{"-p1"}},
		"a file":            {file, []string{"tidemark.yml"}},
	} {
		diff, err := Patch(args.file, eager, chosen.Sensitivities)
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		copied := filepath.Join(dir, "tidemark.yml")
		if err := os.WriteFile(copied, []byte(eager), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), "patch", args.args...)
		cmd.Dir, cmd.Stdin = dir, strings.NewReader(b.String()+"\n"+diff)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: patch: %v: %s\n%s", name, err, out, diff)
		}
		got := map[string]float64{}
		for _, sig := range load(t, copied).Signals {
			if sig.Sensitivity != 2 {
				got[sig.Name] = sig.Sensitivity
			}
		}
		if diff := cmp.Diff(chosen.Sensitivities, got); diff != "" {
			t.Errorf("%s: sensitivities that are not as before (-proposed +patched):\n%s", name, diff)
		}
	}
}

func TestSettings(t *testing.T) {
	found := func(hit, qps int) *Report {
		r := &Report{Incidents: []incident.Incident{{ID: "a", Verdict: rules.Verdict{Evidence: []rules.Evidence{{Signal: "hit"}, {Signal: "qps"}}}}}}
		for range hit {
			r.Anomalies = append(r.Anomalies, incident.Anomaly{Signal: "hit"})
		}
		for range qps {
			r.Anomalies = append(r.Anomalies, incident.Anomaly{Signal: "qps"})
		}
		for range 99 { // which no page rests on
			r.Anomalies = append(r.Anomalies, incident.Anomaly{Signal: "noise"})
		}
		return r
	}
	c := &config.Config{Signals: []signal.Signal{{Name: "hit", Sensitivity: 4.5}, {Name: "qps", Sensitivity: 6.5}, {Name: "noise", Sensitivity: 4.5}}}
	steps := []*Report{found(9, 2), found(5, 2), found(3, 1), found(2, 1), found(1, 1), found(1, 1)}
	want := []map[string]float64{
		{"hit": 5.5},
		{"hit": 6},
		{"hit": 6.5, "qps": 7.5},
		{"hit": 7, "qps": 8},
	}
	if diff := cmp.Diff(want, settings(c, steps[0], steps)); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
}

func TestTuningText(t *testing.T) {
	found := func(n int) *Report {
		r := &Report{Stats: Stats{Start: start, End: after(7*24*60 - 1), Step: step, Slots: 7 * 24 * 60, Services: 1, Series: 4}}
		for i := range n {
			r.Incidents = append(r.Incidents, page(string(rune('a'+i)), "X", "x", signal.Cache, nil, 60*i, 60*i+10))
		}
		return r
	}
	tuning := &Tuning{Report: found(5), Target: 2, Tried: []Setting{{nil, found(5)}, {map[string]float64{"qps": 5, "hit": 6}, found(2)}}}
	for _, tc := range []struct {
		target float64
		last   string
	}{
		{2, "Without a list of faults (--truth), a page that was right counts against the target like one that was wrong, and what would be missed is not known.\n"},
		{5, "The configuration meets the target: nothing is to be changed.\n"},
		{1, "None of them meets the target."},
	} {
		tuning.Target = tc.target
		tuning.choose()
		var b strings.Builder
		if err := tuning.WriteText(&b); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(b.String(), "\n\n"+tc.last) {
			t.Errorf("target %g: got\n%s\nwant …%s…", tc.target, b.String(), tc.last)
		}
		if tc.target != 2 {
			continue
		}
		want := `Wed 2025-03-05 12:00:00 to Wed 2025-03-12 11:59:00: 7 days, 1 services, 4 series
target: at most 2 pages per week

pages  per week  sensitivity
5      5         as configured
2      2         hit 6, qps 5  <- chosen

` + tc.last
		if diff := cmp.Diff(want, b.String()); diff != "" {
			t.Errorf("text (-want +got):\n%s", diff)
		}
	}
}
