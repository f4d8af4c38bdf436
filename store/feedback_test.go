package store

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidemark/incident"
)

func TestFeedback(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	one := incident.Feedback{At: at(1), Verdict: incident.False, Comment: "the import", Author: "alice"}
	later := one
	later.At = at(2)
	other := incident.Feedback{At: at(3), Verdict: incident.Useful}
	for _, tc := range []struct {
		name    string
		id      string
		f, want incident.Feedback
		created bool
	}{
		{"the first", "a", one, one, true},
		{"the same again", "a", later, one, false},
		{"on another incident", "b", other, other, true},
		{"of another mind", "a", other, other, true},
		{"back again", "a", later, later, true},
	} {
		got, created, err := s.RecordFeedback(tc.id, tc.f)
		if diff := cmp.Diff(tc.want, got); diff != "" || created != tc.created || err != nil {
			t.Errorf("%s: created %v, err %v (-want +got):\n%s", tc.name, created, err, diff)
		}
	}
	s = reopen(t, s, dir)
	got, err := s.Feedback()
	if diff := cmp.Diff(map[string]incident.Feedback{"a": later, "b": other}, got); diff != "" || err != nil {
		t.Errorf("err %v (-want +got):\n%s", err, diff)
	}
}
