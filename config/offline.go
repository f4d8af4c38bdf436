package config

import (
	"cmp"
	"slices"
	"time"

	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v2"

	"tidemark/signal"
)

// Offline reads a configuration for samples that do not come from Prometheus:
// prometheus may be missing, a signal needs no query, and the text may be empty.
// Signals holds the names of the signals that there are samples of; a standard
// one among them need not be declared. The samples of a signal that has no query are
// averages over the window, 0 is one step. File names the text in errors, paths in it
// are relative to dir.
func Offline(file string, text []byte, dir string, signals []string, window time.Duration) (*Config, error) {
	c := &Config{}
	err := c.offline(text, dir, signals, model.Duration(window))
	return located(file, text, c, err)
}

func (c *Config) offline(text []byte, dir string, signals []string, window model.Duration) error {
	if blank(text) {
		text = []byte("{}")
	}
	if err := yaml.UnmarshalStrict(text, c); err != nil {
		return err
	}
	for _, name := range signals {
		_, standard := signal.Standard[name]
		declared := slices.ContainsFunc(c.Signals, func(s signal.Signal) bool { return s.Name == name })
		if standard && !declared {
			c.Signals = append(c.Signals, signal.Signal{Name: name})
		}
	}
	for i := range c.Signals {
		if s := &c.Signals[i]; s.Query == "" {
			s.Query = s.Name
			s.Window = cmp.Or(s.Window, window, s.Step, c.Global.EvaluationInterval)
		}
	}
	return c.finish(dir)
}
