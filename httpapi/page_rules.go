package httpapi

import (
	"fmt"
	"net/http"
	"slices"

	"tidemark/engine"
	"tidemark/incident"
	"tidemark/rules"
)

// ruleView is a rule, and whether the configured signals let it be judged.
type ruleView struct {
	*rules.Rule
	State   string // inactive, pending or firing
	Parts   []rulePart
	Missing []string // what it needs and no configured signal can tell
}

// rulePart is one of the rule's lists of conditions.
type rulePart struct {
	Title      string
	Conditions []conditionView
}

type conditionView struct {
	Text string
	Seen string // "", "not configured" or "cannot be read"
}

func (a *API) rulesPage(w http.ResponseWriter, _ *http.Request) {
	s := a.opts.Engine.Snapshot()
	views := formsOf(a.opts.Configuration.Rules(), func(r *rules.Rule) ruleView { return ruleViewOf(r, s) })
	a.show(w, http.StatusOK, "rules", frame{Title: "Rules", Section: "/rules", Page: views})
}

func ruleViewOf(r *rules.Rule, s *engine.Snapshot) ruleView {
	v := ruleView{Rule: r, State: ruleState(r.Name, s)}
	look := func(c rules.Condition) conditionView { return conditionView{conditionText(c), seen(c, s)} }
	for _, part := range []struct {
		title string
		of    []rules.Condition
	}{
		{"All of", r.All},
		{fmt.Sprintf("At least %d of", r.AnyMin), r.Any},
		{"None of", r.None},
		{"Supported by", r.Support},
	} {
		if len(part.of) > 0 {
			v.Parts = append(v.Parts, rulePart{part.title, formsOf(part.of, look)})
		}
	}
	for _, c := range r.All {
		if seen(c, s) == notConfigured {
			v.Missing = append(v.Missing, conditionText(c))
		}
	}
	configured := slices.DeleteFunc(slices.Clone(r.Any), func(c rules.Condition) bool { return seen(c, s) == notConfigured })
	if len(configured) < r.AnyMin {
		v.Missing = append(v.Missing, anyText(r))
	}
	return v
}

// ruleState is the furthest state of the rule's incidents.
func ruleState(name string, s *engine.Snapshot) string {
	state := "inactive"
	for _, in := range s.Incidents {
		if in.Verdict.Rule == name && alerts(in) && state != string(incident.Firing) {
			state = string(in.State)
		}
	}
	return state
}

const (
	notConfigured = "not configured"
	unreadable    = "cannot be read"
)

// seen tells whether any of the condition's signals can be seen.
func seen(c rules.Condition, s *engine.Snapshot) string {
	result := notConfigured
	for _, status := range s.Signals {
		if !slices.Contains(c.Signals, status.Signal.Name) {
			continue
		}
		if status.Err == nil {
			return ""
		}
		result = unreadable
	}
	return result
}
