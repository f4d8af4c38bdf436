// Package compose_test checks the demo of docker-compose.yml as far as that is
// possible without Docker: that the file is valid and what it refers to exists,
// and that the servers accept the configurations that are mounted into them.
package compose_test

import (
	"encoding/json"
	"io/fs"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v2"

	"tidemark/config"
)

const root = "../.."

func load(t *testing.T) *types.Project {
	t.Helper()
	options, err := cli.NewProjectOptions([]string{filepath.Join(root, "docker-compose.yml")})
	if err != nil {
		t.Fatal(err)
	}
	project, err := options.LoadProject(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return project
}

// pinned matches an image with the whole version as its tag, and of Redis and
// PostgreSQL the variant.
var pinned = regexp.MustCompile(`^[a-z0-9./_-]+:v?\d+\.\d+(\.\d+)?(-alpine)?$`)

func TestServices(t *testing.T) {
	project := load(t)
	stages := stagesOf(t)
	for name, s := range project.Services {
		switch {
		case s.Build != nil:
			if !slices.Contains(stages, s.Build.Target) {
				t.Errorf("%s: target %q is not a stage of the Dockerfile: %q", name, s.Build.Target, stages)
			}
		case !pinned.MatchString(s.Image):
			t.Errorf("%s: image %q has no version", name, s.Image)
		}
		for _, p := range s.Ports {
			if addr, err := netip.ParseAddr(p.HostIP); err != nil || !addr.IsLoopback() {
				t.Errorf("%s: port %s is published on %q, want 127.0.0.1", name, p.Published, p.HostIP)
			}
		}
		for other, d := range s.DependsOn {
			if project.Services[other].HealthCheck == nil && d.Condition == types.ServiceConditionHealthy {
				t.Errorf("%s: depends on the health of %s, which has no healthcheck", name, other)
			}
		}
		for _, v := range s.Volumes {
			switch v.Type {
			case types.VolumeTypeBind:
				if _, err := os.Stat(v.Source); err != nil {
					t.Errorf("%s: mounted file: %v", name, err)
				}
				if !v.ReadOnly {
					t.Errorf("%s: %s can be written from the container", name, v.Source)
				}
			case types.VolumeTypeVolume:
				if _, ok := project.Volumes[v.Source]; !ok {
					t.Errorf("%s: volume %s is not declared", name, v.Source)
				}
			}
		}
	}
}

// stagesOf returns the names of the Dockerfile's stages.
func stagesOf(t *testing.T) (stages []string) {
	t.Helper()
	for _, m := range regexp.MustCompile(`(?m)^FROM \S+ AS (\S+)$`).FindAllStringSubmatch(read(t, "Dockerfile"), -1) {
		stages = append(stages, m[1])
	}
	return stages
}

func TestDockerfile(t *testing.T) {
	text := read(t, "Dockerfile")
	stages := stagesOf(t)
	for _, m := range regexp.MustCompile(`--from=(\S+)`).FindAllStringSubmatch(text, -1) {
		if !slices.Contains(stages, m[1]) {
			t.Errorf("COPY --from=%s: there is no such stage", m[1])
		}
	}
	for i, stage := range strings.Split(text, "\nFROM ")[1:] {
		user := regexp.MustCompile(`(?m)^USER (\S+)$`).FindStringSubmatch(stage)
		switch {
		case i == 0: // the build
		case user == nil || strings.HasPrefix(user[1], "root"):
			t.Errorf("stage %s runs as root", stages[i])
		}
	}
	if last := stages[len(stages)-1]; last != "tidemark" {
		t.Errorf("docker build makes %s by default, want tidemark", last)
	}
	goMod := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(read(t, "go.mod"))
	if !strings.Contains(text, "ARG GO_VERSION="+goMod[1]+".") {
		t.Errorf("the Dockerfile does not build with Go %s of go.mod", goMod[1])
	}
	prometheus := regexp.MustCompile(`ARG PROMETHEUS_VERSION=(\S+)`).FindStringSubmatch(text)
	if image := load(t).Services["prometheus"].Image; image != "prom/prometheus:"+prometheus[1] {
		t.Errorf("history is made for Prometheus %s and read by %s", prometheus[1], image)
	}
}

// TestTargets makes sure that what Prometheus scrapes, and what the servers
// send to, are services.
func TestTargets(t *testing.T) {
	project := load(t)
	known := func(what, hostPort string) {
		t.Helper()
		host, _, _ := strings.Cut(hostPort, ":")
		if _, ok := project.Services[host]; !ok && host != "127.0.0.1" {
			t.Errorf("%s: there is no service %q", what, host)
		}
	}
	var prometheus struct {
		ScrapeConfigs []struct {
			JobName       string `yaml:"job_name"`
			StaticConfigs []struct {
				Targets []string `yaml:"targets"`
			} `yaml:"static_configs"`
		} `yaml:"scrape_configs"`
	}
	if err := yaml.Unmarshal([]byte(read(t, "demo/compose/prometheus.yml")), &prometheus); err != nil {
		t.Fatal(err)
	}
	for _, s := range prometheus.ScrapeConfigs {
		for _, static := range s.StaticConfigs {
			for _, target := range static.Targets {
				known("job "+s.JobName, target)
			}
		}
	}
	for _, file := range []string{"demo/compose/tidemark.yml", "demo/compose/grafana/provisioning/datasources/prometheus.yml"} {
		for _, m := range regexp.MustCompile(`url: http://(\S+)`).FindAllStringSubmatch(read(t, file), -1) {
			known(file, m[1])
		}
	}
	for _, m := range regexp.MustCompile(`[@/=](redis|postgres):\d+`).FindAllStringSubmatch(read(t, "docker-compose.yml"), -1) {
		known("docker-compose.yml", m[1])
	}
}

func TestConfigurationsAreAccepted(t *testing.T) {
	for _, dir := range []string{"demo", "demo/compose"} {
		accepted(t, "promtool", "check", "config", filepath.Join(root, dir, "prometheus.yml"))
		accepted(t, "amtool", "check-config", filepath.Join(root, dir, "alertmanager.yml"))
		if _, err := config.Load(filepath.Join(root, dir, "tidemark.yml")); err != nil {
			t.Error(err)
		}
	}
}

// TestReceiversInComments checks the receivers that are offered in comments.
func TestReceiversInComments(t *testing.T) {
	text := regexp.MustCompile(`(?m)^  # `).ReplaceAllString(read(t, "demo/compose/alertmanager.yml"), "  ")
	for _, receiver := range []string{"name: slack", "name: pagerduty", "receiver: pagerduty"} {
		if !regexp.MustCompile(`(?m)^\s+(- )?` + receiver + `$`).MatchString(text) {
			t.Errorf("%q is not among what was in comments", receiver)
		}
	}
	file := filepath.Join(t.TempDir(), "alertmanager.yml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	accepted(t, "amtool", "check-config", file)
}

func accepted(t *testing.T, program string, args ...string) {
	t.Helper()
	if out, err := exec.Command(program, args...).CombinedOutput(); err != nil {
		t.Errorf("%s %s: %v\n%s", program, strings.Join(args, " "), err, out)
	}
}

func TestDashboards(t *testing.T) {
	queries := 0
	promql := parser.NewParser(parser.Options{})
	err := filepath.WalkDir("grafana/dashboards", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var dashboard struct {
			Panels []struct {
				Title   string
				Targets []struct{ Expr string }
			}
		}
		if err := json.Unmarshal(text, &dashboard); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		for _, p := range dashboard.Panels {
			for _, target := range p.Targets {
				queries++
				if _, err := promql.ParseExpr(strings.ReplaceAll(target.Expr, "$__rate_interval", "1m")); err != nil {
					t.Errorf("%s: panel %s: %v", path, p.Title, err)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if queries == 0 {
		t.Error("the dashboards ask nothing")
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, file))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
