package alerting

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/version"
)

func userAgent() string {
	if version.Version == "" {
		return "tidemark/unknown"
	}
	return "tidemark/" + version.Version
}

// Limits of an answer.
const (
	maxErrorBody  = 512 // shown of what explains an error
	maxAnswer     = 64 << 10
	maxRetryAfter = time.Minute
)

// poster posts JSON. It follows no redirects and shows no secrets.
type poster struct {
	client  *http.Client
	timeout time.Duration
}

func newPoster(rt http.RoundTripper, timeout time.Duration) poster {
	return poster{
		client: &http.Client{
			Transport:     rt,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		timeout: timeout,
	}
}

// statusError is an answer that is not a success.
type statusError struct {
	code       int
	body       string
	retryAfter time.Duration
}

func (e *statusError) Error() string {
	text := fmt.Sprintf("answered %d %s", e.code, http.StatusText(e.code))
	switch {
	case e.code >= 300 && e.code < 400:
		return text + ": redirects are not followed: configure the address that they lead to"
	case e.body != "":
		return text + ": " + e.body
	default:
		return text
	}
}

// post sends the payload and returns nil if it is answered with a 2xx status, a
// statusError if with another.
func (p poster) post(ctx context.Context, to *url.URL, payload any) error {
	body, err := json.Marshal(payload)
	if err != nil {
		return fmt.Errorf("encode: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to.String(), bytes.NewReader(body))
	if err != nil {
		return errors.New("the address cannot be used in a request")
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := p.client.Do(req)
	if err != nil {
		var withURL *url.Error
		if errors.As(err, &withURL) {
			err = withURL.Err
		}
		if errors.Is(err, context.DeadlineExceeded) {
			err = fmt.Errorf("no answer within %s", p.timeout)
		}
		return err
	}
	defer res.Body.Close()
	answer, _ := io.ReadAll(io.LimitReader(res.Body, maxAnswer)) // the status is what counts
	if res.StatusCode/100 == 2 {
		return nil
	}
	return &statusError{
		code:       res.StatusCode,
		body:       cut(strings.TrimSpace(redact(strings.ToValidUTF8(string(answer), "\uFFFD"), to)), maxErrorBody),
		retryAfter: retryAfter(res.Header.Get("Retry-After"), time.Now()),
	}
}

// redact removes what is secret in an address from a text that may repeat it.
func redact(text string, secret *url.URL) string {
	password, _ := secret.User.Password()
	for _, s := range []string{secret.String(), secret.RequestURI(), secret.Path, secret.RawQuery, password} {
		if len(s) > 1 {
			text = strings.ReplaceAll(text, s, "<secret>")
		}
	}
	return text
}

// retryAfter reads a Retry-After header; 0 if there is none.
func retryAfter(header string, now time.Time) time.Duration {
	var wait time.Duration
	if seconds, err := strconv.Atoi(header); err == nil {
		wait = time.Duration(min(seconds, int(maxRetryAfter/time.Second))) * time.Second
	} else if at, err := http.ParseTime(header); err == nil {
		wait = at.Sub(now)
	}
	return max(0, min(wait, maxRetryAfter))
}

// backoff is how long to wait after failures in a row.
type backoff struct{ failures int }

const (
	minBackoff = 500 * time.Millisecond
	maxBackoff = 5 * time.Second
)

// next returns how long to wait after another failure, with jitter, so that
// replicas do not come back in step.
func (b *backoff) next(err error) time.Duration {
	wait := min(minBackoff<<min(b.failures, 10), maxBackoff)
	b.failures++
	wait -= rand.N(wait / 5)
	var s *statusError
	if errors.As(err, &s) {
		wait = max(wait, s.retryAfter)
	}
	return wait
}

func (b *backoff) reset() { b.failures = 0 }
