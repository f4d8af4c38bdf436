package incident

import (
	"slices"
	"time"

	"github.com/prometheus/common/model"

	"tidemark/rules"
)

// Lead returns which of several scopes in the same trouble speaks for all of
// them in this cycle. They are given the most suspect first, best is the verdict
// on that one. A scope whose incident fires already goes on speaking, unless in
// the incident's first cycles another scope has been more suspect for a while:
// then the incident gives way to one there.
func (b *Book) Lead(ts time.Time, scopes []model.LabelSet, best *rules.Verdict) model.LabelSet {
	first := b.page(scopes[0])
	var p *page // whose incident fires, for the longest
	for _, scope := range scopes {
		if q := b.page(scope); q.firing() && (p == nil || q.open.FiredAt.Before(p.open.FiredAt)) {
			p = q
		}
	}
	switch p {
	case nil:
		if first.partOf != nil && !first.partOf.firing() {
			first.partOf = nil // nobody has heard of the other one yet
		}
		for _, scope := range scopes[1:] {
			if q := b.page(scope); q.open != nil {
				first.carried = max(first.carried, q.seen)
			}
		}
		return scopes[0]
	case first:
		p.challenger, p.challenged = nil, 0
		return p.scope
	}
	if p.challenger != first {
		p.challenger, p.challenged = first, 0
	}
	p.challenged++
	if best == nil || p.challenged <= b.opts.Settle || p.fired >= misdiagnosis {
		return p.scope
	}
	b.move(p, first, ts, *best)
	return first.scope
}

// Join makes the trouble of a scope part of the open incident of the scope that
// leads: its own incident, if it has one, gives way, and until the other one is
// over none begins. It returns false, and does nothing, if there is no incident
// that it could be part of: the scope then goes on by itself.
func (b *Book) Join(ts time.Time, scope, lead model.LabelSet) bool {
	p, l := b.page(scope), b.page(lead)
	switch {
	case p == l || l.open == nil:
		return false
	case p.firing() && !l.firing():
		return false
	case p.firing():
		p.open.SupersededBy = l.open.ID
		b.resolve(p, ts)
		b.hand(p, l)
	case p.open != nil:
		if p.open.DetectedAt.Before(l.open.DetectedAt) {
			l.open.DetectedAt = p.open.DetectedAt
		}
		p.open = nil
		b.hand(p, l)
	}
	p.partOf = l
	return true
}

// hand makes what was part of one page's incident part of another's.
func (b *Book) hand(from, to *page) {
	for _, p := range b.scopes {
		if p.partOf == from {
			p.partOf = to
		}
	}
	to.partOf = nil
}

// Open returns the scope's open incident, and false if there is none.
func (b *Book) Open(scope model.LabelSet) (Incident, bool) {
	if p := b.scopes[scope.Fingerprint()]; p != nil && p.open != nil {
		return *p.open, true
	}
	return Incident{}, false
}

// Fires reports whether the scope has an incident that fires.
func (b *Book) Fires(scope model.LabelSet) bool {
	p := b.scopes[scope.Fingerprint()]
	return p != nil && p.firing()
}

func (p *page) firing() bool { return p.open != nil && p.open.State == Firing }

// move ends the incident of a page in favour of one of another scope, which
// fires at once and began when the trouble began.
func (b *Book) move(from, to *page, ts time.Time, v rules.Verdict) {
	old := from.open
	if !to.firing() {
		if old.StartedAt.Before(v.Onset) {
			v.Onset = old.StartedAt
		}
		to.open = &Incident{
			ID: id(v), State: Firing,
			StartedAt: v.Onset, DetectedAt: ts, FiredAt: ts, LastSeen: ts, Verdict: v,
		}
		to.seen, to.fired, to.streak = 1, 0, b.opts.Settle
		to.rival, to.against = "", 0
	}
	old.SupersededBy = to.open.ID
	b.resolve(from, ts)
	b.hand(from, to)
	from.partOf = to
	from.challenger, from.challenged = nil, 0
}

// release lets the scopes that were part of a page's incident, which is over, have
// incidents of their own again: what began by then was part of it.
func (b *Book) release(l *page) {
	for _, p := range b.scopes {
		if p.partOf == l {
			p.partOf = nil
			if l.lastOver.After(p.lastOver) {
				p.lastOver = l.lastOver
			}
		}
	}
}

// united adds what the verdict before knew of other scopes: they recover at
// different times, and have been part of it all the same. Of two rankings the one
// of more services is kept.
func united(v, before rules.Verdict) rules.Verdict {
	v.Joined = slices.Clip(v.Joined)
	for _, scope := range before.Joined {
		if !slices.ContainsFunc(v.Joined, scope.Equal) {
			v.Joined = append(v.Joined, scope)
		}
	}
	v.Callers = slices.Clip(v.Callers)
	for _, name := range before.Callers {
		if !slices.Contains(v.Callers, name) {
			v.Callers = append(v.Callers, name)
		}
	}
	if len(before.Suspects) > len(v.Suspects) {
		v.Suspects = before.Suspects
	}
	return v
}
