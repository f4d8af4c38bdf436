package backtest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"

	"tidemark/signal"
)

func truthFile(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "incidents.yml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestLoadFaults(t *testing.T) {
	got, err := LoadFaults(truthFile(t, `# what went wrong in March
- start: 2025-03-05T13:30:00Z
  end: 2025-03-05T15:10:00+01:00
  scope: {service: shop}
  component: cache
  kind: cache_bypass
- {start: "2025-03-05T17:00:00Z", end: 2025-03-05T18:00:00Z}
`))
	if err != nil {
		t.Fatal(err)
	}
	at := func(h, m int) time.Time { return time.Date(2025, 3, 5, h, m, 0, 0, time.UTC) }
	want := []Fault{
		{at(13, 30), at(14, 10), model.LabelSet{"service": "shop"}, signal.Cache, "cache_bypass"},
		{at(17, 0), at(18, 0), nil, "", ""},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
}

func TestFaultErrorsNameTheLine(t *testing.T) {
	const good = "- {start: 2025-03-05T13:30:00Z, end: 2025-03-05T14:10:00Z}\n"
	for _, tc := range []struct{ name, text, want string }{
		{"empty", "", ": no faults: write a list of entries such as {start: "},
		{"no list", "incidents: []\n", ":1: !!map does not belong here: write a list of entries with start, end, scope, component and kind"},
		{"not YAML", "- start: [\n", "did not find"},
		{"unknown field", good + "- start: 2025-03-05T13:30:00Z\n  until: 2025-03-05T14:10:00Z\n", ":3: field until is not known here: write start, end, scope, component or kind"},
		{"no start", good + "\n- end: 2025-03-05T14:10:00Z\n", ":3: start is missing: write a time such as 2026-03-04T10:00:00Z"},
		{"no time", good + good + "- {start: 2025-03-05T13:30:00Z, end: tomorrow}\n", `:3: end "tomorrow" is not a time: write one such as`},
		{"backwards", "- {start: 2025-03-05T14:30:00Z, end: 2025-03-05T14:10:00Z}\n", ":1: end 2025-03-05T14:10:00Z is before start 2025-03-05T14:30:00Z: exchange them"},
		{"unknown component", "# redis\n- start: 2025-03-05T13:30:00Z\n  end: 2025-03-05T14:10:00Z\n  component: redis\n", `:2: component "redis" is not known: write one of [cache database`},
		{"in flow style", "[{start: x, end: y}]", `: entry 1: start "x" is not a time`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			file := truthFile(t, tc.text)
			_, err := LoadFaults(file)
			if err == nil || !strings.HasPrefix(err.Error(), file+":") || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got error %v, want one line %s…%s", err, file, tc.want)
			}
		})
	}
	if _, err := LoadFaults("/does/not/exist"); err == nil || !strings.HasPrefix(err.Error(), "truth file: ") {
		t.Errorf("a file that is missing: got error %v, want truth file: …", err)
	}
}
