// Package promtest runs real Prometheus and Alertmanager servers for tests: each
// on a free port of 127.0.0.1, ready when the call returns, and gone when the
// test ends.
//
// A test that asks for a server whose program is not installed fails; it is
// never skipped. Only processes that the package started are ended, by process
// ID, and they do not outlive the test binary on Linux.
package promtest

import (
	"bytes"
	"cmp"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// PrometheusOptions describe a Prometheus server. The zero value is a server
// that scrapes nothing and has no data.
type PrometheusOptions struct {
	Config string   // text of prometheus.yml; default: no scraping, no rules
	Dir    string   // where the data lies, see LoadOpenMetrics; default: a temporary folder
	Args   []string // more flags, such as --query.max-samples=1000

	// Retention is how much older than the newest data may be, such as 1d;
	// default: any.
	Retention string
}

// StartPrometheus starts a Prometheus server and returns it when it is ready.
// It accepts a reload over HTTP.
func StartPrometheus(t testing.TB, o PrometheusOptions) *Server {
	t.Helper()
	config := writeFile(t, "prometheus.yml", cmp.Or(o.Config, "global: {}\n"))
	return start(t, "prometheus", func(addr string) []string {
		return append([]string{
			"--config.file=" + config,
			"--storage.tsdb.path=" + dir(t, o.Dir),
			"--storage.tsdb.retention.time=" + cmp.Or(o.Retention, "100y"),
			"--web.listen-address=" + addr,
			"--web.enable-lifecycle",
		}, o.Args...)
	})
}

// AlertmanagerOptions describe an Alertmanager. The zero value is one that
// accepts alerts and notifies nobody.
type AlertmanagerOptions struct {
	Config string   // text of alertmanager.yml; default: one receiver that does nothing
	Dir    string   // where silences and the notification log lie; default: a temporary folder
	Args   []string // more flags
}

// StartAlertmanager starts an Alertmanager without peers and returns it when it
// is ready.
func StartAlertmanager(t testing.TB, o AlertmanagerOptions) *Server {
	t.Helper()
	config := writeFile(t, "alertmanager.yml", cmp.Or(o.Config, "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n"))
	return start(t, "prometheus-alertmanager", func(addr string) []string {
		return append([]string{
			"--config.file=" + config,
			"--storage.path=" + dir(t, o.Dir),
			"--web.listen-address=" + addr,
			"--cluster.listen-address=",
		}, o.Args...)
	})
}

// LoadOpenMetrics turns samples with timestamps, in the OpenMetrics text format,
// into blocks below dir, the Dir of a Prometheus that is not yet running. The
// closing "# EOF" line may be left out.
func LoadOpenMetrics(t testing.TB, dir, text string) {
	t.Helper()
	if !strings.HasSuffix(strings.TrimSpace(text), "# EOF") {
		text = strings.TrimRight(text, "\n") + "\n# EOF\n"
	}
	var out bytes.Buffer
	cmd := exec.CommandContext(t.Context(), program(t, "promtool"), "tsdb", "create-blocks-from", "openmetrics", "--quiet",
		writeFile(t, "samples.om", text), dir)
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		t.Fatalf("load samples with promtool: %v\n%s", err, out.Bytes())
	}
}

// program returns the path of an installed program.
func program(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%v: install the Debian packages prometheus and prometheus-alertmanager", err)
	}
	return path
}

func dir(t testing.TB, given string) string {
	t.Helper()
	if given != "" {
		return given
	}
	return t.TempDir()
}

func writeFile(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
