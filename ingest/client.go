package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/alecthomas/units"
	"github.com/prometheus/client_golang/api"
	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
)

const (
	// maxErrorBody is how much of an error's body is read to find its reason.
	maxErrorBody = 64 << 10

	// maxRetryAfter bounds what a Retry-After header can ask for.
	maxRetryAfter = 5 * time.Minute
)

// client does the exchange of one query for the API client: bounded, without
// redirects, with an error for everything but a success.
//
// Response headers are bounded by net/http (10 MiB). Nothing is decompressed: no
// compression is asked for, and an answer that is compressed is refused.
type client struct {
	api.Client // makes the URLs

	http     *http.Client
	maxBytes units.Base2Bytes
	redact   redactor

	method atomic.Int32 // one of the methods below
	until  atomic.Int64 // no request before this time in Unix nanoseconds
}

// The ways to send a query. POST is tried first. A proxy may allow GET alone;
// whether it does is found out once and not with every query.
const (
	postThenGET int32 = iota
	postOnly
	getOnly
)

func newClient(c *Config, rt http.RoundTripper) (*client, error) {
	urls, err := api.NewClient(api.Config{Address: c.URL.String()})
	if err != nil {
		return nil, err
	}
	return &client{
		Client: urls,
		http: &http.Client{
			Transport:     rt,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		maxBytes: c.MaxResponseBytes,
		redact:   newRedactor(c.secrets()),
	}, nil
}

// Do implements api.Client. Its response has a 2xx status; everything else is a
// queryError.
func (c *client) Do(ctx context.Context, req *http.Request) (*http.Response, []byte, error) {
	if wait := c.wait(); wait > 0 {
		return nil, nil, &queryError{unavailable, fmt.Sprintf("the source asked to wait another %s", wait.Round(time.Millisecond))}
	}
	req = req.WithContext(ctx)
	method := c.method.Load()
	isPost := req.Method == http.MethodPost
	if isPost && method == getOnly {
		var err error
		if req, err = asGET(req); err != nil {
			return nil, nil, err
		}
	}
	resp, body, err := c.exchange(req)
	if err != nil {
		return nil, nil, err
	}
	switch {
	case !isPost: // it says nothing about the method
	case method == postThenGET && refusesMethod(resp):
		if resp, body, err = c.tryGET(req); err != nil {
			return nil, nil, err
		}
	case method == getOnly && refusesMethod(resp), method == postOnly && !refusesMethod(resp):
		c.method.Store(postThenGET)
	}
	if resp.StatusCode/100 != 2 {
		c.keepRetryAfter(resp)
		return nil, nil, c.statusError(resp, body)
	}
	return resp, body, nil
}

// tryGET repeats a refused POST as a GET and remembers whether that helps.
func (c *client) tryGET(post *http.Request) (*http.Response, []byte, error) {
	req, err := asGET(post)
	if err != nil {
		return nil, nil, err
	}
	resp, body, err := c.exchange(req)
	if err != nil {
		return nil, nil, err
	}
	if refusesMethod(resp) || resp.StatusCode == http.StatusUnauthorized {
		c.method.Store(postOnly)
	} else {
		c.method.Store(getOnly)
	}
	return resp, body, nil
}

// asGET moves the form of a POST into the URL.
func asGET(post *http.Request) (*http.Request, error) {
	body, err := post.GetBody()
	if err != nil {
		return nil, err
	}
	form, err := io.ReadAll(body)
	if err != nil {
		return nil, err
	}
	u := *post.URL
	u.RawQuery = string(form)
	return http.NewRequestWithContext(post.Context(), http.MethodGet, u.String(), nil)
}

func refusesMethod(resp *http.Response) bool {
	switch resp.StatusCode {
	case http.StatusForbidden, http.StatusMethodNotAllowed, http.StatusRequestURITooLong, http.StatusNotImplemented:
		return true
	default:
		return false
	}
}

// exchange sends a request and reads the answer to its end.
func (c *client) exchange(req *http.Request) (*http.Response, []byte, error) {
	resp, err := c.http.Do(req)
	if err != nil {
		// The text of url.Error has the URL, in which secrets may stand.
		if e, ok := errors.AsType[*url.Error](err); ok {
			err = e.Err
		}
		return nil, nil, &queryError{unreachable, "the source does not answer: " + c.redact.text(err.Error())}
	}
	defer func() { _ = resp.Body.Close() }() // nothing is left to be read or lost

	if resp.StatusCode/100 != 2 {
		// What cannot be read of an error's body is not missed.
		body, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
		return resp, body, nil
	}
	if e := resp.Header.Get("Content-Encoding"); e != "" && e != "identity" {
		return nil, nil, &queryError{badResponse, fmt.Sprintf("the answer is compressed (%s), which was not asked for", cut(e))}
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, int64(c.maxBytes)+1))
	switch {
	case len(body) > int(c.maxBytes):
		return nil, nil, &queryError{tooLarge, fmt.Sprintf("the answer has more than %s: aggregate the query, or raise max_response_bytes", c.maxBytes)}
	case err != nil:
		return nil, nil, &queryError{unreachable, "the answer broke off: " + c.redact.text(err.Error())}
	}
	return resp, body, nil
}

// statusError says what a status other than 2xx means.
func (c *client) statusError(resp *http.Response, body []byte) error {
	var said struct {
		ErrorType v1.ErrorType `json:"errorType"`
		Error     string       `json:"error"`
	}
	status := strconv.Itoa(resp.StatusCode) + " " + http.StatusText(resp.StatusCode)
	text := status + ": " + c.redact.text(string(body))
	if json.Unmarshal(body, &said) == nil && said.Error != "" && said.ErrorType != "" {
		text = c.redact.text(said.Error)
		if resp.StatusCode != http.StatusTooManyRequests {
			return apiError(said.ErrorType, text)
		}
	}
	switch code := resp.StatusCode; {
	case code/100 == 3:
		return &queryError{redirected, fmt.Sprintf("the source redirects to %s (%s): write that address as url", target(resp), status)}
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		return &queryError{unauthorized, "the source refuses the credentials: " + text}
	case code == http.StatusNotFound:
		return &queryError{badResponse, "there is no Prometheus API below url: " + text}
	case code == http.StatusUnprocessableEntity:
		return apiError(v1.ErrExec, text)
	case code == http.StatusTooManyRequests, code/100 == 5:
		return &queryError{unavailable, "the source cannot answer: " + text}
	case code/100 == 4:
		return apiError(v1.ErrBadData, text)
	default:
		return apiError(v1.ErrBadResponse, text)
	}
}

// target returns where a redirect leads, without the parts that may be secret.
func target(resp *http.Response) string {
	u, err := resp.Location()
	if err != nil {
		return "an unknown address"
	}
	return cut(u.Scheme + "://" + u.Host)
}

// keepRetryAfter keeps how long an overloaded source asks to be left alone.
func (c *client) keepRetryAfter(resp *http.Response) {
	if resp.StatusCode != http.StatusTooManyRequests && resp.StatusCode != http.StatusServiceUnavailable {
		return
	}
	value := resp.Header.Get("Retry-After")
	var wait time.Duration
	if seconds, err := strconv.ParseUint(value, 10, 32); err == nil {
		wait = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(value); err == nil {
		wait = time.Until(at)
	}
	if wait > 0 {
		c.until.Store(time.Now().Add(min(wait, maxRetryAfter)).UnixNano())
	}
}

// wait returns how long the source still asks to be left alone, at most
// maxRetryAfter even if the clock is set back.
func (c *client) wait() time.Duration {
	return min(time.Until(time.Unix(0, c.until.Load())), maxRetryAfter)
}
