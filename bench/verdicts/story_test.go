package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidemark/scenario"
)

const storyDir = "../../testdata/scenarios/model"

// TestStoriesAreComplete checks that each kind of fault has a story, and each story
// a file.
func TestStoriesAreComplete(t *testing.T) {
	var want []string
	for _, s := range slices.Concat(faulty, calmHours) {
		want = append(want, s.name+scenario.Ext)
	}
	for _, k := range kinds {
		if !slices.Contains(want, k.name+scenario.Ext) {
			t.Errorf("no story of %s", k.name)
		}
	}
	slices.Sort(want)
	files, err := filepath.Glob(filepath.Join(storyDir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range files {
		got = append(got, filepath.Base(f))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

// TestStoriesAreOfTheModel checks that files are what the model plays now.
func TestStoriesAreOfTheModel(t *testing.T) {
	for _, s := range slices.Concat(faulty, calmHours) {
		if s.name != "bypass_silent" && s.name != "quiet_counter_resets" {
			continue // the others take long, and change when these do
		}
		want, err := s.play(1)
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join(storyDir, s.name+scenario.Ext))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want.text(), string(got)); diff != "" {
			t.Errorf("%s is another story, write all of them anew with -write (-model +file):\n%.2000s", s.name, diff)
		}
	}
}

func TestSummedUp(t *testing.T) {
	values := make([]float64, 120)
	for i := range values {
		values[i] = 100
		if i%2 == 0 {
			values[i] *= 1.05
		}
	}
	if got, want := summed("rate", values, nil, hour), "means: '102x1', noise: 0.024"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := scenario.Notation(steps([]float64{100, 110, 119, 121, 100, 90, 0, 0, 5})), "100x2 120x1 90 0x1 5"; got != want {
		t.Errorf("steps: got %s, want %s", got, want)
	}
}
