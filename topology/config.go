package topology

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"tidemark/detector"
	"tidemark/signal"
)

// Config is the topology section: who calls whom, as written down, as metrics
// tell it, or both.
type Config struct {
	// Label is the scope label whose values are the names in the graph. Default:
	// service if it is one of the global scope, else the first one of it.
	Label string `yaml:"label,omitempty"`

	Edges   []Calls `yaml:"edges,omitempty"`
	Queries []Query `yaml:"queries,omitempty"`

	// RefreshInterval is how often the queries are asked, a multiple of the
	// evaluation interval. Default: 5m, or the next multiple of it.
	RefreshInterval model.Duration `yaml:"refresh_interval,omitempty"`
}

// Calls is an entry of edges: a service and what it calls.
type Calls struct {
	Caller string       `yaml:"caller"`
	Callee signal.Names `yaml:"callee"`
}

// Query is an entry of queries: one series for each edge. A series above zero
// says that calls were made lately.
type Query struct {
	Query  string `yaml:"query"`
	Caller string `yaml:"caller"` // the label that names the caller; default: client
	Callee string `yaml:"callee"` // default: server
}

// The labels of service graphs by OpenTelemetry and Tempo.
const (
	defaultCaller = "client"
	defaultCallee = "server"
)

const defaultRefresh = 5 * time.Minute

// UnmarshalYAML implements yaml.Unmarshaler.
func (c *Config) UnmarshalYAML(unmarshal func(any) error) error {
	*c = Config{}
	type plain Config
	if err := unmarshal((*plain)(c)); err != nil {
		return err
	}
	if len(c.Edges) == 0 && len(c.Queries) == 0 {
		return errors.New("topology: it has neither edges nor queries: write who calls whom, such as edges: [{caller: web, callee: cart}], or remove the section")
	}
	for i, e := range c.Edges {
		if err := e.check(); err != nil {
			return fmt.Errorf("topology: edges[%d]: %w", i, err)
		}
	}
	for i := range c.Queries {
		if err := c.Queries[i].complete(); err != nil {
			return fmt.Errorf("topology: queries[%d]: %w", i, err)
		}
	}
	if c.Label != "" && !model.UTF8Validation.IsValidLabelName(c.Label) {
		return fmt.Errorf("topology: label %q is not a label name: write the scope label that names a service", c.Label)
	}
	return nil
}

func (e Calls) check() error {
	switch {
	case e.Caller == "":
		return errors.New("caller is missing: write {caller: web, callee: cart}")
	case len(e.Callee) == 0 || slices.Contains(e.Callee, ""):
		return fmt.Errorf("callee of %q is missing: write one service, or a list", e.Caller)
	case slices.Contains(e.Callee, e.Caller):
		return fmt.Errorf("%q calls itself: remove it from callee", e.Caller)
	}
	return nil
}

func (q *Query) complete() error {
	if q.Caller == "" {
		q.Caller = defaultCaller
	}
	if q.Callee == "" {
		q.Callee = defaultCallee
	}
	if q.Caller == q.Callee {
		return fmt.Errorf("caller and callee are the same label %q: name the label of each", q.Caller)
	}
	for _, l := range []string{q.Caller, q.Callee} {
		if !model.UTF8Validation.IsValidLabelName(l) {
			return fmt.Errorf("%q is not a label name", l)
		}
	}
	return signal.CheckQuery(q.Query)
}

// Complete fills what depends on the rest of the configuration and checks it.
func (c *Config) Complete(scope []string, step time.Duration) error {
	if len(c.Edges) == 0 && len(c.Queries) == 0 {
		return nil
	}
	if c.Label == "" {
		switch {
		case len(scope) == 0:
			return errors.New("topology: the global scope is empty, so that services have no names: write global.scope: [service]")
		case slices.Contains(scope, "service"):
			c.Label = "service"
		default:
			c.Label = scope[0]
		}
	}
	if !slices.Contains(scope, c.Label) {
		return fmt.Errorf("topology: label %q is not one of the global scope: write one of %s", c.Label, strings.Join(scope, ", "))
	}
	if c.RefreshInterval == 0 {
		c.RefreshInterval = model.Duration((defaultRefresh + step - 1) / step * step)
	}
	if refresh := time.Duration(c.RefreshInterval); refresh < step || refresh%step != 0 {
		return fmt.Errorf("topology: refresh_interval %s is not a multiple of the evaluation interval %s", c.RefreshInterval, model.Duration(step))
	}
	return nil
}

// Static returns the edges that are written down.
func (c *Config) Static() []Edge {
	var out []Edge
	for _, e := range c.Edges {
		for _, callee := range e.Callee {
			out = append(out, Edge{e.Caller, callee})
		}
	}
	return out
}

// Signals returns the queries as signals of kind edges, so that they are read
// like everything else: live, from the history, and in a backtest. The labels
// that name caller and callee are their scope, in this order.
func (c *Config) Signals() []signal.Signal {
	var out []signal.Signal
	for i, q := range c.Queries {
		name := "service_graph"
		if i > 0 {
			name = fmt.Sprintf("service_graph_%d", i+1)
		}
		out = append(out, signal.Signal{
			Name: name, Title: "calls between services", Query: q.Query, Kind: signal.Edges,
			Component: signal.Unknown, Direction: detector.Both, Scope: []string{q.Caller, q.Callee},
			MinEffect: &detector.MinEffect{}, Step: c.RefreshInterval,
		})
	}
	return out
}
