package shop_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidemark/demo/shop"
	"tidemark/demo/shop/shoptest"
)

func TestFaultsHandler(t *testing.T) {
	h := shoptest.Open(t, steady(0.01), 1).Faults().Handler()
	call := func(method, path string) (int, []byte) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(method, path, nil))
		return w.Code, w.Body.Bytes()
	}
	on := func() (names []string) {
		t.Helper()
		_, body := call(http.MethodGet, "/faults")
		var all []shop.Fault
		if err := json.Unmarshal(body, &all); err != nil {
			t.Fatal(err)
		}
		for _, f := range all {
			if f.On != !f.Since.IsZero() {
				t.Errorf("fault %s: on is %v but since is %v", f.Name, f.On, f.Since)
			}
			if f.On {
				names = append(names, f.Name)
			}
		}
		return names
	}
	steps := []struct {
		method, path string
		code         int
		on           []string
	}{
		{http.MethodPost, "/faults/slow_database", 200, []string{"slow_database"}},
		{http.MethodPost, "/faults/cache_bypass", 200, []string{"cache_bypass", "slow_database"}},
		{http.MethodPost, "/faults/cache_bypass", 200, []string{"cache_bypass", "slow_database"}},
		{http.MethodPost, "/faults/meteor", 404, []string{"cache_bypass", "slow_database"}},
		{http.MethodDelete, "/faults/cache_bypass", 200, []string{"slow_database"}},
		{http.MethodDelete, "/faults/slow_database", 200, nil},
		{http.MethodDelete, "/faults/slow_database", 200, nil},
	}
	for _, s := range steps {
		if code, body := call(s.method, s.path); code != s.code {
			t.Errorf("%s %s: code %d, want %d: %s", s.method, s.path, code, s.code, body)
		}
		if diff := cmp.Diff(s.on, on()); diff != "" {
			t.Errorf("faults after %s %s (-want +got):\n%s", s.method, s.path, diff)
		}
	}
}
