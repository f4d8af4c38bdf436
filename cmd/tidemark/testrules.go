package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/alecthomas/kingpin/v2"

	"tidemark/api"
	"tidemark/incident"
	"tidemark/scenario"
)

// testRulesCommand declares the command test rules and returns how it is run once
// the command line is parsed.
func testRulesCommand(cmd *kingpin.Application) (*kingpin.CmdClause, func(ctx context.Context, stdout io.Writer) error) {
	c := cmd.Command("test", "Test files without a Prometheus.").
		Command("rules", "Replay scenarios, and compare the incidents that fire with those that are expected.")
	paths := c.Arg("path", "Scenario files, or directories that hold some (*"+scenario.Ext+").").Required().Strings()
	output := c.Flag("output", "Form of the result: text or json.").Default("text").Enum("text", "json")
	return c, func(ctx context.Context, stdout io.Writer) error {
		files, err := scenarioFiles(*paths)
		if err != nil {
			return err
		}
		return testRules(ctx, files, *output, stdout)
	}
}

// scenarioFiles returns the files, and those in and under the directories.
func scenarioFiles(paths []string) ([]string, error) {
	var files []string
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return nil, fmt.Errorf("scenarios: %w", err)
		}
		if !info.IsDir() {
			files = append(files, path)
			continue
		}
		before := len(files)
		err = filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && filepath.Ext(name) == scenario.Ext {
				files = append(files, name)
			}
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("scenarios: %w", err)
		}
		if len(files) == before {
			return nil, fmt.Errorf("there is no scenario in %s: their names end in %s", path, scenario.Ext)
		}
	}
	return files, nil
}

// tested is what came of a file, in JSON. Its field names are a contract.
type tested struct {
	File      string         `json:"file"`
	Passed    bool           `json:"passed"`
	Error     api.Reference  `json:"error"` // why it could not be replayed
	Problems  []string       `json:"problems"`
	Incidents []api.Incident `json:"incidents"`
}

func testRules(ctx context.Context, files []string, output string, stdout io.Writer) error {
	all := make([]tested, 0, len(files))
	failed := 0
	for _, file := range files {
		one := testFile(ctx, file)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if !one.Passed {
			failed++
		}
		if output == "text" {
			one.write(stdout)
		}
		all = append(all, one)
	}
	if output == "json" {
		enc := json.NewEncoder(stdout)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		if err := enc.Encode(struct {
			Scenarios []tested `json:"scenarios"`
		}{all}); err != nil {
			return fmt.Errorf("write the result: %w", err)
		}
	}
	if failed > 0 {
		return errors.New(counted(failed, len(files)))
	}
	return nil
}

func counted(failed, of int) string {
	if of == 1 {
		return "the scenario failed"
	}
	return fmt.Sprintf("%d of %d scenarios failed", failed, of)
}

func testFile(ctx context.Context, file string) tested {
	one := tested{File: file, Problems: []string{}, Incidents: []api.Incident{}}
	s, err := scenario.Load(file)
	if err == nil {
		var r *scenario.Result
		if r, err = s.Run(ctx); err == nil {
			one.Passed = len(r.Problems) == 0
			one.Problems = append(one.Problems, r.Problems...)
			one.Incidents = api.Forms(r.Fired, func(in incident.Incident) api.Incident { return api.IncidentOf(in, in.Verdict.Runbook) })
		}
	}
	if err != nil {
		one.Error = api.Reference(err.Error())
	}
	return one
}

// write says in text what came of the file.
func (t tested) write(w io.Writer) {
	if t.Passed {
		fmt.Fprintf(w, "PASS  %s\n", t.File)
		return
	}
	fmt.Fprintf(w, "FAIL  %s\n", t.File)
	if t.Error != "" {
		fmt.Fprintf(w, "      %s\n", t.Error)
	}
	for _, p := range t.Problems {
		fmt.Fprintf(w, "      %s\n", p)
	}
}
