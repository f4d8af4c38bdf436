package incident

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"

	"tidemark/rules"
	"tidemark/signal"
)

var (
	noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	shop = model.LabelSet{"service": "shop"}
)

const cycle = time.Minute

func verdict(rule string, suspect signal.Component, onset time.Time) *rules.Verdict {
	return &rules.Verdict{
		Rule: rule, Alert: rule, Suspect: suspect, Severity: rules.Critical, Scope: shop,
		Onset: onset, NewestOnset: onset, KeepFiringFor: 2 * time.Minute,
	}
}

// play feeds one result per cycle, told by a letter, and returns the state of
// the scope's newest incident after each.
//
//	b  bypass is the best verdict       d  slow database is
//	u  the cause is unknown             .  nothing is wrong
//	w  it is unknown, by a rule that waits for four cycles
//	f  a cold cache is, which may last for ten cycles
//	p  bypass is plain                  l  a rule that waits for four cycles is
//	?  the open rule cannot be seen     H  nothing at all can be read
func play(b *Book, start time.Time, script string) (states []string, end time.Time) {
	ts := start
	for _, c := range script {
		var best *rules.Verdict
		open := rules.NotMet
		switch c {
		case 'b':
			best = verdict("bypass", signal.Cache, start)
		case 'd':
			best = verdict("slow", signal.Database, start)
		case 'u':
			best = verdict("unknown", signal.Unknown, start)
		case 'w':
			best = verdict("last", signal.Unknown, start)
			best.Settle = 4
		case 'p', 'l':
			best = verdict("bypass", signal.Cache, start)
			best.Plain = true
			if c == 'l' {
				best.Settle = 4
			}
		case 'f':
			best = verdict("cold", signal.Cache, start)
			best.For = 10 * cycle
		case '?':
			open = rules.Unseen
		}
		res := rules.Result{Best: best, Open: open}
		if best != nil && best.Rule == b.OpenRule(shop) {
			res.Open, res.OpenVerdict = rules.Met, best
		}
		if c == 'H' {
			b.Hold()
		} else {
			b.Update(ts, shop, res)
			b.Expire(ts)
		}
		states = append(states, newest(b))
		ts = ts.Add(cycle)
	}
	return states, ts
}

// newest describes the incidents of the book: rule:state of the open one, or of
// the one that was resolved last.
func newest(b *Book) string {
	all := b.Incidents()
	if len(all) == 0 {
		return "-"
	}
	in := all[0]
	if !in.Open() {
		in = all[len(all)-1]
	}
	s := in.Verdict.Rule + ":" + string(in.State)
	if in.Held {
		s += ":held"
	}
	return s
}

func TestLife(t *testing.T) {
	for _, tc := range []struct {
		name, script string
		want         []string
	}{
		{"pending, firing, resolved after keep_firing_for", "bbb...", []string{
			"bypass:pending", "bypass:firing", "bypass:firing", "bypass:firing", "bypass:resolved", "bypass:resolved",
		}},
		{"a pending one that goes away never fires", "b..", []string{"bypass:pending", "-", "-"}},
		{"an early symptom waits for a stable diagnosis", "dbb", []string{"slow:pending", "bypass:pending", "bypass:firing"}},
		{"but not for ever", "dbdbdb", []string{
			"slow:pending", "bypass:pending", "slow:pending", "bypass:pending", "slow:pending", "bypass:firing",
		}},
		{"a rule of last resort waits longer", "wwwbb", []string{
			"last:pending", "last:pending", "last:pending", "bypass:pending", "bypass:firing",
		}},
		{"and pages in the end", "wwww", []string{"last:pending", "last:pending", "last:pending", "last:firing"}},
		{"what is plain pages at once", "p", []string{"bypass:firing"}},
		{"unless the rule waits", "lll", []string{"bypass:pending", "bypass:pending", "bypass:pending"}},
		{"one that waited was not undecided", "fffffffbb", []string{
			"cold:pending", "cold:pending", "cold:pending", "cold:pending", "cold:pending", "cold:pending", "cold:pending",
			"bypass:pending", "bypass:firing",
		}},
		{"a gap holds", "bb????", []string{
			"bypass:pending", "bypass:firing", "bypass:firing:held", "bypass:firing:held", "bypass:firing:held", "bypass:firing:held",
		}},
		{"an unreadable source holds", "bHbHHHb", []string{
			"bypass:pending", "bypass:pending:held", "bypass:firing", "bypass:firing:held", "bypass:firing:held", "bypass:firing:held", "bypass:firing",
		}},
		{"a value that swings does not resolve", "bb.b.b.", []string{
			"bypass:pending", "bypass:firing", "bypass:firing", "bypass:firing", "bypass:firing", "bypass:firing", "bypass:firing",
		}},
		{"a wrong diagnosis is superseded once the other one is stable", "ddbbb", []string{
			"slow:pending", "slow:firing", "slow:firing", "slow:firing", "bypass:firing",
		}},
		{"an unknown cause does not replace a named one", "bbuuuu", []string{
			"bypass:pending", "bypass:firing", "bypass:firing", "bypass:resolved", "bypass:resolved", "bypass:resolved",
		}},
		{"what fades last is not named as another cause", "bbbbbbbbbbbbbbbddddd", []string{
			"bypass:pending", "bypass:firing", "bypass:firing", "bypass:firing", "bypass:firing", "bypass:firing", "bypass:firing", "bypass:firing",
			"bypass:firing", "bypass:firing", "bypass:firing", "bypass:firing", "bypass:firing", "bypass:firing", "bypass:firing",
			"bypass:firing", "bypass:resolved", "bypass:resolved", "bypass:resolved", "bypass:resolved",
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, _ := play(NewBook(Options{}), noon, tc.script)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("states (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSupersessionKeepsTheStory(t *testing.T) {
	b := NewBook(Options{})
	play(b, noon, "ddbbb")
	all := b.Incidents()
	if len(all) != 2 {
		t.Fatalf("%d incidents, want the old and the new one: %+v", len(all), all)
	}
	next, old := all[0], all[1]
	if old.SupersededBy != next.ID || old.State != Resolved {
		t.Errorf("old incident is %s, superseded by %q; want resolved, superseded by %q", old.State, old.SupersededBy, next.ID)
	}
	if over := b.LastOver(shop); !over.IsZero() {
		t.Errorf("the trouble was over at %v, want that it goes on: its evidence is no aftermath", over)
	}
	if !next.StartedAt.Equal(noon) {
		t.Errorf("the new incident started at %v, want %v, when the trouble began", next.StartedAt, noon)
	}
}

// TestSameSuspectIsTheSameIncident checks that what else is wrong with the suspect
// changes an incident's words and nothing else.
func TestSameSuspectIsTheSameIncident(t *testing.T) {
	b := NewBook(Options{})
	_, end := play(b, noon, "bb")
	before := b.Incidents()[0]
	down := verdict("down", signal.Cache, end)
	down.Summary, down.Runbook = "The cache does not answer.", "/runbooks/cache_down"
	for range 5 {
		b.Update(end, shop, rules.Result{Best: down})
		end = end.Add(cycle)
	}
	all := b.Incidents()
	if len(all) != 1 || all[0].ID != before.ID || all[0].State != Firing || all[0].Verdict.Alert != before.Verdict.Alert {
		t.Fatalf("incidents %+v, want the one of before, which fires", all)
	}
	got := all[0].Verdict
	if got.Rule != "bypass" || got.Refinement != "down" || got.Summary != down.Summary || got.Runbook != down.Runbook {
		t.Errorf("verdict %+v, want one of bypass in the words of down", got)
	}
	again := verdict("bypass", signal.Cache, noon)
	b.Update(end, shop, rules.Result{Best: again, Open: rules.Met, OpenVerdict: again})
	if got := b.Incidents()[0].Verdict; got.Summary != down.Summary {
		t.Errorf("summary %q, want that what happened stays known", got.Summary)
	}
}

// TestLateWords checks that what is wrong with the suspect as a fault ends keeps the
// incident open, in its own words.
func TestLateWords(t *testing.T) {
	b := NewBook(Options{})
	_, end := play(b, noon, "bbbbbbbbbbbbbb")
	before := b.Incidents()[0].Verdict
	for range 6 {
		b.Update(end, shop, rules.Result{Best: verdict("misses", signal.Cache, end)})
		end = end.Add(cycle)
	}
	got := b.Incidents()[0]
	if got.State != Firing || got.Verdict.Rule != "bypass" || got.Verdict.Refinement != "" || got.Verdict.Summary != before.Summary {
		t.Errorf("incident %+v, want one of bypass that fires in its own words", got)
	}
}

func TestIdentityDoesNotChange(t *testing.T) {
	b := NewBook(Options{})
	play(b, noon, "bb")
	before := b.Incidents()[0]
	v := verdict("bypass", signal.Cache, noon.Add(time.Hour))
	v.Severity = rules.Warning
	b.Update(noon.Add(2*cycle), shop, rules.Result{Best: v, Open: rules.Met, OpenVerdict: v})
	after := b.Incidents()[0]
	if after.ID != before.ID || !after.StartedAt.Equal(before.StartedAt) || after.Verdict.Severity != before.Verdict.Severity {
		t.Errorf("identity changed while firing:\nbefore %+v\nafter  %+v", before, after)
	}
}

func TestTwoReplicasAgree(t *testing.T) {
	a, b := NewBook(Options{}), NewBook(Options{})
	play(a, noon, "bbb..")
	play(b, noon, "bbb..")
	if diff := cmp.Diff(a.Incidents(), b.Incidents()); diff != "" {
		t.Errorf("replicas differ:\n%s", diff)
	}
}

func TestRestore(t *testing.T) {
	for _, script := range []string{"b", "bb", "bbH", "bb...."} {
		t.Run(script, func(t *testing.T) {
			b := NewBook(Options{})
			_, end := play(b, noon, script)
			saved := b.Incidents()
			c := NewBook(Options{})
			c.Restore(saved)
			if diff := cmp.Diff(saved, c.Incidents()); diff != "" {
				t.Errorf("after restore (-saved +restored):\n%s", diff)
			}
			play(b, end, "b....")
			play(c, end, "b....")
			if diff := cmp.Diff(b.OpenRule(shop), c.OpenRule(shop)); diff != "" {
				t.Errorf("the restored book goes another way:\n%s", diff)
			}
		})
	}
}

func TestAftermathDoesNotPage(t *testing.T) {
	b := NewBook(Options{})
	_, end := play(b, noon, "bbb...")
	// The slow database's onset lies within the incident that is over.
	for i := range 5 {
		b.Update(end.Add(time.Duration(i)*cycle), shop, rules.Result{Best: verdict("slow", signal.Database, noon.Add(cycle))})
	}
	if got := b.OpenRule(shop); got != "" {
		t.Errorf("%s is open, want nothing: it began during the incident before", got)
	}
	// Evidence that is new pages, whatever is left of the old.
	fresh := verdict("slow", signal.Database, end)
	b.Update(end.Add(5*cycle), shop, rules.Result{Best: fresh})
	if got := b.OpenRule(shop); got != "slow" {
		t.Fatalf("open is %q, want slow: there is evidence that began after the incident before", got)
	}
}

func TestHoldLimit(t *testing.T) {
	b := NewBook(Options{HoldLimit: 5 * time.Minute})
	got, _ := play(b, noon, "bb?????")
	want := []string{
		"bypass:pending", "bypass:firing", "bypass:firing:held", "bypass:firing:held", "bypass:firing:held", "bypass:firing:held", "bypass:resolved",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("states (-want +got):\n%s", diff)
	}
}

func TestExpire(t *testing.T) {
	b := NewBook(Options{})
	play(b, noon, "bb...")
	end := b.Incidents()[0].ResolvedAt
	b.Expire(end.Add(DefaultRetention))
	if got := len(b.Incidents()); got != 1 {
		t.Errorf("%d incidents within the retention, want 1", got)
	}
	b.Expire(end.Add(DefaultRetention + cycle))
	if got := len(b.Incidents()); got != 0 {
		t.Errorf("%d incidents after the retention, want 0", got)
	}
}
