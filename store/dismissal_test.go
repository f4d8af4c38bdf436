package store

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"

	"tidemark/audit"
)

func TestDismissals(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	queue := audit.Dismissal{
		Check: "redis_noeviction", Labels: model.LabelSet{"instance": "queue:6379"}, By: "alice", Reason: "it is a queue", At: at(1), Until: at(100),
	}
	all := audit.Dismissal{Check: "redis_noeviction", Reason: "all are queues", At: at(2), Until: at(50)}
	longer := queue
	longer.At, longer.Until, longer.Reason = at(3), at(200), "it still is"
	for _, d := range []audit.Dismissal{queue, all, longer} {
		if err := s.Dismiss(d); err != nil {
			t.Fatal(err)
		}
	}
	s = reopen(t, s, dir)
	for _, tc := range []struct {
		name string
		at   time.Time
		want []audit.Dismissal
	}{
		{"both", at(10), []audit.Dismissal{longer, all}},
		{"one is over", at(60), []audit.Dismissal{longer}},
		{"none", at(300), nil},
	} {
		got, err := s.Dismissals(tc.at)
		if diff := cmp.Diff(tc.want, got); diff != "" || err != nil {
			t.Errorf("%s: err %v (-want +got):\n%s", tc.name, err, diff)
		}
	}
}
