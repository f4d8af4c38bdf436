package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"tidemark/backtest"
	"tidemark/scenario"
)

// recording is a scenario that a backtest is to leave behind; nil is none.
type recording struct {
	file      string
	configDir string
	anonymise bool
	kept      *scenario.Recorder
}

// newRecording lets a backtest show what it reads, if a scenario is asked for.
func newRecording(file, configFile string, anonymise bool, o *backtest.Options) (*recording, error) {
	if file == "" {
		if anonymise {
			return nil, errors.New("--anonymise goes with --record: name the scenario file to write")
		}
		return nil, nil
	}
	r := &recording{file, filepath.Dir(configFile), anonymise, scenario.NewRecorder(o.Config)}
	o.Read = r.kept.Keep
	return r, nil
}

// save writes the scenario, and warns if it does not tell what the backtest found.
func (r *recording) save(ctx context.Context, report *backtest.Report, stderr io.Writer) error {
	if r == nil {
		return nil
	}
	err := r.kept.Save(r.file, scenario.Recording{
		Start: report.Stats.Start, Fired: report.Incidents, ConfigDir: r.configDir, Anonymise: r.anonymise,
	})
	if err != nil {
		return err
	}
	s, err := scenario.Load(r.file)
	if err != nil {
		return fmt.Errorf("read the recording: %w", err)
	}
	result, err := s.Run(ctx)
	if err != nil {
		return fmt.Errorf("replay the recording: %w", err)
	}
	for _, p := range result.Problems {
		fmt.Fprintf(stderr, "tidemark: warning: the replay of %s differs from the backtest: %s\n", r.file, p)
	}
	return nil
}
