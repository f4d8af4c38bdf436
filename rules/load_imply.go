package rules

import (
	"fmt"
	"slices"

	"tidemark/signal"
)

// String writes the condition as one would say it: "cache_hit_ratio is down".
func (c *Condition) String() string {
	switch {
	case c.Above != nil:
		return fmt.Sprintf("%s above %g", c.Signals, *c.Above)
	case c.Below != nil:
		return fmt.Sprintf("%s below %g", c.Signals, *c.Below)
	default:
		return fmt.Sprintf("%s is %s", c.Signals, c.Is)
	}
}

// implies reports whether d is met whenever c is, whatever the samples: it is about
// the same signal, or more alternatives, and asks for no more.
func (c *Condition) implies(d *Condition) bool {
	for _, name := range c.Signals {
		if !slices.Contains(d.Signals, name) {
			return false
		}
	}
	switch {
	case c.Above != nil && d.Above != nil:
		return *c.Above >= *d.Above
	case c.Below != nil && d.Below != nil:
		return *c.Below <= *d.Below
	case c.Is == "" || c.Is != d.Is:
		return false
	case !c.deviation():
		return c.Within <= d.Within
	default:
		return c.Lasting >= d.Lasting && c.Steady >= d.Steady &&
			asks(c.Outgrows, d.Outgrows) && asks(c.Explains, d.Explains) && asks(c.Less, d.Less) && asks(c.Per, d.Per) && asks(c.Material, d.Material) &&
			asks(c.After, d.After) && asks(c.WorseSince, d.WorseSince) && asks(c.SteadySince, d.SteadySince) &&
			(len(d.After)+len(d.WorseSince)+len(d.SteadySince) == 0 || c.Within <= d.Within)
	}
}

// asks reports whether who names c has asked for what d does.
func asks(c, d signal.Names) bool { return len(d) == 0 || sameNames(c, d) }

func sameNames(a, b signal.Names) bool {
	return len(a) == len(b) && !slices.ContainsFunc(a, func(name string) bool { return !slices.Contains(b, name) })
}

// excludes reports whether one series cannot meet both conditions. Conditions with
// alternatives exclude nothing: each can be met by another signal.
func (c *Condition) excludes(d *Condition) bool {
	if len(c.Signals) != 1 || !sameNames(c.Signals, d.Signals) {
		return false
	}
	switch {
	case c.Is == IsUp:
		return d.Is == IsDown
	case c.Is == IsDown:
		return d.Is == IsUp
	case c.Above != nil && d.Below != nil:
		return *c.Above >= *d.Below
	case c.Below != nil && d.Above != nil:
		return *d.Above >= *c.Below
	default:
		return false
	}
}
