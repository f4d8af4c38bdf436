package backtest

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const written = `# how we watch
global:
  sensitivity: 4.5
signals:
  # what users feel
  - name: request_rate
    query: sum(rate(http_requests_total[5m]))

  - name: latency_p99  # the slow ones
    query: |
      histogram_quantile(0.99, x)
    sensitivity: 5 # was too eager
  - query: a
    false_alarm_every: 8w
    name: db_qps
  - {name: db_errors, query: 'sum(x{a="b"})', sensitivity: 4}
  - {name: "cache_up", query: up} # short
  - {name: db_latency, query: y}
rule_files: []
alerting:
  routes:
    - name: request_rate
`

func TestPatch(t *testing.T) {
	got, err := Patch("tidemark.yml", strings.Replace(written, "alerting:\n  routes:\n    - name: request_rate\n", "", 1), map[string]float64{
		"request_rate": 5, "latency_p99": 5.5, "db_qps": 5.24, "db_errors": 6, "cache_up": 7,
	})
	if err != nil {
		t.Fatal(err)
	}
	want := `--- tidemark.yml
+++ tidemark.yml
@@ -3,17 +3,18 @@
   sensitivity: 4.5
 signals:
   # what users feel
   - name: request_rate
+    sensitivity: 5
     query: sum(rate(http_requests_total[5m]))
 
   - name: latency_p99  # the slow ones
     query: |
       histogram_quantile(0.99, x)
-    sensitivity: 5 # was too eager
+    sensitivity: 5.5 # was too eager
   - query: a
-    false_alarm_every: 8w
+    sensitivity: 5.24
     name: db_qps
-  - {name: db_errors, query: 'sum(x{a="b"})', sensitivity: 4}
+  - {name: db_errors, query: 'sum(x{a="b"})', sensitivity: 6}
-  - {name: "cache_up", query: up} # short
+  - {name: "cache_up", query: up, sensitivity: 7} # short
   - {name: db_latency, query: y}
 rule_files: []
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("diff (-want +got):\n%s", diff)
	}
}

func TestPatchTwoPlaces(t *testing.T) {
	got, err := Patch("tidemark.yml", written, map[string]float64{"request_rate": 5, "db_latency": 6})
	if err != nil {
		t.Fatal(err)
	}
	want := `--- tidemark.yml
+++ tidemark.yml
@@ -3,7 +3,8 @@
   sensitivity: 4.5
 signals:
   # what users feel
   - name: request_rate
+    sensitivity: 5
     query: sum(rate(http_requests_total[5m]))
 
   - name: latency_p99  # the slow ones
@@ -15,7 +16,7 @@
     name: db_qps
   - {name: db_errors, query: 'sum(x{a="b"})', sensitivity: 4}
   - {name: "cache_up", query: up} # short
-  - {name: db_latency, query: y}
+  - {name: db_latency, query: y, sensitivity: 6}
 rule_files: []
 alerting:
   routes:
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("diff (-want +got):\n%s", diff)
	}
}

func TestPatchRefusesWhatItDoesNotUnderstand(t *testing.T) {
	for name, text := range map[string]string{
		"several lines in flow style": "signals:\n  - {name: db_qps,\n     query: x}\n",
		"the name is not first":       "signals:\n  - {query: x, name: db_qps}\n",
		"a comment with a brace":      "signals:\n  - {name: db_qps, query: x} # {see there}\n",
		"of another file":             "signals:\n  - {name: request_rate, query: x}\n",
		"one line":                    "signals: [{name: db_qps, query: x}]\n",
	} {
		t.Run(name, func(t *testing.T) {
			diff, err := Patch("tidemark.yml", text, map[string]float64{"db_qps": 5.5})
			if want := "tidemark.yml: the signals are written in a way that cannot be edited, or not here: set db_qps 5.5 yourself"; err == nil || err.Error() != want {
				t.Errorf("got error %v and %q, want %s", err, diff, want)
			}
		})
	}
	if _, err := Patch("tidemark.yml", "signals: []", nil); err == nil || !strings.Contains(err.Error(), "the last line has no end: add one") {
		t.Errorf("without an end of the last line: got error %v", err)
	}
}
