package scenario

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// ownRules depend on nothing but the newest values, so that it is known when they
// fire.
const ownRules = `
rules:
  - {name: queue_full, suspect: application, severity: critical, summary: full, all: [{signal: queue, above: 5}]}
  - {name: queue_gone, suspect: application, summary: gone, all: [{signal: queue, is: absent}]}
`

// story is a queue that is full at 12:30, for half an hour.
const story = `
-- scenario.yml --
length: 90m
-- config.yml --
global: {scope: [service]}
rule_files: [rules.yml]
signals: [{name: queue, kind: gauge, component: application}]
-- series --
queue{service="shop"} '0x29 9x29 0x30'
`

// told loads a story next to the rules.
func told(t *testing.T, text string) *Scenario {
	t.Helper()
	file := write(t, text)
	if err := os.WriteFile(filepath.Join(filepath.Dir(file), "rules.yml"), []byte(ownRules), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Load(file)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestCompare(t *testing.T) {
	const fired = `QueueFull {service="shop"} that fired at 31m (12:31:00)`
	for _, tc := range []struct {
		name, expect string
		want         []string
	}{
		{"as it was", "incidents: [{rule: queue_full, scope: {service: shop}, suspect: application, severity: critical, fires: 30m, resolved_by: 65m}]", nil},
		{"by a time of day", "incidents: [{rule: queue_full, fires: 2026-03-04T12:31:00Z, within: 0s}]", nil},
		{"anything", "others: true", nil},
		{"silence before", "others: true\nsilence: [{to: 30m}]", nil},
		{"silence after", "others: true\nsilence: [{from: 65m}]", nil},
		{"silence of others", "others: true\nsilence: [{rules: [queue_gone, cache_bypass]}, {scope: {service: blog}}]", nil},
		{"nothing", "incidents: []", []string{"expected nothing else, got " + fired}},
		{
			"another rule", "incidents: [{rule: queue_gone, scope: {service: shop}, fires: 30m}]",
			[]string{`expected QueueGone {service="shop"} to fire between 30m (12:30:00) and 35m (12:35:00), got none; nearest: ` + fired, "expected nothing else, got " + fired},
		},
		{"earlier", "incidents: [{rule: queue_full, fires: 20m}]", []string{"expected QueueFull to fire between 20m (12:20:00) and 25m (12:25:00), got none; nearest: " + fired}},
		{"at once", "incidents: [{rule: queue_full, fires: 30m, within: 0s}]", []string{"expected QueueFull to fire at 30m (12:30:00), got none; nearest: " + fired}},
		{
			"another scope", "others: true\nincidents: [{rule: queue_full, scope: {service: blog}, fires: 30m}]",
			[]string{`expected QueueFull {service="blog"} to fire between 30m (12:30:00) and 35m (12:35:00), got none; nearest: ` + fired},
		},
		{"twice", "incidents: [{rule: queue_full, fires: 30m}, {rule: queue_full, fires: 30m}]", []string{"expected QueueFull to fire between 30m (12:30:00) and 35m (12:35:00), got none"}},
		{"another suspect", "incidents: [{rule: queue_full, suspect: database, fires: 30m}]", []string{"expected suspect database of " + fired + ", got application"}},
		{"another severity", "incidents: [{rule: queue_full, severity: info, fires: 30m}]", []string{"expected severity info of " + fired + ", got critical"}},
		{"over earlier", "incidents: [{rule: queue_full, fires: 30m, resolved_by: 40m}]", []string{"expected QueueFull to be resolved by 40m (12:40:00), it was at 1h2m (13:02:00)"}},
		{"silence", "others: true\nsilence: [{from: 35m, to: 40m}]", []string{"expected silence between 35m (12:35:00) and 40m (12:40:00), got " + fired}},
		{"silence of the rule", "others: true\nsilence: [{rules: [queue_full]}]", []string{"expected no queue_full between 0s (12:00:00) and 1h30m (13:30:00), got " + fired}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r, err := told(t, story+"-- expect.yml --\n"+tc.expect+"\n").Run(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, r.Problems); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNeverResolved(t *testing.T) {
	text := strings.NewReplacer("length: 90m", "length: 50m", "9x29 0x30", "9x20").Replace(story)
	r, err := told(t, text+"-- expect.yml --\nincidents: [{rule: queue_full, fires: 30m, resolved_by: 45m}]\n").Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"expected QueueFull to be resolved by 45m (12:45:00), it still fires at the end, 50m (12:50:00)"}
	if diff := cmp.Diff(want, r.Problems); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

// TestOutages checks that what cannot be read is neither good nor bad news.
func TestOutages(t *testing.T) {
	for _, tc := range []struct{ name, outage, fires string }{
		{"of everything", "{from: 28m, to: 40m}", "31m"}, // the slots are caught up with
		{"of the signal", "{from: 30m, to: 45m, signals: [queue]}", "46m"},
		{"at the end", "{from: 1h, to: 70m, signals: [queue]}", "31m"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			text := strings.Replace(story, "length: 90m", "length: 90m\noutages: ["+tc.outage+"]", 1)
			r, err := told(t, text+"-- expect.yml --\nincidents: [{rule: queue_full, fires: "+tc.fires+", within: 0s, resolved_by: 72m}]\n").Run(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range r.Problems {
				t.Error(p)
			}
		})
	}
}

func TestRunStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := told(t, story+nothingFires).Run(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v, want that of the context", err)
	}
}
