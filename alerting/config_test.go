package alerting

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v2"
)

const goodConfig = `
alertmanagers:
  - url: http://user:hunter2@127.0.0.1:9093
  - url: https://am.example.org/proxy
    path_prefix: am
    timeout: 3s
    bearer_token: hunter3
webhooks:
  - name: chat
    url: https://chat.example.org/hunter4
  - name: mail
    url_file: secrets/mail-url
    send_resolved: false
    repeat_interval: 1d
    basic_auth: {username: tidemark, password_file: secrets/password}
resend_delay: 30s
`

func TestConfig(t *testing.T) {
	var c Config
	if err := yaml.UnmarshalStrict([]byte(goodConfig), &c); err != nil {
		t.Fatal(err)
	}
	c.SetDirectory("/etc/tidemark")
	var endpoints, addresses []string
	for _, a := range c.Alertmanagers {
		endpoints = append(endpoints, a.endpoint().String())
		addresses = append(addresses, a.address())
	}
	if diff := cmp.Diff([]string{"http://user:hunter2@127.0.0.1:9093/api/v2/alerts", "https://am.example.org/proxy/am/api/v2/alerts"}, endpoints); diff != "" {
		t.Errorf("endpoints (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"http://127.0.0.1:9093", "https://am.example.org/proxy/am"}, addresses); diff != "" {
		t.Errorf("addresses (-want +got):\n%s", diff)
	}
	for _, tc := range []struct {
		name      string
		got, want any
	}{
		{"resend_delay", c.ResendDelay, model.Duration(30 * time.Second)},
		{"queue_capacity", c.QueueCapacity, 10000},
		{"max_batch_size", c.MaxBatchSize, 256},
		{"default timeout", c.Alertmanagers[0].Timeout, model.Duration(10 * time.Second)},
		{"timeout", c.Alertmanagers[1].Timeout, model.Duration(3 * time.Second)},
		{"follow_redirects", c.Alertmanagers[0].HTTPClientConfig.FollowRedirects, false},
		{"default send_resolved", c.Webhooks[0].SendResolved, true},
		{"default repeat_interval", c.Webhooks[0].RepeatInterval, model.Duration(4 * time.Hour)},
		{"send_resolved", c.Webhooks[1].SendResolved, false},
		{"repeat_interval", c.Webhooks[1].RepeatInterval, model.Duration(24 * time.Hour)},
		{"url_file", c.Webhooks[1].URLFile, filepath.FromSlash("/etc/tidemark/secrets/mail-url")},
		{"password_file", c.Webhooks[1].HTTPClientConfig.BasicAuth.PasswordFile, filepath.FromSlash("/etc/tidemark/secrets/password")},
	} {
		if tc.got != tc.want {
			t.Errorf("%s: got %v, want %v", tc.name, tc.got, tc.want)
		}
	}
	text, err := yaml.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "hunter") || !strings.Contains(string(text), "<secret>") {
		t.Errorf("the printed configuration shows a secret:\n%s", text)
	}
	if _, err := New(c, testOptions()); err != nil {
		t.Errorf("New: %v", err)
	}
}

func TestBadConfigs(t *testing.T) {
	for _, tc := range []struct{ name, text, want string }{
		{"unknown field", "resend_dely: 1m", "field resend_dely not found"},
		{"unknown field in an entry", "alertmanagers: [{url: 'http://am', timout: 1s}]", "field timout not found"},
		{"resend_delay", "resend_delay: 10ms", "resend_delay 10ms is not usable: write a duration from 1s to 1h, such as 1m"},
		{"long resend_delay", "resend_delay: 2h", "resend_delay 2h is not usable"},
		{"queue_capacity", "queue_capacity: -1", "queue_capacity -1 is too low"},
		{"max_batch_size", "max_batch_size: -1", "max_batch_size -1 is too low"},
		{"no url", "alertmanagers: [{timeout: 1s}]", "alertmanagers[0]: url is missing: write the address of Alertmanager, such as http://localhost:9093"},
		{"no scheme", "alertmanagers: [{url: 'localhost:9093'}]", `alertmanagers[0]: url "localhost:9093" is not an http address`},
		{"wrong scheme", "alertmanagers: [{url: 'ftp://user:hunter2@am'}]", `alertmanagers[0]: url "ftp://user:xxxxx@am" is not an http address`},
		{"unreadable url", "alertmanagers: [{url: 'http://am:hunter2/'}]", "alerting: the url of an Alertmanager is not an address (it is not shown, as it may hold a password)"},
		{"fragment", "alertmanagers: [{url: 'http://am/#/alerts'}]", "has a fragment: remove what follows #"},
		{"API path", "alertmanagers: [{url: 'http://am/api/v2/alerts'}]", "leave out the path of the API, it is added"},
		{"API path as prefix", "alertmanagers: [{url: 'http://am', path_prefix: /api/v2}]", "leave out the path of the API, it is added"},
		{"twice", "alertmanagers: [{url: 'http://am'}, {url: 'http://am/'}]", "alertmanagers[1]: http://am is listed twice: remove one"},
		{"timeout", "alertmanagers: [{url: 'http://am', timeout: 0s}]", "alertmanagers[0]: timeout 0s is too short: write a duration such as 10s"},
		{"redirects", "alertmanagers: [{url: 'http://am', follow_redirects: true}]", "alertmanagers[0]: follow_redirects: redirects are never followed"},
		{"two logins", "alertmanagers: [{url: 'http://am', bearer_token: hunter2, basic_auth: {username: a}}]", "alertmanagers[0]: at most one of"},
		{"no name", "webhooks: [{url: 'http://chat'}]", "webhooks[0]: name is missing: write a short one, it is shown in logs and metrics"},
		{"same name", "webhooks: [{name: a, url: 'http://chat'}, {name: a, url: 'http://chat/b'}]", `webhooks[1]: the name "a" is taken: names are unique`},
		{"no webhook url", "webhooks: [{name: a}]", "webhooks[0]: url is missing: write url, or url_file with the path of a file that holds it"},
		{"two webhook urls", "webhooks: [{name: a, url: 'http://chat', url_file: f}]", "webhooks[0]: url and url_file are both given: remove one"},
		{"webhook scheme", "webhooks: [{name: a, url: 'chat/hunter2'}]", "webhooks[0]: url is not an http address (it is not shown, as it is a secret): write one such as https://chat.example.org/hook"},
		{"webhook url", "webhooks: [{name: a, url: 'http://chat/%zzhunter2'}]", "webhooks[0]: url is not an http address"},
		{"repeat_interval", "webhooks: [{name: a, url: 'http://chat', repeat_interval: 1s}]", "webhooks[0]: repeat_interval 1s is too short: write a duration such as 4h"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var c Config
			err := yaml.UnmarshalStrict([]byte(tc.text), &c)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got error %v, want %q in it", err, tc.want)
			}
			if err != nil && strings.Contains(err.Error(), "hunter") {
				t.Errorf("the error shows a secret: %v", err)
			}
		})
	}
}
