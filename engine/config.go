package engine

import (
	"fmt"
	"os"
	"time"

	"github.com/prometheus/common/model"

	"tidemark/detector"
	"tidemark/signal"
)

// Config is the global section of the configuration file.
type Config struct {
	// EvaluationInterval is the distance between cycles and the step of the
	// grid on which series are read.
	EvaluationInterval model.Duration `yaml:"evaluation_interval"`

	// QueryOffset is how far the newest slot lies behind the wall clock, so
	// that scrapes and remote writes have arrived.
	QueryOffset model.Duration `yaml:"query_offset"`

	// Scope names the labels that anomalies must share to belong to one
	// incident, and that its alert carries.
	Scope []string `yaml:"scope"`

	// TimeZone is the zone whose days and weeks people live by: an IANA name.
	TimeZone string `yaml:"time_zone"`

	// HolidaysFile lists days that are like another weekday; Holidays is what
	// it says. The path is relative to the configuration file.
	HolidaysFile string            `yaml:"holidays_file,omitempty"`
	Holidays     detector.Holidays `yaml:"-"`

	// ExternalLabels are added to every alert; ${ENV} is replaced by the
	// variable of that name.
	ExternalLabels model.LabelSet `yaml:"external_labels,omitempty"`

	// Sensitivity is how surprising a signal must be by itself to be an
	// anomaly. It is 0 if FalseAlarmEvery is set instead: the period in which
	// a healthy series may have about one false alarm.
	Sensitivity     float64        `yaml:"sensitivity,omitempty"`
	FalseAlarmEvery model.Duration `yaml:"false_alarm_every,omitempty"`

	RelearnAfter model.Duration `yaml:"relearn_after"`
	Settle       int            `yaml:"settle"` // cycles that must agree before a page

	location *time.Location
}

// DefaultConfig is what holds where the file says nothing.
var DefaultConfig = Config{
	EvaluationInterval: model.Duration(time.Minute),
	QueryOffset:        model.Duration(15 * time.Second),
	Scope:              []string{"service"},
	TimeZone:           "UTC",
	Sensitivity:        detector.DefaultSensitivity,
	RelearnAfter:       model.Duration(detector.DefaultRelearnAfter),
	Settle:             2,
	location:           time.UTC,
}

// UnmarshalYAML implements yaml.Unmarshaler.
func (c *Config) UnmarshalYAML(unmarshal func(any) error) error {
	*c = DefaultConfig
	type plain Config
	if err := unmarshal((*plain)(c)); err != nil {
		return err
	}
	if c.FalseAlarmEvery != 0 {
		if err := c.budget(unmarshal); err != nil {
			return fmt.Errorf("global: %w", err)
		}
	}
	switch {
	case c.EvaluationInterval < model.Duration(time.Second):
		return fmt.Errorf("global: evaluation_interval %s is too short: write 1s or more", c.EvaluationInterval)
	case c.Settle < 1 || c.Settle > 100:
		return fmt.Errorf("global: settle %d is not between 1 and 100 cycles", c.Settle)
	case c.FalseAlarmEvery == 0 && !(c.Sensitivity >= 2 && c.Sensitivity <= 12):
		return fmt.Errorf("global: sensitivity %g is not between 2 (eager) and 12 (quiet): %g is the default", c.Sensitivity, detector.DefaultSensitivity)
	case c.RelearnAfter < c.EvaluationInterval:
		return fmt.Errorf("global: relearn_after %s is shorter than evaluation_interval: write a few hours", c.RelearnAfter)
	}
	loc, err := time.LoadLocation(c.TimeZone)
	if err != nil {
		return fmt.Errorf("global: time_zone %q is not known: write an IANA name such as Europe/Berlin", c.TimeZone)
	}
	c.location = loc
	for _, l := range c.Scope {
		if !model.LegacyValidation.IsValidLabelName(l) {
			return fmt.Errorf("global: scope label %q is not a label name", l)
		}
	}
	return c.expandExternalLabels()
}

// budget lets the budget of false alarms take the place of the sensitivity's
// default; both of them is an error.
func (c *Config) budget(unmarshal func(any) error) error {
	var given map[string]any
	if err := unmarshal(&given); err != nil {
		return err
	}
	if _, both := given["sensitivity"]; both {
		return signal.ErrBudgetAndSensitivity
	}
	c.Sensitivity = 0
	return signal.CheckBudget(c.FalseAlarmEvery)
}

func (c *Config) expandExternalLabels() error {
	for name, value := range c.ExternalLabels {
		if !model.LegacyValidation.IsValidLabelName(string(name)) {
			return fmt.Errorf("global: external label %q is not a label name", name)
		}
		missing := ""
		expanded := os.Expand(string(value), func(env string) string {
			if env == "$" {
				return "$"
			}
			v, ok := os.LookupEnv(env)
			if !ok {
				missing = env
			}
			return v
		})
		if missing != "" {
			return fmt.Errorf("global: external label %s: the environment variable %s is not set: set it, or write $$ for a dollar sign", name, missing)
		}
		c.ExternalLabels[name] = model.LabelValue(expanded)
	}
	return nil
}

// Location returns the configured time zone, UTC if there is none.
func (c Config) Location() *time.Location {
	if c.location == nil {
		return time.UTC
	}
	return c.location
}
