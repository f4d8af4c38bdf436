package audit

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"

	"tidemark/rules"
	"tidemark/series"
)

// Source answers queries.
type Source interface {
	// ReadAt evaluates an expression as of ts and returns the series that have
	// a finite value then, each with one slot. It may block for as long as a
	// query may take.
	ReadAt(ctx context.Context, expr string, ts time.Time) ([]series.Series, error)
}

// State is what became of a check.
type State string

// The states.
const (
	OK            State = "ok"             // asked, and nothing is wrong
	Found         State = "finding"        // something is wrong
	NotApplicable State = "not_applicable" // its metrics do not exist
	Failed        State = "error"          // it could not be asked; its last findings stay
)

// States lists all states.
var States = []State{OK, Found, NotApplicable, Failed}

// Finding is one series that is not as it should be.
type Finding struct {
	ID       string // the same for the same check and labels
	Labels   model.LabelSet
	Value    float64
	Evidence string
	Since    time.Time // of the first audit in a row that found it
}

// Result is what became of one check.
type Result struct {
	Check    *Check
	State    State
	Err      error // why it could not be asked
	Findings []Finding
	More     int // findings beyond maxFindings, which are left out
}

// Report is the outcome of one audit. It is immutable.
type Report struct {
	Time    time.Time
	Results []Result // in the order of the checks
}

// maxFindings bounds the findings of one check, each of which is an alert.
const maxFindings = 50

// Options are what an auditor needs.
type Options struct {
	Checks     []Check // complete, as of Load
	Source     Source
	Before     *Report // of an auditor that this one replaces, for Since; nil is none
	Registerer prometheus.Registerer
}

// Auditor runs audits.
type Auditor struct {
	checks  []Check
	source  Source
	report  atomic.Pointer[Report]
	before  *Report
	metrics *metrics
}

// New returns an auditor that has found nothing yet.
func New(o Options) *Auditor {
	return &Auditor{checks: o.Checks, source: o.Source, before: o.Before, metrics: newMetrics(o.Registerer, o.Checks)}
}

// Report returns the newest audit, nil before the first is over. It may be
// called from any goroutine.
func (a *Auditor) Report() *Report { return a.report.Load() }

// Run asks all checks as of ts, one after the other. Changes are those that
// were announced. If ctx is done before the end, the old report stays. Calls
// must not overlap.
func (a *Auditor) Run(ctx context.Context, ts time.Time, changes []rules.Change) (*Report, error) {
	past := a.before
	if r := a.Report(); r != nil {
		past = r
	}
	next := &Report{Time: ts}
	for i := range a.checks {
		r := a.ask(ctx, &a.checks[i], ts, changes)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		r.follow(past)
		next.Results = append(next.Results, r)
	}
	a.report.Store(next)
	a.metrics.set(next)
	return next, nil
}

// ask runs one check.
func (a *Auditor) ask(ctx context.Context, c *Check, ts time.Time, changes []rules.Change) Result {
	r := Result{Check: c, State: OK}
	fail := func(err error) Result {
		return Result{Check: c, State: Failed, Err: fmt.Errorf("query of %s: %w", c.ID, err)}
	}
	wrong, err := a.source.ReadAt(ctx, c.Query, ts)
	if err != nil {
		return fail(err)
	}
	if len(wrong) == 0 {
		there, err := a.source.ReadAt(ctx, c.exists, ts)
		if err != nil {
			return fail(err)
		}
		if len(there) == 0 {
			r.State = NotApplicable
		}
		return r
	}
	for _, s := range wrong {
		if c.UnlessAnnounced > 0 && c.announced(s.Labels, ts, changes) {
			continue
		}
		r.State = Found
		if len(r.Findings) == maxFindings {
			r.More++
			continue
		}
		evidence, err := c.describe(s.Labels, s.Values[0])
		if err != nil {
			return fail(err)
		}
		r.Findings = append(r.Findings, Finding{ID: id(c, s.Labels), Labels: s.Labels, Value: s.Values[0], Evidence: evidence, Since: ts})
	}
	return r
}

// follow takes over from the report before what still holds: since when a
// finding is there, and the findings of a check that cannot be asked now.
func (r *Result) follow(past *Report) {
	if past == nil {
		return
	}
	for _, old := range past.Results {
		if old.Check.ID != r.Check.ID {
			continue
		}
		if r.State == Failed {
			r.Findings, r.More = old.Findings, old.More
			return
		}
		for i := range r.Findings {
			for _, f := range old.Findings {
				if f.ID == r.Findings[i].ID {
					r.Findings[i].Since = f.Since
				}
			}
		}
	}
}

func id(c *Check, labels model.LabelSet) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\xff%s", c.ID, labels))
	return hex.EncodeToString(sum[:8])
}
