package signal

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
)

const week = 7 * 24 * time.Hour

func TestFalseAlarmBudget(t *testing.T) {
	for _, tc := range []struct {
		name string
		s    Signal
		d    Defaults
		want float64
		cost string
	}{
		{"nothing is said", Signal{}, Defaults{}, 4.5, "in 54 weeks"},
		{"global sensitivity", Signal{}, Defaults{Sensitivity: 5}, 5, "in 4 years"},
		{"global budget", Signal{}, Defaults{FalseAlarmEvery: 8 * week}, 3.84, "in 8 weeks"},
		{"own sensitivity over a global budget", Signal{Sensitivity: 6}, Defaults{FalseAlarmEvery: 8 * week}, 6, "in more than 20 years"},
		{"own budget over a global sensitivity", Signal{FalseAlarmEvery: model.Duration(26 * week)}, Defaults{Sensitivity: 6}, 4.25, "in 26 weeks"},
		{"own budget over a global one", Signal{FalseAlarmEvery: model.Duration(week)}, Defaults{FalseAlarmEvery: 8 * week}, 3.13, "in 7 days"},
		{"a longer step", Signal{Step: model.Duration(5 * time.Minute)}, Defaults{FalseAlarmEvery: 8 * week}, 3.29, "in 8 weeks"},
		{"hardly ever", Signal{Sensitivity: 12}, Defaults{}, 12, "in more than 20 years"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.s.Name, tc.s.Query, tc.d.Step = "error_ratio", "up", time.Minute
			if err := tc.s.Complete(tc.d); err != nil {
				t.Fatal(err)
			}
			if tc.s.Sensitivity != tc.want || tc.s.FalseAlarmEvery != 0 {
				t.Errorf("sensitivity %g and %s left, want %g and none", tc.s.Sensitivity, tc.s.FalseAlarmEvery, tc.want)
			}
			if got := tc.s.FalseAlarms(); !strings.HasSuffix(got, tc.cost) {
				t.Errorf("it costs %s, want …%s", got, tc.cost)
			}
		})
	}
}
