package suppression

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"

	"tidemark/incident"
	"tidemark/rules"
)

func TestPropose(t *testing.T) {
	now := monday.Add(8 * time.Hour)
	f := incident.Feedback{Verdict: incident.False, Comment: "the import: all of it", Author: "alice"}
	text, err := Propose(misses(monday), f, []incident.Incident{misses(monday.AddDate(0, 0, -7))}, now, berlin).YAML()
	if err != nil {
		t.Fatal(err)
	}
	const want = `suppressions:
- name: cache-misses-a1b2c3d4
  rule: cache_misses
  scope:
    service: shop
    zone: a
  signals:
  - cache_hit_ratio
  - db_qps
  max_severity: warning
  times:
  - times:
    - start_time: "01:30"
      end_time: "03:00"
    weekdays: [monday]
  until: "2026-04-01"
  reason: 'the import: all of it'
  author: alice
`
	if diff := cmp.Diff(want, text); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	l := parse(t, text)
	again := misses(monday.AddDate(0, 0, 7))
	if got := l.Covering(again, again.FiredAt); got != l[0].Name {
		t.Errorf("the same a week later is covered by %q, want %s", got, l[0].Name)
	}
	again.Verdict.Evidence = append(again.Verdict.Evidence, rules.Evidence{Signal: "error_ratio"})
	if got := l.Covering(again, again.FiredAt); got != "" {
		t.Errorf("with other evidence it is covered by %q, want nothing", got)
	}
}

func TestProposeWithoutComment(t *testing.T) {
	s := Propose(misses(monday), incident.Feedback{}, nil, monday, time.UTC)
	if s.Reason != "false alarm: incident a1b2c3d4e5f60718" || s.Times != nil || s.Until != "2026-04-01" {
		t.Errorf("got %+v, want a reason, no windows, and an end in 30 days", s)
	}
}

// TestProposeForWhatIsShared checks that a proposal for an incident of what several
// services share does not cover the services' own.
func TestProposeForWhatIsShared(t *testing.T) {
	in := misses(monday)
	own := in
	in.Verdict.Scope = model.LabelSet{"zone": "a"}
	in.Verdict.Joined = []model.LabelSet{{"zone": "a", "service": "shop"}, {"zone": "a", "service": "blog"}}
	s := Propose(in, incident.Feedback{}, nil, monday, time.UTC)
	if got := s.Scope.String(); got != `{service="", zone="a"}` {
		t.Errorf("scope %s, want that of no service", got)
	}
	l := List{s}
	if err := l.Complete(time.UTC); err != nil {
		t.Fatal(err)
	}
	if shared, one := l.Covering(in, monday), l.Covering(own, monday); shared == "" || one != "" {
		t.Errorf("the incident is covered by %q, a service's by %q, want the first alone", shared, one)
	}
}

func TestWindows(t *testing.T) {
	after := func(days, minutes int) incident.Incident {
		return misses(monday.AddDate(0, 0, days).Add(time.Duration(minutes) * time.Minute))
	}
	pending := after(-7, 0)
	pending.FiredAt = time.Time{}
	long := after(-7, 0)
	long.State, long.ResolvedAt = incident.Resolved, long.FiredAt.Add(13*time.Hour)
	for _, tc := range []struct {
		name   string
		in     incident.Incident
		former []incident.Incident
		want   string
	}{
		{"the first one", after(0, 0), nil, ""},
		{"another hour", after(0, 0), []incident.Incident{after(-7, 61), after(-7, -61)}, ""},
		{"earlier in the same night", after(0, 0), []incident.Incident{after(0, -50)}, ""},
		{"never fired", after(0, 0), []incident.Incident{pending}, ""},
		{"weekly", after(0, 0), []incident.Incident{after(-7, 40), after(-14, -60)}, "monday 00:30-03:30"},
		{"some at another hour", after(0, 0), []incident.Incident{after(-7, 40), after(-3, 600)}, "monday 01:30-03:30"},
		{"nightly", after(0, 0), []incident.Incident{after(-7, 0), after(-3, 10)}, "daily 01:30-03:00"},
		{"weekly, across midnight", after(0, -140), []incident.Incident{after(-7, -110)}, "sunday 23:30-24:00, monday 00:00-01:00"},
		{"weekly, on either side of midnight", after(0, -120), []incident.Incident{after(-7, -140)}, "sunday 23:30-24:00, monday 00:00-01:00"},
		{"nightly, across midnight", after(0, -140), []incident.Incident{after(-1, -140)}, "daily 23:30-24:00, daily 00:00-00:30"},
		{"lasts for most of the day", after(0, 0), []incident.Incident{long}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := ""
			for _, w := range windows(tc.in, tc.former, berlin) {
				day := "daily"
				if len(w.Weekdays) > 0 {
					text, err := w.Weekdays[0].MarshalText()
					if err != nil {
						t.Fatal(err)
					}
					day = string(text)
				}
				if got != "" {
					got += ", "
				}
				got += day + " " + clock(w.Times[0].StartMinute) + "-" + clock(w.Times[0].EndMinute)
			}
			if got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func clock(minutes int) string {
	if minutes == dayMinutes {
		return "24:00"
	}
	return time.Time{}.Add(time.Duration(minutes) * time.Minute).Format("15:04")
}
