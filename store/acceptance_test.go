package store

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"

	"tidemark/incident"
)

func TestAcceptances(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	accept := func(a ...incident.Acceptance) {
		t.Helper()
		if err := s.Accept(a); err != nil {
			t.Fatal(err)
		}
	}
	one := incident.Acceptance{At: at(1), By: "alice", Signal: "latency_p99", Labels: model.LabelSet{"service": "shop"}}
	two := incident.Acceptance{At: at(2), Signal: "error_ratio", Labels: model.LabelSet{"service": "blog"}}
	old := one
	old.At = at(0).Add(-DefaultRetention)
	accept(two)
	accept(one, two, old)
	s = reopen(t, s, dir)
	check := func(want ...incident.Acceptance) {
		t.Helper()
		got, err := s.Acceptances()
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("err %v (-want +got):\n%s", err, diff)
		}
	}
	check(old, one, two)
	s.pruned = time.Time{}
	save(t, s, nil, nil, nil)
	check(one, two)
}
