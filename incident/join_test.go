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
	web  = model.LabelSet{"service": "web"}
	cart = model.LabelSet{"service": "cart"}
)

func degraded(scope model.LabelSet, onset time.Time) *rules.Verdict {
	v := verdict("degraded", signal.Application, onset)
	v.Scope = scope
	return v
}

// share plays a trouble that two scopes share, told by a letter for each cycle.
//
//	w  web is the most suspect     c  cart is
//	W  only web shows anything     C  only cart does     .  nothing is wrong
func share(b *Book, start time.Time, script string) (states []string, end time.Time) {
	ts, start := start, noon // of the symptoms, all of the time
	for _, letter := range script {
		for _, one := range []struct {
			scope       model.LabelSet
			first, only rune
		}{{web, 'w', 'W'}, {cart, 'c', 'C'}} {
			if letter != one.only && letter != '.' {
				continue
			}
			for _, scope := range []model.LabelSet{web, cart} {
				b.Update(ts, scope, result(b, scope, letter == one.only && scope.Equal(one.scope), start))
			}
			break
		}
		if letter == 'w' || letter == 'c' {
			scopes := []model.LabelSet{web, cart}
			if letter == 'c' {
				scopes = []model.LabelSet{cart, web}
			}
			lead := b.Lead(ts, scopes, degraded(scopes[0], start))
			r := result(b, lead, true, start)
			other := scopes[0]
			if lead.Equal(other) {
				other = scopes[1]
			}
			r.Best.Join(rules.Around{Scopes: []model.LabelSet{other}, Callers: []string{"web"}, Suspects: []string{"cart", "web"}})
			b.Update(ts, lead, r)
			if !b.Join(ts, other, lead) {
				b.Update(ts, other, result(b, other, true, start))
			}
		}
		b.Expire(ts)
		states = append(states, both(b))
		ts = ts.Add(cycle)
	}
	return states, ts
}

func result(b *Book, scope model.LabelSet, off bool, onset time.Time) rules.Result {
	if !off {
		return rules.Result{Open: rules.NotMet}
	}
	r := rules.Result{Best: degraded(scope, onset), Open: rules.NotMet}
	if b.OpenRule(scope) == r.Best.Rule {
		r.Open, r.OpenVerdict = rules.Met, r.Best
	}
	return r
}

// both describes what is open: "web:pending cart:firing".
func both(b *Book) string {
	out := ""
	for _, scope := range []model.LabelSet{web, cart} {
		for _, in := range b.Incidents() {
			if in.Open() && in.Verdict.Scope.Equal(scope) {
				out += " " + string(scope["service"]) + ":" + string(in.State)
			}
		}
	}
	if out == "" {
		return "-"
	}
	return out[1:]
}

func TestSharedTrouble(t *testing.T) {
	for _, tc := range []struct {
		name, script string
		want         []string
	}{
		{"one incident, at the most suspect", "ccc", []string{"cart:pending", "cart:firing", "cart:firing"}},
		{"a pending one of a victim gives way", "Wcc", []string{"web:pending", "cart:pending", "cart:firing"}},
		{"a firing one of a victim gives way once another has been more suspect for a while", "WWcccc", []string{
			"web:pending", "web:firing", "web:firing", "web:firing", "cart:firing", "cart:firing",
		}},
		{"not for a change of mind", "WWcwcw", []string{
			"web:pending", "web:firing", "web:firing", "web:firing", "web:firing", "web:firing",
		}},
		{"nor later", "WWWWWWWWWWWWWWcccc", []string{
			"web:pending", "web:firing", "web:firing", "web:firing", "web:firing", "web:firing", "web:firing", "web:firing", "web:firing",
			"web:firing", "web:firing", "web:firing", "web:firing", "web:firing", "web:firing", "web:firing", "web:firing", "web:firing",
		}},
		{"a victim that recovers last does not page", "cccWWWWW.", []string{
			"cart:pending", "cart:firing", "cart:firing", "cart:firing", "-", "-", "-", "-", "-",
		}},
		{"those that cannot agree page in the end", "wcwcwc", []string{
			"web:pending", "cart:pending", "web:pending", "cart:pending", "web:pending", "cart:firing",
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, _ := share(NewBook(Options{}), noon, tc.script)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("open incidents (-want +got):\n%s", diff)
			}
		})
	}
}

// TestSharedTroubleIsRemembered checks that an incident knows whom it spoke for,
// though they recovered, that the one that gave way names it, and that a restart
// changes nothing.
func TestSharedTroubleIsRemembered(t *testing.T) {
	b := NewBook(Options{})
	_, end := share(b, noon, "WWccccC")
	all := b.Incidents()
	if len(all) != 2 {
		t.Fatalf("%d incidents, want that of web, which gave way, and that of cart: %+v", len(all), all)
	}
	next, old := all[0], all[1]
	if old.SupersededBy != next.ID || !next.StartedAt.Equal(old.StartedAt) {
		t.Errorf("web's gave way to %q, cart's %q began at %v: want the same incident, since %v", old.SupersededBy, next.ID, next.StartedAt, old.StartedAt)
	}
	if diff := cmp.Diff([]model.LabelSet{web}, next.Verdict.Joined); diff != "" {
		t.Errorf("joined scopes (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"cart", "web"}, next.Verdict.Suspects); diff != "" {
		t.Errorf("suspects (-want +got):\n%s", diff)
	}
	restored := NewBook(Options{})
	restored.Restore(all)
	for _, b := range []*Book{b, restored} {
		got, _ := share(b, end, "WWWW")
		if diff := cmp.Diff([]string{"cart:firing", "-", "-", "-"}, got); diff != "" {
			t.Errorf("a victim that recovers last (-want +got):\n%s", diff)
		}
	}
}
