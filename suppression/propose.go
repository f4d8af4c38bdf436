package suppression

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/alertmanager/timeinterval"
	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v2"

	"tidemark/incident"
	"tidemark/rules"
)

const (
	proposedFor = 30 * 24 * time.Hour
	anotherDay  = 12 * time.Hour // apart from it
	sameHour    = 60             // minutes by which incidents of one time of day differ at most
	grain       = 30             // minutes: windows begin and end on these
	slack       = 15             // minutes by which a window is wider than what was seen
	dayMinutes  = 24 * 60
)

// Propose returns a suppression that is as narrow as an incident which was a
// false alarm: its rule, scope, severity and signals, for 30 days. Former holds
// earlier false alarms of the same rule and scope. If some of them fired at the
// same time of day, it holds only then: on that weekday if all of them fired on
// it, else every day. Dates and windows are in loc.
func Propose(in incident.Incident, f incident.Feedback, former []incident.Incident, now time.Time, loc *time.Location) Suppression {
	v := in.Verdict
	s := Suppression{
		Name: fmt.Sprintf("%s-%.8s", strings.ReplaceAll(v.Rule, "_", "-"), in.ID),
		Rule: v.Rule, Scope: only(v), MaxSeverity: v.Severity,
		Until: now.Add(proposedFor).In(loc).Format(time.DateOnly), Reason: f.Comment, Author: f.Author,
	}
	if s.Reason == "" {
		s.Reason = "false alarm: incident " + in.ID
	}
	for _, e := range v.Evidence {
		s.Signals = append(s.Signals, e.Signal)
	}
	slices.Sort(s.Signals)
	s.Signals = slices.Compact(s.Signals)
	s.Times = windows(in, former, loc)
	return s
}

// only returns matchers for the scope of a verdict. If it is one that others share,
// they do not match those of the others.
func only(v rules.Verdict) Matchers {
	exact := model.LabelSet{}.Merge(v.Scope)
	for _, scope := range v.Joined {
		for name := range scope {
			if _, ok := exact[name]; !ok {
				exact[name] = ""
			}
		}
	}
	return exactly(exact)
}

// YAML writes the suppression as a section of the configuration.
func (s Suppression) YAML() (string, error) {
	text, err := yaml.Marshal(struct {
		Suppressions List `yaml:"suppressions"`
	}{List{s}})
	if err != nil {
		return "", fmt.Errorf("write suppression %s: %w", s.Name, err)
	}
	return string(text), nil
}

// spell is when an incident fired and ended, in minutes since the beginning of the
// day on which it fired.
type spell struct {
	day        time.Weekday
	begin, end int
}

func spellOf(in incident.Incident, loc *time.Location) spell {
	fired, end := in.FiredAt.In(loc), in.LastSeen
	if !in.Open() {
		end = in.ResolvedAt
	}
	begin := fired.Hour()*60 + fired.Minute()
	return spell{fired.Weekday(), begin, begin + int(end.Sub(in.FiredAt)/time.Minute)}
}

// windows returns when incidents such as this one are to be expected, nil if
// there is no pattern: no former one of another day fired at its time of day, or
// together they last for most of the day.
func windows(in incident.Incident, former []incident.Incident, loc *time.Location) []timeinterval.TimeInterval {
	if in.FiredAt.IsZero() {
		return nil
	}
	own := spellOf(in, loc)
	begin, end := own.begin, own.end
	alike, weekly := false, true
	for _, f := range former {
		if f.FiredAt.IsZero() || in.FiredAt.Sub(f.FiredAt).Abs() < anotherDay {
			continue
		}
		o := spellOf(f, loc).beside(own)
		if max(own.begin-o.begin, o.begin-own.begin) > sameHour {
			continue
		}
		alike = true
		weekly = weekly && o.day == own.day
		begin, end = min(begin, o.begin), max(end, o.end)
	}
	begin = floor(begin-slack, grain)
	end = floor(end+slack+grain-1, grain)
	if !alike || end-begin > dayMinutes/2 {
		return nil
	}
	return across(own.day, weekly, begin, end)
}

// beside returns the spell as told from the day before or after, if its time of
// day lies nearer to that of o then: 23:50 is next to 00:10.
func (s spell) beside(o spell) spell {
	days := 0
	switch d := s.begin - o.begin; {
	case d > dayMinutes/2:
		days = 1
	case d < -dayMinutes/2:
		days = -1
	}
	return spell{later(s.day, days), s.begin - days*dayMinutes, s.end - days*dayMinutes}
}

func later(day time.Weekday, days int) time.Weekday { return time.Weekday((int(day) + days + 7) % 7) }

// floor returns the largest multiple of unit that is not above n.
func floor(n, unit int) int { return n - ((n%unit)+unit)%unit }

// across returns the windows from begin to end, in minutes since the beginning of
// a day, split where another day begins. They are of that weekday, or of all days.
func across(day time.Weekday, weekly bool, begin, end int) []timeinterval.TimeInterval {
	var out []timeinterval.TimeInterval
	for begin < end {
		offset := floor(begin, dayMinutes)
		till := min(end, offset+dayMinutes)
		w := timeinterval.TimeInterval{Times: []timeinterval.TimeRange{{StartMinute: begin - offset, EndMinute: till - offset}}}
		if weekly {
			n := int(later(day, offset/dayMinutes))
			w.Weekdays = []timeinterval.WeekdayRange{{InclusiveRange: timeinterval.InclusiveRange{Begin: n, End: n}}}
		}
		out = append(out, w)
		begin = till
	}
	return out
}
