package alerting

import (
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"
)

func notice(id string) Notice {
	return Notice{
		ID: id, Since: time.Now().Add(-time.Hour), Page: "/audit",
		Labels:      model.LabelSet{"alertname": "RedisNoeviction", "severity": "warning", "instance": model.LabelValue(id)},
		Annotations: model.LabelSet{"summary": "Redis refuses writes when it is full."},
	}
}

// TestNotices checks that notices and incidents are told of side by side, and
// that neither ends the other.
func TestNotices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		am := &fakeAlertmanager{}
		s, _ := start(t, toAlertmanagers(host), testOptions(), network{host: am})
		in := firing("CacheBypass", "shop")
		check := func(what string, want ...string) {
			t.Helper()
			sleep(5 * time.Minute) // longer than an alert lives that is not offered again
			var got []string
			for _, a := range s.Alerts() {
				state := "fires"
				if !a.EndsAt.After(time.Now()) {
					state = "resolved"
				}
				got = append(got, string(a.Labels["alertname"]+" "+a.Labels["instance"])+" "+state)
			}
			slices.Sort(got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: alerts (-want +got):\n%s", what, diff)
			}
		}
		s.Announce([]Notice{notice("a"), notice("b")})
		check("two notices", "RedisNoeviction a fires", "RedisNoeviction b fires")
		posts := am.taken()
		if len(posts) == 0 || len(posts[0].alerts) != 2 || posts[0].alerts[0].Labels["severity"] != "warning" || posts[0].alerts[0].GeneratorURL == "" {
			t.Errorf("got %+v, want both with their labels and a link", posts)
		}
		notify(s, in)
		check("and an incident", "CacheBypass  fires", "RedisNoeviction a fires", "RedisNoeviction b fires")
		s.Announce([]Notice{notice("b")})
		check("one is put right", "CacheBypass  fires", "RedisNoeviction a resolved", "RedisNoeviction b fires")
		notify(s, resolve(in))
		check("the incident is over", "CacheBypass  resolved", "RedisNoeviction a resolved", "RedisNoeviction b fires")
	})
}

// TestManyNotices checks that incidents have room beside any number of notices.
func TestManyNotices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		am := &fakeAlertmanager{}
		c := toAlertmanagers(host)
		c.QueueCapacity = 6
		s, _ := start(t, c, testOptions(), network{host: am})
		var many []Notice
		for i := range 10 {
			many = append(many, notice(strconv.Itoa(i)))
		}
		s.Announce(many)
		notify(s, firing("CacheBypass", "shop"), firing("SlowDatabase", "shop"), firing("BadDeploy", "shop"))
		count := map[model.LabelValue]int{}
		for _, a := range s.Alerts() {
			count[a.Labels["alertname"]]++
		}
		want := map[model.LabelValue]int{"CacheBypass": 1, "SlowDatabase": 1, "BadDeploy": 1, "RedisNoeviction": 3}
		if diff := cmp.Diff(want, count); diff != "" {
			t.Errorf("alerts (-want +got):\n%s", diff)
		}
	})
}
