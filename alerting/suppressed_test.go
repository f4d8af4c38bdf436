package alerting

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestSuppressed checks that a suppressed incident is not sent, is sent from when
// it pages on, and ends for the receivers when a reload suppresses it.
func TestSuppressed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		am := &fakeAlertmanager{}
		s, _ := start(t, toAlertmanagers(host), testOptions(), network{host: am})
		in := firing("CacheBypass", "shop")
		in.SuppressedBy = "mine"
		notify(s, in)
		sleep(3 * time.Minute)
		if posts := am.taken(); len(posts) != 0 {
			t.Errorf("got %d requests, want none about what is suppressed", len(posts))
		}
		in.SuppressedBy = ""
		notify(s, in)
		sleep(30 * time.Second)
		posts := am.taken()
		if len(posts) != 1 || !posts[0].alerts[0].StartsAt.Equal(clamp(in.StartedAt, in.StartedAt)) || !posts[0].alerts[0].EndsAt.After(time.Now()) {
			t.Fatalf("got %+v, want one that fires since its onset", posts)
		}
		in.SuppressedBy = "mine"
		notify(s, in)
		sleep(30 * time.Second)
		posts = am.taken()
		if len(posts) == 0 || posts[len(posts)-1].alerts[0].EndsAt.After(time.Now()) {
			t.Errorf("got %+v, want that it is over", posts)
		}
	})
}
