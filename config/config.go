// Package config reads the configuration file, composes the sections that the
// other packages own, and checks what concerns more than one of them.
//
// Every error is one line that names the file, the line or the entry, and says
// what to write instead. Secrets are redacted when a configuration is printed.
package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v2"

	"tidemark/alerting"
	"tidemark/audit"
	"tidemark/engine"
	"tidemark/ingest"
	"tidemark/rules"
	"tidemark/signal"
	"tidemark/suppression"
	"tidemark/topology"
)

// Config is the whole configuration file. Without signals it is valid, and waits
// for those that are discovered (With).
type Config struct {
	Global     engine.Config   `yaml:"global"`
	Prometheus ingest.Config   `yaml:"prometheus"`
	Signals    []signal.Signal `yaml:"signals"`
	RuleFiles  []string        `yaml:"rule_files,omitempty"`
	Alerting   alerting.Config `yaml:"alerting"`
	Audit      audit.Config    `yaml:"audit"`
	Topology   topology.Config `yaml:"topology,omitempty"`

	Suppressions suppression.List `yaml:"suppressions,omitempty"`

	// Rules are the built-in rules and those of the rule files.
	Rules *rules.Set `yaml:"-"`

	// Checks are those of the audit's packs and files.
	Checks []audit.Check `yaml:"-"`
}

// UnmarshalYAML implements yaml.Unmarshaler.
func (c *Config) UnmarshalYAML(unmarshal func(any) error) error {
	*c = Config{
		Global:     engine.DefaultConfig,
		Prometheus: ingest.DefaultConfig,
		Alerting:   alerting.DefaultConfig,
		Audit:      audit.DefaultConfig,
	}
	type plain Config
	return unmarshal((*plain)(c))
}

// String returns the configuration as YAML, without secrets.
func (c *Config) String() string {
	shown := *c
	shown.Signals = slices.DeleteFunc(slices.Clone(c.Signals), func(s signal.Signal) bool { return s.Kind == signal.Edges })
	text, err := yaml.Marshal(&shown)
	if err != nil {
		return fmt.Sprintf("# the configuration cannot be shown: %v\n", err)
	}
	return string(text)
}

// Load reads and checks the file and the rule files that it names.
func Load(file string) (*Config, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("configuration file: %w", err)
	}
	c, err := parse(text, filepath.Dir(file))
	return located(file, text, c, err)
}

// located returns the configuration, or the error with the place where it is.
func located(file string, text []byte, c *Config, err error) (*Config, error) {
	if other := (fileError{}); errors.As(err, &other) {
		return nil, err
	}
	if err != nil {
		return nil, locate(file, text, err)
	}
	return c, nil
}

func parse(text []byte, dir string) (*Config, error) {
	if blank(text) {
		return nil, errors.New("the file is empty: write at least prometheus.url")
	}
	c := &Config{}
	if err := yaml.UnmarshalStrict(text, c); err != nil {
		return nil, err
	}
	if c.Prometheus.URL.URL == nil {
		return nil, errors.New("prometheus: url is missing: write url: http://127.0.0.1:9090")
	}
	return c, c.finish(dir)
}

// finish completes what was decoded, checks it, and reads the files that it
// names.
func (c *Config) finish(dir string) error {
	if err := c.complete(); err != nil {
		return err
	}
	c.Prometheus.HTTPClientConfig.SetDirectory(dir)
	c.Alerting.SetDirectory(dir)
	var err error
	if c.Global.Holidays, err = loadHolidays(dir, c.Global.HolidaysFile); err != nil {
		return err
	}
	if c.Checks, err = c.loadChecks(dir); err != nil {
		return err
	}
	if c.Rules, err = c.loadRules(dir); err != nil {
		return err
	}
	return c.Suppressions.Check(c.Rules, c.Signals)
}

// blank reports whether the text holds no YAML at all: nothing but space,
// comments and document marks.
func blank(text []byte) bool {
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && line != "---" && line != "null" && line != "{}" && line[0] != '#' {
			return false
		}
	}
	return true
}

// complete fills the signals' defaults and checks them against each other. Those
// that tell the service graph are added to them.
func (c *Config) complete() error {
	if err := c.Topology.Complete(c.Global.Scope, time.Duration(c.Global.EvaluationInterval)); err != nil {
		return err
	}
	defaults := signal.Defaults{
		Scope:       c.Global.Scope,
		Step:        time.Duration(c.Global.EvaluationInterval),
		Sensitivity: c.Global.Sensitivity,

		FalseAlarmEvery: time.Duration(c.Global.FalseAlarmEvery),
	}
	if err := c.Suppressions.Complete(c.Global.Location()); err != nil {
		return err
	}
	byName := map[string]*signal.Signal{}
	for i := range c.Signals {
		s := &c.Signals[i]
		if err := s.Complete(defaults); err != nil {
			return fmt.Errorf("signals[%d]: %w", i, err)
		}
		if byName[s.Name] != nil {
			return fmt.Errorf("signals[%d]: signal %q is declared twice: names are unique", i, s.Name)
		}
		byName[s.Name] = s
	}
	for i := range c.Signals {
		s := &c.Signals[i]
		std := signal.Standard[s.Name]
		if load := byName[std.Given]; s.Given == "" && load != nil && load.Step == s.Step && s.Kind == std.Kind {
			s.Given = std.Given
		}
		if s.Given == signal.NoGiven {
			s.Given = ""
		}
		if s.Given == "" {
			continue
		}
		load := byName[s.Given]
		switch {
		case load == nil:
			return fmt.Errorf("signals[%d]: signal %q: given names the unknown signal %q: declare it, or remove given", i, s.Name, s.Given)
		case !load.Judged():
			return fmt.Errorf("signals[%d]: signal %q: given names %q, which is of kind change: name a load such as request_rate", i, s.Name, s.Given)
		case load.Step != s.Step:
			return fmt.Errorf("signals[%d]: signal %q: given names %q, whose step is %s instead of %s: use the same step", i, s.Name, s.Given, load.Step, s.Step)
		}
	}
	if len(c.Signals) == 0 {
		return nil // they are discovered
	}
	for _, s := range c.Topology.Signals() {
		if byName[s.Name] != nil {
			return fmt.Errorf("signal %q: the name is kept for the queries of the section topology: choose another one", s.Name)
		}
		c.Signals = append(c.Signals, s)
	}
	return nil
}

func (c *Config) loadRules(dir string) (*rules.Set, error) {
	builtin, err := rules.Builtin()
	if err != nil {
		return nil, err
	}
	var files []string
	for _, pattern := range c.RuleFiles {
		path := pattern
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		found, err := filepath.Glob(path)
		if err != nil {
			return nil, fmt.Errorf("rule_files: pattern %q: %w", pattern, err)
		}
		if len(found) == 0 && !strings.ContainsAny(pattern, "*?[") {
			return nil, fmt.Errorf("rule_files: %q does not exist: correct the path, it is relative to the configuration file", pattern)
		}
		files = append(files, found...)
	}
	var set *rules.Set
	if len(c.Signals) > 0 {
		set, err = rules.Check(builtin, files, c.Signals)
	} else { // they are checked once they are known
		set, err = rules.Load(builtin, files)
	}
	if err != nil {
		return nil, fileError{err}
	}
	return set, nil
}

// With returns the configuration with the given signals, not yet complete, and
// the labels of the global scope in place of its own. It is for a configuration
// without signals, once they are discovered.
func (c *Config) With(scope []string, signals []signal.Signal) (*Config, error) {
	next := *c
	next.Global.Scope = scope
	next.Signals = slices.Clone(signals)
	if err := next.complete(); err != nil {
		return nil, err
	}
	if err := next.Rules.CheckSignals(next.Signals); err != nil {
		return nil, err
	}
	return &next, next.Suppressions.Check(next.Rules, next.Signals)
}

var (
	unknownField = regexp.MustCompile(`field (\S+) not found in type \S+`)
	entryName    = regexp.MustCompile(`^(?:signals|suppressions)\[\d+\]: (?:signal|suppression) "([^"]+)"|^suppression "([^"]+)"`)
	yamlLine     = regexp.MustCompile(`line (\d+): `)
)

// locate puts the file, and the line where it can be told, in front of an
// error, and makes one line of it.
func locate(file string, text []byte, err error) error {
	msg := err.Error()
	var t *yaml.TypeError
	if errors.As(err, &t) && len(t.Errors) > 0 {
		msg = t.Errors[0]
	}
	msg = strings.TrimPrefix(msg, "yaml: ")
	msg = unknownField.ReplaceAllString(msg, "field $1 is not known here: remove it, or correct its name or indentation")
	msg = strings.ReplaceAll(msg, "\n", " ")
	if m := yamlLine.FindStringSubmatch(msg); m != nil {
		return fmt.Errorf("%s:%s: %s", file, m[1], strings.Replace(msg, m[0], "", 1))
	}
	if m := entryName.FindStringSubmatch(msg); m != nil {
		if n := lineOf(text, m[1]+m[2], strings.Contains(msg, "declared twice")); n > 0 {
			return fmt.Errorf("%s:%d: %s", file, n, msg)
		}
	}
	return fmt.Errorf("%s: %s", file, msg)
}

// lineOf returns the line that declares what has the name (the last such line if
// so asked), counted from 1, or 0.
func lineOf(text []byte, name string, last bool) int {
	re := regexp.MustCompile(`^\s*-?\s*\{?\s*name:\s*["']?` + regexp.QuoteMeta(name) + `\b`)
	n, found := 0, 0
	for line := range strings.Lines(string(text)) {
		n++
		if re.MatchString(line) && (found == 0 || last) {
			found = n
		}
	}
	return found
}
