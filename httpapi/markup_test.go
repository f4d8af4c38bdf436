package httpapi

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"golang.org/x/net/html"

	"tidemark/audit"
	"tidemark/incident"
	"tidemark/rules"
	"tidemark/suppression"
)

// hostile is text as an attacker would put it into a label or a metric.
const hostile = `"><script>alert(1)</script><img src=x onerror=alert(1)><a href="javascript:alert(1)">'` + "`"

// TestHostileText puts hostile text wherever text of others is shown, and looks
// for elements, attributes and links that tidemark has not made itself.
func TestHostileText(t *testing.T) {
	o := testOptions(t)
	o.Runbooks = runbookFiles
	evil := model.LabelSet{"service": hostile, "pod": hostile}
	s, h := fixture()
	in := bypass()
	in.SupersededBy, in.Held, in.SuppressedBy = hostile, true, hostile
	v := &in.Verdict
	v.Alert, v.Scope, v.Summary, v.Description, v.Runbook, v.Severity, v.Suspect = hostile, evil, hostile, hostile, "javascript:alert(1)", hostile, hostile
	v.Evidence[0].Title, v.Evidence[0].Labels, v.Evidence[0].Signal = hostile, evil, hostile
	v.RuledOut = []rules.RuledOut{{Component: hostile, Because: hostile}}
	v.Changes[0].What, v.Changes[0].Labels, v.Changes[0].Kind = hostile, evil, hostile
	v.Blind = []string{hostile}
	s.Incidents[0] = in
	s.Changes = v.Changes
	s.Anomalies[0].Labels, s.Anomalies[0].Scope, s.Anomalies[0].Signal, s.Anomalies[0].IncidentID = evil, evil, hostile, hostile
	s.Signals[0].Series[0].Labels, s.Signals[0].Series[0].Scope = evil, evil
	s.Signals[0].Signal.Title, s.Signals[0].Signal.Unit, s.Signals[0].Signal.Query = hostile, hostile, hostile
	s.Signals[3].Err = errors.New(hostile)
	o.Engine, o.History = fakeEngine{s}, h
	evilAudits := audits()
	evilAudits.report.Results[1].Findings[0] = audit.Finding{Labels: evil, Evidence: hostile}
	evilAudits.report.Results[4].Err = errors.New(hostile)
	evilAudits.dismissals[0].By, evilAudits.dismissals[0].Reason = hostile, hostile
	o.Audits, o.EnableAdminAPI = evilAudits, true
	o.Configuration = evilConfiguration{o.Configuration}
	said := incident.Feedback{Verdict: incident.False, Comment: hostile, Author: hostile}
	kept := newFakeFeedback()
	kept.given[in.ID] = said
	kept.given["recent0000000001"] = said // for which a suppression is proposed
	o.Feedback = kept
	handler := New(o).Handler()
	query := url.QueryEscape(hostile)
	targets := append(slices.Clone(every), "/signals/request_rate", "/incidents/"+in.ID+"?comment", "/incidents?rule="+query, "/incidents?match[]="+query, "/anomalies?signal="+query+"&start="+query,
		"/signals/request_rate?match[]="+query, "/"+url.PathEscape(hostile), "/incidents/"+url.PathEscape(hostile))
	for _, target := range targets {
		checkMarkup(t, target, page(t, handler, target))
	}
}

// evilConfiguration has a hostile suppression.
type evilConfiguration struct{ Configuration }

func (evilConfiguration) Suppressions() suppression.List {
	return suppression.List{{Name: hostile, Until: hostile, Reason: hostile, Author: hostile}}
}

// checkMarkup fails on every element and attribute that no page of tidemark
// has, and on links that a browser would run or fetch from elsewhere.
func checkMarkup(t *testing.T, target, body string) {
	t.Helper()
	for z := html.NewTokenizer(strings.NewReader(body)); ; {
		if z.Next() == html.ErrorToken {
			return
		}
		token := z.Token()
		if token.Type != html.StartTagToken && token.Type != html.SelfClosingTagToken {
			continue
		}
		if slices.Contains([]string{"script", "img", "iframe", "object", "style", "base"}, token.Data) {
			t.Errorf("%s: holds <%s>", target, token.Data)
		}
		for _, a := range token.Attr {
			local := strings.HasPrefix(a.Val, "/") && !strings.HasPrefix(a.Val, "//") || strings.HasPrefix(a.Val, "?") || strings.HasPrefix(a.Val, "#")
			switch {
			case strings.HasPrefix(a.Key, "on") || a.Key == "style":
				t.Errorf("%s: <%s> has the attribute %s=%q", target, token.Data, a.Key, a.Val)
			case (a.Key == "href" || a.Key == "src" || a.Key == "action") && !local && a.Val != "":
				t.Errorf("%s: <%s> has the link %s=%q", target, token.Data, a.Key, a.Val)
			}
		}
	}
}

// TestLinks follows every link of every page, under a prefix.
func TestLinks(t *testing.T) {
	o := testOptions(t)
	o.Runbooks = runbookFiles
	o.ExternalURL, _ = url.Parse("https://ops.example.com/tidemark/")
	h := New(o).Handler()
	found := map[string]string{} // link: page
	for _, target := range every {
		body := page(t, h, "/tidemark"+target)
		for z := html.NewTokenizer(strings.NewReader(body)); z.Next() != html.ErrorToken; {
			for _, a := range z.Token().Attr {
				if a.Key == "href" && a.Val != "" { // goldmark empties a link that would run a script
					found[a.Val] = target
				}
			}
		}
	}
	if len(found) < 20 {
		t.Fatalf("got %d links, want those of all pages", len(found))
	}
	// Links into what the fixture does not have: the runbooks of all built-in
	// rules, and a signal of the evidence that is not configured any more.
	known := func(link string) bool {
		return strings.HasPrefix(link, "/tidemark/runbooks/") || strings.HasPrefix(link, "/tidemark/signals/")
	}
	for link, from := range found {
		if !strings.HasPrefix(link, "/tidemark/") {
			t.Errorf("%s links to %s, outside of the prefix", from, link)
		}
		if res, _ := ask(t, h, http.MethodGet, link, "Accept", browser); res.StatusCode != http.StatusOK && !known(link) {
			t.Errorf("%s links to %s, which answers %d", from, link, res.StatusCode)
		}
	}
}

func TestStatic(t *testing.T) {
	h := New(testOptions(t)).Handler()
	for _, tc := range []struct {
		target, contentType string
		code                int
	}{
		{"/static/tidemark.css", "text/css; charset=utf-8", 200},
		{"/static/favicon.svg", "image/svg+xml", 200},
		{"/static/nope.css", "", 404},
		{"/static/..%2Flayout.html", "", 400},
	} {
		res, body := ask(t, h, http.MethodGet, tc.target)
		if res.StatusCode != tc.code || tc.code == 200 && res.Header.Get("Content-Type") != tc.contentType {
			t.Errorf("%s: got %d %s, want %d %s: %.60s", tc.target, res.StatusCode, res.Header.Get("Content-Type"), tc.code, tc.contentType, body)
		}
	}
}

// TestRunbookMarkdown checks that a runbook is rendered, and that what it holds
// of HTML is not.
func TestRunbookMarkdown(t *testing.T) {
	o := testOptions(t)
	o.Runbooks = runbookFiles
	body := page(t, New(o).Handler(), "/runbooks/cache_bypass")
	for _, want := range []string{"<h1 id=\"cachebypass\">CacheBypass</h1>", "<td>1</td>", "<title>(1) CacheBypass – tidemark</title>"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not hold %s:\n%s", want, body)
		}
	}
	checkMarkup(t, "/runbooks/cache_bypass", body)
}
