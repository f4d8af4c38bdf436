package rules

import (
	"fmt"

	"github.com/prometheus/prometheus/util/strutil"

	"tidemark/detector"
	"tidemark/signal"
)

// CheckSignals reports what rules ask of signals that they do not give. A signal
// of a rule that was read from a file must be configured or standard. Rules of the
// built-in pack may name signals that a user does not have, or has declared
// otherwise. The error is Problems.
func (s *Set) CheckSignals(configured []signal.Signal) error {
	return s.signalProblems(configured).err()
}

func (s *Set) signalProblems(configured []signal.Signal) Problems {
	known := vocabulary{}
	for name, std := range signal.Standard {
		std.Name = name
		known[name] = std
	}
	for _, one := range configured {
		known[one.Name] = one
	}
	var found Problems
	for _, r := range s.rules {
		if r.builtin {
			continue
		}
		f := &faults{rule: r}
		for _, list := range r.lists() {
			known.checkList(f, list)
		}
		known.checkTold(f, place{"summary"}, r.told)
		for i := range r.Refine {
			at := place{"refine", i}
			for _, list := range r.Refine[i].lists(at) {
				known.checkList(f, list)
			}
			known.checkTold(f, at.to("summary"), r.Refine[i].told)
		}
		found = append(found, f.found...)
	}
	return found
}

// vocabulary is the signals that rules may name.
type vocabulary map[string]signal.Signal

// unknown reports a name that is none, with the one that it resembles.
func (v vocabulary) unknown(f *faults, at place, name string) bool {
	if _, ok := v[name]; ok {
		return false
	}
	const alike = 0.9 // a letter or two of a word
	best, most := "", alike
	matcher := strutil.NewJaroWinklerMatcher(name)
	for other := range v {
		if s := matcher.Score(other); s > most || s == most && other < best {
			best, most = other, s
		}
	}
	advice := "declare it under signals, or correct the name"
	if best != "" {
		advice = fmt.Sprintf("write %s, or declare it under signals", best)
	}
	f.add(at, "unknown signal %q: %s", name, advice)
	return true
}

// checkTold checks the signals that a summary names.
func (v vocabulary) checkTold(f *faults, at place, names []string) {
	for _, name := range names {
		v.unknown(f, at, name)
	}
}

func (v vocabulary) checkList(f *faults, list conditionList) {
	for i := range list.of {
		c, at := &list.of[i], list.at.to(i)
		for _, name := range c.Signals {
			if !v.unknown(f, at.to("signal"), name) {
				c.checkKind(f, at, v[name])
			}
		}
		for _, name := range c.After {
			v.unknown(f, at.to("after"), name)
		}
		for _, since := range []struct {
			key   string
			names signal.Names
		}{{"worse_since", c.WorseSince}, {"steady_since", c.SteadySince}} {
			for _, name := range since.names {
				if !v.unknown(f, at.to(since.key), name) && v[name].Kind != signal.Change {
					f.add(at.to(since.key), "%s is of kind %s and no change: name a change such as process_restarts", name, v[name].Kind)
				}
			}
		}
		for _, with := range []struct {
			key   string
			names signal.Names
		}{{"outgrows", c.Outgrows}, {"less", c.Less}, {"explains", c.Explains}, {"per", c.Per}, {"material", c.Material}} {
			for _, name := range with.names {
				if !v.unknown(f, at.to(with.key), name) && !v[name].Judged() {
					f.add(at.to(with.key), "%s is of kind %s and has no size to compare with: name a signal such as request_rate", name, v[name].Kind)
				}
			}
		}
	}
}

// checkKind reports what a signal of its kind never is, or always.
func (c *Condition) checkKind(f *faults, at place, s signal.Signal) {
	switch {
	case s.Kind == signal.Change && c.Is != IsChanged:
		f.add(at, "%s: %s is watched for changes and has no baseline: write is: changed", c, s.Name)
		return
	case s.Kind == signal.Edges:
		f.add(at.to("signal"), "%s is the service graph, which is not judged: name another signal", s.Name)
		return
	case s.Judged() && c.Is == IsChanged:
		f.add(at.to("is"), "%s: %s has a baseline and no changes: write up, down, absent or recovering, or name a change such as deploys", c, s.Name)
		return
	}
	// The database's connections are a share, although they are not one of events.
	share := s.Kind == detector.Ratio || signal.Standard[s.Name].Unit == "%"
	if !share && s.Kind != detector.Latency {
		return
	}
	what, advice := "a time", "write seconds, such as 0.25"
	if share {
		what, advice = "a share between 0 and 1", "write a number between them"
		if x := c.limit(); x >= 2 && x <= 100 {
			advice = fmt.Sprintf("write %g for %g %%", x/100, x)
		}
	}
	switch {
	case share && c.Above != nil && *c.Above >= 1, c.Below != nil && *c.Below <= 0:
		f.add(at, "%s can never be met: %s is %s: %s", c, s.Name, what, advice)
	case share && c.Below != nil && *c.Below > 1, c.Above != nil && *c.Above < 0:
		f.add(at, "%s is always met: %s is %s: %s", c, s.Name, what, advice)
	}
}

// limit returns the number that the condition compares with, 0 if it does not.
func (c *Condition) limit() float64 {
	switch {
	case c.Above != nil:
		return *c.Above
	case c.Below != nil:
		return *c.Below
	default:
		return 0
	}
}
