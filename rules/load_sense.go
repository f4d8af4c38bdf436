package rules

import (
	"fmt"
	"slices"
	"strings"

	"tidemark/signal"
)

// checkSense reports conditions that cannot be met, or decide nothing, as far as
// that follows from the rule alone. Where a scope has several series of a signal,
// one could be up and another one down; a rule that asks for both is refused
// nevertheless, since hardly anybody means it.
func (r *Rule) checkSense(f *faults) {
	lists := r.lists()
	all, anyOf, none, atOnce := lists[0], lists[1], lists[2], lists[4]
	for _, list := range lists {
		list.checkSelf(f)
	}
	checkAll(f, all)
	checkNone(f, all, none)
	checkNone(f, anyOf, none)
	r.checkAny(f, all, anyOf)
	checkNone(f, atOnce, none)
	r.checkWaiting(f, all, atOnce)
	for i := range r.Refine {
		lists := r.Refine[i].lists(place{"refine", i})
		for _, list := range lists {
			list.checkSelf(f)
		}
		checkAll(f, lists[0])
		checkNone(f, lists[0], lists[2])
		checkNone(f, lists[1], lists[2])
	}
	r.checkRefinements(f)
}

// checkSelf reports conditions whose signal would have to outdo itself.
func (l conditionList) checkSelf(f *faults) {
	for i := range l.of {
		c := &l.of[i]
		for _, with := range []struct {
			key   string
			names signal.Names
		}{{"after", c.After}, {"outgrows", c.Outgrows}, {"less", c.Less}, {"explains", c.Explains}, {"per", c.Per}, {"material", c.Material}} {
			for _, name := range with.names {
				if slices.Contains(c.Signals, name) {
					f.add(l.at.to(i, with.key), "%s %s itself can never be met: name another signal", name, with.key)
				}
			}
		}
	}
}

// checkAll reports what is wrong among conditions that must all be met.
func checkAll(f *faults, all conditionList) {
	for j := range all.of {
		for i := range j {
			a, b := &all.of[i], &all.of[j]
			switch {
			case a.excludes(b):
				f.add(all.at.to(j), "%s contradicts all[%d], %s: both have to be met, remove one of them", b, i, a)
			case a.implies(b):
				f.add(all.at.to(j), "%s says nothing more than all[%d], %s: remove it", b, i, a)
			case b.implies(a):
				f.add(all.at.to(i), "%s says nothing more than all[%d], %s: remove it", a, j, b)
			}
		}
	}
	for _, rel := range []relation{
		{"after", func(c *Condition) signal.Names { return c.After }},
		{"outgrows", func(c *Condition) signal.Names { return c.Outgrows }},
		{"per", func(c *Condition) signal.Names { return c.Per }},
	} {
		if circle := rel.circle(all.of); circle != nil {
			f.add(all.at.to(circle[0], rel.key), "a cycle: %s: remove one of them", rel.words(all.of, circle))
		}
	}
}

// relation leads from a condition to the signals that it depends on.
type relation struct {
	key string
	of  func(*Condition) signal.Names
}

// circle returns the indices of conditions that each depend on the next one, and
// the last on the first; nil if there are none.
func (r relation) circle(cs []Condition) []int {
	next := func(i int) int {
		names := r.of(&cs[i])
		if len(names) == 0 {
			return -1
		}
		return slices.IndexFunc(cs, func(d Condition) bool { return sameNames(d.Signals, names) })
	}
	for start := range cs {
		path := []int{start}
		for i := next(start); i >= 0 && len(path) <= len(cs); i = next(i) {
			switch {
			case i != start:
			case len(path) > 1:
				return path
			default:
				return nil // of itself, which is reported as such
			}
			path = append(path, i)
		}
	}
	return nil
}

// words shows a circle: "a after b, b after a".
func (r relation) words(cs []Condition, circle []int) string {
	parts := make([]string, len(circle))
	for n, i := range circle {
		parts[n] = fmt.Sprintf("%s %s %s", cs[i].Signals, r.key, r.of(&cs[i]))
	}
	return strings.Join(parts, ", ")
}

// checkNone reports conditions that cannot be met without one of none, which keeps
// the rule from matching.
func checkNone(f *faults, needed, none conditionList) {
	for i := range needed.of {
		for j := range none.of {
			if c, d := &needed.of[i], &none.of[j]; c.implies(d) {
				f.add(needed.at.to(i), "%s contradicts %s, %s: whenever it is met, that one is, and keeps the rule from matching: remove one of them", c, none.at.name(j), d)
			}
		}
	}
}

// checkAny reports conditions of any that all decides about.
func (r *Rule) checkAny(f *faults, all, anyOf conditionList) {
	given := 0
	for i := range anyOf.of {
		c := &anyOf.of[i]
		if j := slices.IndexFunc(all.of, func(d Condition) bool { return d.excludes(c) }); j >= 0 {
			f.add(anyOf.at.to(i), "%s can never be met: it contradicts all[%d], %s: remove one of them", c, j, &all.of[j])
		}
		if slices.ContainsFunc(all.of, func(d Condition) bool { return d.implies(c) }) {
			given++
		}
		for j := range anyOf.of {
			if d := &anyOf.of[j]; j != i && d.implies(c) && (j < i || !c.implies(d)) {
				f.add(anyOf.at.to(i), "%s is met whenever any[%d] is, %s: one deviation would count twice, remove one of them", c, j, d)
			}
		}
	}
	if given > 0 && given >= r.AnyMin {
		f.add(anyOf.at, "any decides nothing: %d of it are met whenever all is, and any_min is %d: remove it, or what all says already", given, r.AnyMin)
	}
}

// checkWaiting reports waiting that can never end, or never begins.
func (r *Rule) checkWaiting(f *faults, all, atOnce conditionList) {
	for i := range all.of {
		if c := &all.of[i]; c.Is == IsRecovering && r.For >= c.Within {
			f.add(place{"for"}, "for %s is never over: all[%d], %s, is met for %s at most: write a shorter for, or a longer within", r.For, i, c, c.Within)
		}
	}
	for i := range atOnce.of {
		c := &atOnce.of[i]
		if j := slices.IndexFunc(all.of, func(d Condition) bool { return d.implies(c) }); j >= 0 {
			f.add(atOnce.at.to(i), "%s ends the waiting before it begins: it is met whenever all[%d] is: remove it, or for", c, j)
		}
		if long := max(c.Lasting, c.Steady); long > 0 && long >= r.For {
			f.add(atOnce.at.to(i), "%s ends no waiting: for %s is over before: write less than that", c, r.For)
		}
	}
}

// checkRefinements reports refinements that are never shown, or always.
func (r *Rule) checkRefinements(f *faults) {
	for j := range r.Refine {
		b, at := &r.Refine[j], place{"refine", j}
		for i := range j {
			a := &r.Refine[i]
			if a.Name == b.Name {
				f.add(at.to("name"), "the name %s is that of refine[%d], too: names are unique", b.Name, i)
			}
			if a.holdsWith(b.All, b.None) {
				f.add(at, "it is never shown: refine[%d], %s, stands before it and holds whenever it does: change their order, or its conditions", i, a.Name)
			}
		}
		if b.holdsWith(r.All, nil) {
			f.add(at, "it holds whenever the rule does: make its summary that of the rule, or add a condition")
		}
	}
}

// holdsWith reports whether the refinement holds whenever all of the conditions
// are met, and none of the others is.
func (r *Refinement) holdsWith(all, none []Condition) bool {
	given := func(c Condition) bool {
		return slices.ContainsFunc(all, func(d Condition) bool { return d.implies(&c) })
	}
	for _, c := range r.All {
		if !given(c) {
			return false
		}
	}
	if len(r.Any) > 0 && !slices.ContainsFunc(r.Any, given) {
		return false
	}
	for _, c := range r.None {
		if !slices.ContainsFunc(none, func(d Condition) bool { return c.implies(&d) }) {
			return false
		}
	}
	return true
}
