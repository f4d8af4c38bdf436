package httpapi

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"

	"tidemark/audit"
)

// fakeAudits serves one report, and keeps what is dismissed.
type fakeAudits struct {
	report     *audit.Report
	interval   time.Duration
	dismissals []audit.Dismissal
	err        error
}

func (f *fakeAudits) AuditReport() *audit.Report                      { return f.report }
func (f *fakeAudits) AuditInterval() time.Duration                    { return f.interval }
func (f *fakeAudits) Dismissals(time.Time) ([]audit.Dismissal, error) { return f.dismissals, f.err }
func (f *fakeAudits) Dismiss(d audit.Dismissal) error {
	f.dismissals = append(f.dismissals, d)
	return f.err
}

var (
	queue = model.LabelSet{"job": "redis", "instance": "queue:6379"}
	cache = model.LabelSet{"job": "redis", "instance": "cache:6379"}
)

// audits has a check in every state.
func audits() *fakeAudits {
	all, err := audit.Load(audit.DefaultConfig, nil)
	if err != nil {
		panic(err)
	}
	check := func(id string) *audit.Check {
		for i := range all {
			if all[i].ID == id {
				return &all[i]
			}
		}
		panic("there is no check " + id)
	}
	since := now.Add(-3 * time.Hour)
	return &fakeAudits{
		interval: time.Hour,
		report: &audit.Report{Time: now.Add(-10 * time.Minute), Results: []audit.Result{
			{Check: check("redis_memory_unlimited"), State: audit.OK},
			{Check: check("redis_noeviction"), State: audit.Found, Findings: []audit.Finding{
				{ID: "f1", Labels: cache, Value: 1, Evidence: "maxmemory_policy is noeviction", Since: since},
				{ID: "f2", Labels: queue, Value: 1, Evidence: "maxmemory_policy is noeviction", Since: since},
			}},
			{Check: check("redis_churn"), State: audit.Found, More: 2, Findings: []audit.Finding{
				{ID: "f3", Labels: cache, Value: 0.8, Evidence: "80 % of the number of its keys were evicted in the last hour", Since: since},
			}},
			{Check: check("postgres_autovacuum_off"), State: audit.NotApplicable},
			{Check: check("mysql_slow_log_off"), State: audit.Failed, Err: errors.New("query of mysql_slow_log_off: no complete answer within 30s")},
		}},
		dismissals: []audit.Dismissal{{Check: "redis_noeviction", Labels: model.LabelSet{"instance": "queue:6379"}, By: "alice", Reason: "it is a queue", At: now.Add(-time.Hour), Until: now.Add(24 * time.Hour)}},
	}
}

func TestAudit(t *testing.T) {
	at(t, now, func(t *testing.T) {
		o := testOptions(t)
		o.Audits = audits()
		_, body := ask(t, New(o).Handler(), http.MethodGet, "/api/v1/audit")
		for _, want := range []string{
			`{"status":"success","data":{"at":"2026-03-01T22:00:00Z","checks":[{"id":"redis_memory_unlimited","title":"Redis has no memory limit","severity":"warning","component":"cache","pack":"redis","query":"redis_memory_max_bytes == 0","state":"ok","error":null,`,
			`"findings":[{"id":"f1","labels":{"instance":"cache:6379","job":"redis"},"value":1,"evidence":"maxmemory_policy is noeviction","since":"2026-03-01T19:10:00Z","dismissed":null},`,
			`"dismissed":{"check":"redis_noeviction","labels":{"instance":"queue:6379"},"by":"alice","reason":"it is a queue","at":"2026-03-01T21:10:00Z","until":"2026-03-02T22:10:00Z"}}],"more":0}`,
			`"state":"not_applicable"`, `"state":"error","error":"query of mysql_slow_log_off: no complete answer within 30s"`, `"more":2`,
		} {
			if !strings.Contains(body, want) {
				t.Errorf("got %s\nwant …%s…", body, want)
			}
		}
		for _, tc := range []struct {
			name   string
			change func(*fakeAudits, *Options)
			code   int
			want   string
		}{
			{"no audits", func(_ *fakeAudits, o *Options) { o.Audits = nil }, 404, "audits are switched off: set audit.interval"},
			{"switched off", func(f *fakeAudits, _ *Options) { f.interval = 0 }, 404, "audits are switched off"},
			{"not yet", func(f *fakeAudits, _ *Options) { f.report = nil }, 503, "the first audit is not over yet"},
			{"dismissals gone", func(f *fakeAudits, _ *Options) { f.err = errHistory }, 503, "the dismissals cannot be read: disk is gone"},
		} {
			o, f := testOptions(t), audits()
			o.Audits = f
			tc.change(f, &o)
			res, body := ask(t, New(o).Handler(), http.MethodGet, "/api/v1/audit")
			if res.StatusCode != tc.code || !strings.Contains(body, tc.want) {
				t.Errorf("%s: got %d %s, want %d …%s…", tc.name, res.StatusCode, body, tc.code, tc.want)
			}
		}
	})
}

func TestAuditPage(t *testing.T) {
	for _, tc := range []struct {
		name           string
		change         func(*fakeAudits, *Options)
		want, unwanted []string
	}{
		{"all states", func(*fakeAudits, *Options) {},
			[]string{
				"every 1 h.", "Could not be asked Slow queries are not logged? query of mysql_slow_log_off: no complete answer within 30s",
				"To see to Redis refuses writes when it is full warning cache redis_noeviction, pack redis maxmemory_policy is noeviction instance= cache:6379 job= redis since 19:10:00 UTC",
				"Why it matters At its memory limit", "What to do Set maxmemory-policy", "To think about Redis is too small", "and 2 more",
				"Dismissed Check What Reason By Until Redis refuses writes when it is full redis_noeviction maxmemory_policy is noeviction instance= queue:6379 job= redis it is a queue alice 21:10:00 UTC 2026-03-02 22:10 UTC",
				"1 check found nothing Redis has no memory limit? No.", "1 check not applicable", "Autovacuum is switched off? postgres_autovacuum_off, pack postgres",
			},
			[]string{"Nothing is wrong", "curl"}},
		{"who may dismiss", func(_ *fakeAudits, o *Options) { o.EnableAdminAPI = true },
			[]string{`curl -X POST -d '{"check":"redis_noeviction","labels":{"instance":"cache:6379","job":"redis"},"reason":"…","until":"2026-06-01T00:00:00Z"}' https://tidemark.example.com/api/v1/audit/dismiss`}, nil},
		{"quiet", func(f *fakeAudits, _ *Options) { f.report.Results = f.report.Results[:1] }, []string{"Nothing is wrong, as far as 1 check can tell."}, []string{"To see to"}},
		{"all failed", func(f *fakeAudits, _ *Options) { f.report.Results = f.report.Results[4:] }, []string{"No check could be answered", "Could not be asked"}, []string{"Nothing is wrong"}},
		{"none applies", func(f *fakeAudits, _ *Options) { f.report.Results = f.report.Results[3:4] }, []string{"No check could be answered"}, []string{"Nothing is wrong"}},
		{"dismissals gone", func(f *fakeAudits, _ *Options) { f.dismissals, f.err = nil, errHistory }, []string{"The dismissals cannot be read, all findings are shown: disk is gone", "queue:6379"}, nil},
		{"not yet", func(f *fakeAudits, _ *Options) { f.report = nil }, []string{"the first audit is not over yet"}, []string{"Nothing is wrong"}},
		{"switched off", func(_ *fakeAudits, o *Options) { o.Audits = nil }, []string{"audits are switched off"}, []string{"Nothing is wrong"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			at(t, now, func(t *testing.T) {
				o, f := testOptions(t), audits()
				o.Audits = f
				tc.change(f, &o)
				text := visible(t, page(t, New(o).Handler(), "/audit"))
				for _, want := range tc.want {
					if !strings.Contains(text, want) {
						t.Errorf("the page does not say %q:\n%s", want, text)
					}
				}
				for _, unwanted := range tc.unwanted {
					if strings.Contains(text, unwanted) {
						t.Errorf("the page says %q:\n%s", unwanted, text)
					}
				}
			})
		})
	}
}

func TestDismiss(t *testing.T) {
	const whole = `{"check": "redis_noeviction", "reason": "all are queues", "until": "2026-04-01T00:00:00Z"}`
	for _, tc := range []struct {
		name, body string
		off        bool
		err        error
		code       int
		want       string
		dismissed  *audit.Dismissal
	}{
		{
			name: "one", body: `{"check": "redis_noeviction", "labels": {"instance": "cache:6379"}, "reason": "it is a queue", "until": "2026-04-01T02:00:00+02:00"}`, code: 200,
			want:      `{"check":"redis_noeviction","labels":{"instance":"cache:6379"},"by":"bob","reason":"it is a queue","at":"2026-03-01T22:10:00Z","until":"2026-04-01T00:00:00Z","covers":1}`,
			dismissed: &audit.Dismissal{Check: "redis_noeviction", Labels: model.LabelSet{"instance": "cache:6379"}, By: "bob", Reason: "it is a queue", At: now, Until: time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)},
		},
		{
			name: "all", body: whole, code: 200, want: `"covers":2}`,
			dismissed: &audit.Dismissal{Check: "redis_noeviction", By: "bob", Reason: "all are queues", At: now, Until: time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)},
		},
		{name: "switched off", body: whole, off: true, code: 403, want: "start with --web.enable-admin-api"},
		{name: "unknown check", body: strings.Replace(whole, "redis_", "rediss_", 1), code: 404, want: `there is no check \"rediss_noeviction\"`},
		{name: "no check", body: `{"reason": "x", "until": "2026-04-01T00:00:00Z"}`, code: 400, want: "check is missing"},
		{name: "no reason", body: strings.Replace(whole, "all are queues", " ", 1), code: 400, want: "reason is missing"},
		{name: "two lines", body: strings.Replace(whole, "all are", `all\n`, 1), code: 400, want: "reason is not one line"},
		{name: "no end", body: `{"check": "redis_noeviction", "reason": "x"}`, code: 400, want: "until 0001-01-01T00:00:00Z is not in the future"},
		{name: "over", body: strings.Replace(whole, "2026-04", "2026-02", 1), code: 400, want: "is not in the future: write when to look again, such as 2026-06-01T22:10:00Z"},
		{name: "for good", body: strings.Replace(whole, "2026-04", "2028-04", 1), code: 400, want: "more than a year ahead"},
		{name: "bad label", body: strings.Replace(whole, `"reason"`, `"labels": {"a-b": "c"}, "reason"`, 1), code: 400, want: `labels: \"a-b\" is not a label name`},
		{name: "misspelt", body: strings.Replace(whole, "reason", "because", 1), code: 400, want: `unknown field \"because\"`},
		{name: "not saved", body: whole, err: errHistory, code: 500, want: "dismiss the findings: disk is gone"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			at(t, now, func(t *testing.T) {
				o, f := testOptions(t), audits()
				f.dismissals, f.err = nil, tc.err
				o.Audits, o.EnableAdminAPI = f, !tc.off
				r := httptest.NewRequest(http.MethodPost, "/api/v1/audit/dismiss", strings.NewReader(tc.body))
				r.SetBasicAuth("bob", "secret")
				w := httptest.NewRecorder()
				New(o).Handler().ServeHTTP(w, r)
				if w.Code != tc.code || !strings.Contains(w.Body.String(), tc.want) {
					t.Errorf("got %d %s, want %d …%s…", w.Code, w.Body, tc.code, tc.want)
				}
				if tc.err != nil {
					return
				}
				var got *audit.Dismissal
				if len(f.dismissals) > 0 {
					got = &f.dismissals[0]
				}
				if diff := cmp.Diff(tc.dismissed, got); diff != "" {
					t.Errorf("dismissed (-want +got):\n%s", diff)
				}
			})
		})
	}
}
