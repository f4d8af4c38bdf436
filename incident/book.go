package incident

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"tidemark/rules"
	"tidemark/signal"
)

// Options set how patient the book is.
type Options struct {
	// Settle is how many cycles in a row must give the same diagnosis before it
	// pages, so that the first page already names the cause. Default 2.
	Settle int

	// Retention is how long a resolved incident stays in the book, to be
	// offered to receivers again. Default 15m, as in Prometheus.
	Retention time.Duration

	// HoldLimit is how long an incident is kept open although nothing is seen
	// of its evidence while the source answers: after that its series are taken
	// to be gone for good. Default 1h.
	HoldLimit time.Duration
}

// Defaults of Options.
const (
	DefaultSettle    = 2
	DefaultRetention = 15 * time.Minute
	DefaultHoldLimit = time.Hour
)

// Book holds the incidents that are open, or were until lately, at most one
// open incident for each scope. It is not safe for concurrent use.
type Book struct {
	opts   Options
	scopes map[model.Fingerprint]*page
}

// page is the book's state for one scope.
type page struct {
	scope    model.LabelSet
	open     *Incident
	seen     int       // cycles that showed the open incident's evidence
	fired    int       // cycles since it fires
	streak   int       // cycles in a row that gave the open diagnosis
	waits    time.Time // since when the open diagnosis is the best one, without a break
	rival    string    // another rule that fits better while the incident fires
	against  int       // cycles in a row for the rival
	lastOver time.Time // when evidence of the last resolved incident was last seen
	paged    string    // ID of the last incident that fired and was not suppressed
	closed   []*Incident

	partOf     *page // whose open incident this scope's trouble is part of
	carried    int   // cycles that the same trouble was seen in another scope
	challenger *page // another scope that is more suspect while the incident fires
	challenged int   // cycles in a row for the challenger
}

// NewBook returns an empty book. Zero options take their defaults.
func NewBook(o Options) *Book {
	if o.Settle <= 0 {
		o.Settle = DefaultSettle
	}
	if o.Retention <= 0 {
		o.Retention = DefaultRetention
	}
	if o.HoldLimit <= 0 {
		o.HoldLimit = DefaultHoldLimit
	}
	return &Book{opts: o, scopes: map[model.Fingerprint]*page{}}
}

// Restore puts incidents of an earlier run back. They keep their identity, and
// an open one goes on as if nothing had happened.
func (b *Book) Restore(incidents []Incident) {
	for _, in := range incidents {
		p := b.page(in.Verdict.Scope)
		if in.Open() {
			p.open = &in
			p.streak, p.waits = b.opts.Settle, in.DetectedAt
			for _, scope := range in.Verdict.Joined {
				b.page(scope).partOf = p
			}
			continue
		}
		p.closed = append(p.closed, &in)
		if in.SupersededBy != "" {
			continue
		}
		for _, scope := range append(slices.Clip(in.Verdict.Joined), in.Verdict.Scope) {
			if q := b.page(scope); in.LastSeen.After(q.lastOver) {
				q.lastOver = in.LastSeen
			}
		}
	}
}

func (b *Book) page(scope model.LabelSet) *page {
	fp := scope.Fingerprint()
	p := b.scopes[fp]
	if p == nil {
		p = &page{scope: scope}
		b.scopes[fp] = p
	}
	return p
}

// Scopes returns the scopes that have an open incident.
func (b *Book) Scopes() []model.LabelSet {
	var out []model.LabelSet
	for _, p := range b.scopes {
		if p.open != nil {
			out = append(out, p.scope)
		}
	}
	return out
}

// OpenRule returns the rule of the scope's open incident, or "".
func (b *Book) OpenRule(scope model.LabelSet) string {
	if p := b.scopes[scope.Fingerprint()]; p != nil && p.open != nil {
		return p.open.Verdict.Rule
	}
	return ""
}

// LastOver returns when evidence of the scope's last incident that is over was
// last seen, or the zero time if the book does not remember one.
func (b *Book) LastOver(scope model.LabelSet) time.Time {
	if p := b.scopes[scope.Fingerprint()]; p != nil {
		return p.lastOver
	}
	return time.Time{}
}

// Update moves the scope's incident on by one cycle.
func (b *Book) Update(ts time.Time, scope model.LabelSet, res rules.Result) {
	p := b.page(scope)
	res.Best = p.fresh(ts, res.Best)
	switch {
	case p.open == nil:
		b.begin(p, ts, res)
	case p.open.State == Pending:
		b.settle(p, ts, res)
	default:
		b.follow(p, ts, res)
	}
}

// Hold keeps every open incident as it is for a cycle in which the source could
// not be read at all.
func (b *Book) Hold() {
	for _, p := range b.scopes {
		if p.open != nil {
			p.open.Held = true
		}
	}
}

// Expire drops incidents that were resolved longer ago than the retention.
func (b *Book) Expire(ts time.Time) {
	for fp, p := range b.scopes {
		p.closed = slices.DeleteFunc(p.closed, func(in *Incident) bool {
			return ts.Sub(in.ResolvedAt) > b.opts.Retention
		})
		if p.open == nil && p.partOf == nil && len(p.closed) == 0 && ts.Sub(p.lastOver) > aftermath {
			delete(b.scopes, fp)
		}
	}
}

// Incidents returns copies of all incidents in the book: open ones first, each
// group in the order of their beginning.
func (b *Book) Incidents() []Incident {
	var out []Incident
	for _, p := range b.scopes {
		if p.open != nil {
			out = append(out, *p.open)
		}
		for _, in := range p.closed {
			out = append(out, *in)
		}
	}
	slices.SortFunc(out, func(a, b Incident) int {
		if a.Open() != b.Open() {
			if a.Open() {
				return -1
			}
			return 1
		}
		if c := a.StartedAt.Compare(b.StartedAt); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return out
}

// aftermath is how long after an incident evidence that began during it, all of
// it, is still taken for its consequence: a queue that drains, a connection pool
// that recovers. A new fault brings new evidence, whatever is left of the old.
const aftermath = time.Hour

// fresh returns a verdict, or nil if all of its evidence is aftermath. A diagnosis
// that names no cause says nothing new if any is.
func (p *page) fresh(ts time.Time, v *rules.Verdict) *rules.Verdict {
	if p.open == nil && p.partOf != nil {
		return nil
	}
	if v == nil || ts.Sub(p.lastOver) >= aftermath {
		return v
	}
	old := func(e rules.Evidence) bool { return !e.Since.After(p.lastOver) }
	if !v.NewestOnset.After(p.lastOver) || v.Suspect == signal.Unknown && slices.ContainsFunc(v.Evidence, old) {
		return nil
	}
	return v
}

func (b *Book) begin(p *page, ts time.Time, res rules.Result) {
	v := res.Best
	if v == nil {
		return
	}
	p.open = &Incident{
		ID: id(*v), State: Pending,
		StartedAt: v.Onset, DetectedAt: ts, LastSeen: ts, Verdict: *v,
	}
	p.seen, p.fired, p.streak, p.waits = 1+p.carried, 0, 1, ts
	p.carried = 0
	b.fireIfDue(p, ts)
}

// settle decides on a pending incident: the diagnosis may still change, but not
// for ever.
func (b *Book) settle(p *page, ts time.Time, res rules.Result) {
	in := p.open
	if res.Best != nil && p.waits.IsZero() {
		p.waits = ts
	}
	switch v := res.Best; {
	case v != nil && v.Rule == in.Verdict.Rule:
		p.streak++
		p.see(ts, *v)
	case v != nil:
		p.streak = 1
		if in.Verdict.For > 0 {
			p.seen = 0 // it was not undecided, it waited
		}
		in.ID, in.StartedAt = id(*v), v.Onset
		p.see(ts, *v)
	case res.Open == rules.Unseen:
		in.Held = true
		return
	case res.Open == rules.Met:
		// Hysteresis keeps it alive, but it does not become more certain, and what
		// has to last begins anew.
		p.waits = time.Time{}
		p.see(ts, *res.OpenVerdict)
		return
	default:
		p.open = nil
		b.release(p)
		return
	}
	b.fireIfDue(p, ts)
}

// patience is how many settle times a pending incident may change its mind
// before it pages with what it has.
const patience = 3

func (b *Book) fireIfDue(p *page, ts time.Time) {
	in := p.open
	settle := max(b.opts.Settle, in.Verdict.Settle)
	if in.Verdict.Plain && in.Verdict.Settle == 0 {
		settle = 1
	}
	if p.streak < settle && p.seen < patience*settle {
		return
	}
	if ts.Sub(p.waits) < in.Verdict.For {
		return
	}
	in.State = Firing
	in.FiredAt = ts
	p.rival, p.against = "", 0
}

// misdiagnosis is for how many cycles after it fires an incident may still be
// given another cause. Later, what else appears is taken for a consequence: as
// a fault ends its traces fade at different speeds, and would be named wrongly.
const misdiagnosis = 12

// follow moves a firing incident on.
func (b *Book) follow(p *page, ts time.Time, res rules.Result) {
	in := p.open
	p.fired++
	if v := res.Best; v != nil && continues(*v, in.Verdict) {
		p.rival, p.against = "", 0
		if p.fired < misdiagnosis {
			p.see(ts, v.As(in.Verdict.Rule))
		} else {
			in.LastSeen, in.Held = ts, false
		}
		return
	}
	if v := res.Best; v != nil && betters(*v, in.Verdict) && (p.fired < misdiagnosis || graver(*v, in.Verdict)) {
		if p.rival != v.Rule {
			p.rival, p.against = v.Rule, 0
		}
		if p.against++; p.against > b.opts.Settle {
			b.supersede(p, ts, *v)
			return
		}
	} else {
		p.rival, p.against = "", 0
	}
	switch res.Open {
	case rules.Met:
		p.see(ts, *res.OpenVerdict)
	case rules.Unseen:
		in.Held = true
		if ts.Sub(in.LastSeen) >= b.opts.HoldLimit {
			in.Verdict.Description += fmt.Sprintf("\nResolved because nothing was seen of its evidence for %s.", b.opts.HoldLimit)
			b.resolve(p, ts)
		}
	default:
		in.Held = false
		// While a rival is being weighed the trouble goes on under another name.
		if p.against == 0 && ts.Sub(in.LastSeen) >= in.Verdict.KeepFiringFor {
			b.resolve(p, ts)
		}
	}
}

// betters reports whether a diagnosis may take the place of one that pages
// already: an unknown cause never replaces a named one.
func betters(v, old rules.Verdict) bool {
	return v.Rule != old.Rule && v.Suspect != signal.Unknown
}

// continues reports whether a diagnosis says of the same component what else is
// wrong with it. Whoever was paged looks there already: the incident stays the one
// that it is, and takes its words while it may still have been misdiagnosed. Later
// the trouble goes on, and no more is known: a cache that is asked again is cold.
func continues(v, old rules.Verdict) bool {
	return v.Rule != old.Rule && v.Suspect == old.Suspect && v.Suspect != signal.Unknown &&
		(v.Severity == old.Severity || v.Severity != rules.Critical)
}

// graver reports whether a verdict is of trouble that began later and is worse,
// such as a fault in the middle of a surge. It may take over at any time.
func graver(v, old rules.Verdict) bool {
	return v.Severity == rules.Critical && old.Severity != rules.Critical && v.Onset.After(old.Onset)
}

// see records a cycle that shows the incident's evidence. The identity (alert,
// suspect, severity, scope) of a firing incident does not change.
func (p *page) see(ts time.Time, v rules.Verdict) {
	in := p.open
	in.LastSeen = ts
	in.Held = false
	p.seen++
	v = united(v, in.Verdict)
	v.Keep(in.Verdict)
	if in.State == Firing {
		v.Alert, v.Suspect, v.Severity, v.Scope = in.Verdict.Alert, in.Verdict.Suspect, in.Verdict.Severity, in.Verdict.Scope
		v.Onset = in.StartedAt
	}
	in.Verdict = v
}

func (b *Book) resolve(p *page, ts time.Time) {
	in := p.open
	in.State = Resolved
	in.ResolvedAt = ts
	in.Held = false
	p.challenger, p.challenged = nil, 0
	if in.SupersededBy == "" { // else the trouble goes on under another name
		p.lastOver = in.LastSeen
		b.release(p)
	}
	p.closed = append(p.closed, in)
	p.open = nil
}

// supersede ends the incident in favour of a better diagnosis of the same
// trouble, which fires at once and began when the trouble began.
func (b *Book) supersede(p *page, ts time.Time, v rules.Verdict) {
	old := p.open
	v = united(v, old.Verdict)
	if old.StartedAt.Before(v.Onset) {
		v.Onset = old.StartedAt
	}
	next := &Incident{
		ID: id(v), State: Firing,
		StartedAt: v.Onset, DetectedAt: ts, FiredAt: ts, LastSeen: ts, Verdict: v,
	}
	old.SupersededBy = next.ID
	b.resolve(p, ts)
	p.open = next
	p.streak = b.opts.Settle
	p.rival, p.against = "", 0
}

// id derives an incident's identity from its rule, scope and onset, so that two
// replicas on the same data give it the same one.
func id(v rules.Verdict) string {
	h := sha256.Sum256(fmt.Appendf(nil, "%s\xff%s\xff%d", v.Rule, v.Scope, v.Onset.UnixMilli()))
	return hex.EncodeToString(h[:8])
}
