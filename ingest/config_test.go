package ingest

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/units"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v2"
)

func TestConfig(t *testing.T) {
	var got Config
	err := yaml.UnmarshalStrict([]byte(`
url: https://mimir.example.com/prometheus
timeout: 1m
concurrency: 8
max_response_bytes: 64MiB
history: 4w
basic_auth: {username: tidemark, password_file: password}
tls_config: {server_name: mimir}
http_headers: {X-Scope-OrgID: {values: [shop]}}
`), &got)
	if err != nil {
		t.Fatal(err)
	}
	got.SetDirectory("/etc/tidemark")
	want := DefaultConfig
	want.URL = got.URL
	want.Timeout = model.Duration(time.Minute)
	want.Concurrency = 8
	want.MaxResponseBytes = 64 * units.MiB
	want.History = model.Duration(28 * 24 * time.Hour)
	want.HTTPClientConfig.BasicAuth = &config.BasicAuth{Username: "tidemark", PasswordFile: "/etc/tidemark/password"}
	want.HTTPClientConfig.TLSConfig.ServerName = "mimir"
	want.HTTPClientConfig.HTTPHeaders = &config.Headers{Headers: map[string]config.Header{"X-Scope-OrgID": {Values: []string{"shop"}}}}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(config.ProxyConfig{})); diff != "" {
		t.Errorf("config (-want +got):\n%s", diff)
	}
	if address := got.URL.String(); address != "https://mimir.example.com/prometheus" {
		t.Errorf("got url %s", address)
	}
}

func TestConfigHidesSecrets(t *testing.T) {
	var c Config
	err := yaml.UnmarshalStrict([]byte("url: http://u:canary@localhost:9090\nauthorization: {credentials: canary}\n"), &c)
	if err != nil {
		t.Fatal(err)
	}
	text, err := yaml.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "canary") {
		t.Errorf("the secret is shown:\n%s", text)
	}
}

func TestBadConfigs(t *testing.T) {
	const ok = "url: http://localhost:9090\n"
	for _, tc := range []struct{ name, text, want string }{
		{"no url", "{}", "url is missing: write the address of Prometheus, such as http://localhost:9090"},
		{"host only", "url: localhost:9090", `url "localhost:9090" is not an http address: write one such as http://localhost:9090`},
		{"other scheme", "url: file:///etc/passwd", `url "file:///etc/passwd" is not an http address`},
		{"fragment", "url: http://localhost:9090/#graph", `url "http://localhost:9090/#graph" has a fragment: remove what follows #`},
		{"path of the API", "url: http://localhost:9090/api/v1/", `url "http://localhost:9090/api/v1/": leave out /api/v1`},
		{"password in an error", "url: ftp://u:canary@localhost", `url "ftp://u:xxxxx@localhost" is not an http address`},
		{"unknown field", ok + "retries: 3", "field retries not found"},
		{"no timeout", ok + "timeout: 0s", "timeout 0s is too short: write a duration such as 30s"},
		{"timeout without unit", ok + "timeout: 30", "duration"},
		{"no concurrency", ok + "concurrency: 0", "concurrency 0 is too low: write how many queries may run at once, such as 4"},
		{"no series", ok + "max_series_per_signal: 0", "max_series_per_signal 0 is too low: write 1 or more"},
		{"no bytes", ok + "max_response_bytes: 0B", "max_response_bytes 0B is too low: write a size such as 16MiB"},
		{"bytes in words", ok + "max_response_bytes: much", "much"},
		{"too many points", ok + "points_per_query: 11001", "points_per_query 11001: write a number from 1 to 11000"},
		{"no history", ok + "history: 0d", "history 0s is too short: write a duration such as 14d"},
		{"redirects", ok + "follow_redirects: true", "follow_redirects: redirects are never followed: write the address that they lead to as url"},
		{"two ways to log in", ok + "basic_auth: {username: u}\nbearer_token: t", "at most one of basic_auth, oauth2, bearer_token & bearer_token_file must be configured"},
		{"reserved header", ok + "http_headers: {Host: {values: [x]}}", `setting header "Host" is not allowed`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var c Config
			err := yaml.UnmarshalStrict([]byte(tc.text), &c)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got error %v, want %q in it", err, tc.want)
			}
		})
	}
}

func TestNewRefuses(t *testing.T) {
	if _, err := New(DefaultConfig, nil, Options{}); err == nil || !strings.HasPrefix(err.Error(), "url is missing") {
		t.Errorf("got error %v, want one about the missing url", err)
	}
	var c Config
	text := fmt.Sprintf("url: http://localhost:9090\ntls_config: {ca_file: %q}\n", filepath.Join(t.TempDir(), "absent.pem"))
	if err := yaml.UnmarshalStrict([]byte(text), &c); err != nil {
		t.Fatal(err)
	}
	if _, err := New(c, nil, Options{}); err == nil || !strings.HasPrefix(err.Error(), "set up the connection to prometheus: ") {
		t.Errorf("got error %v, want one about the certificate", err)
	}
}

// TestSecretFile shows that a secret in a file is read when it is needed, so
// that it can be exchanged without a reload.
func TestSecretFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	var seen requests
	address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		seen.add(r.Header.Get("Authorization"))
		fmt.Fprint(w, envelope(""))
	})
	s := newFixture(t, address, simple(t, "a"), func(c *Config) {
		c.HTTPClientConfig.Authorization = &config.Authorization{Type: "Bearer", CredentialsFile: file}
	})
	for _, token := range []string{"one", "two"} {
		if err := os.WriteFile(file, []byte(token+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Read(t.Context(), grid(1)); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{"Bearer one", "Bearer two"}, seen.take()); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
}
