package httpapi

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidemark/engine"
	"tidemark/incident"
)

func TestPostmortem(t *testing.T) {
	h := New(testOptions(t)).Handler()
	for _, tc := range []struct{ name, id string }{{"postmortem", "a1b2c3d4e5f60718"}, {"postmortem_resolved", "recent0000000001"}} {
		res, body := ask(t, h, http.MethodGet, "/incidents/"+tc.id+"/postmortem.md")
		if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "text/markdown; charset=utf-8" {
			t.Fatalf("%s: got %d %s, want 200 and Markdown: %s", tc.name, res.StatusCode, res.Header.Get("Content-Type"), body)
		}
		golden := filepath.Join("testdata", tc.name+".md")
		if *update {
			if err := os.WriteFile(golden, []byte(body), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), body); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
	}
	if res, body := ask(t, h, http.MethodGet, "/incidents/nope/postmortem.md"); res.StatusCode != http.StatusNotFound || !strings.Contains(body, "not_found") {
		t.Errorf("unknown incident: got %d %s, want 404 not_found", res.StatusCode, body)
	}
}

// TestPostmortemEscapes checks that hostile text does not become markup.
func TestPostmortemEscapes(t *testing.T) {
	o := testOptions(t)
	in := bypass()
	in.Verdict.Summary = "a | b <script>\n# heading"
	o.Engine = fakeEngine{&engine.Snapshot{Incidents: []incident.Incident{in}}}
	_, body := ask(t, New(o).Handler(), http.MethodGet, "/incidents/"+in.ID+"/postmortem.md")
	if want := `a \| b \<script\> # heading`; !strings.Contains(body, want) {
		t.Errorf("got %s\nwant %s", body, want)
	}
}
