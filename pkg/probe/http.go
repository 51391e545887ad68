package probe

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// Statuses are ranges of HTTP status codes.
type Statuses [][2]int

// ParseStatuses reads numbers and ranges with commas between them: 200-399, or
// 200,204,301-308.
func ParseStatuses(text string) (Statuses, error) {
	var statuses Statuses
	for part := range strings.SplitSeq(text, ",") {
		low, high, isRange := strings.Cut(part, "-")
		if !isRange {
			high = low
		}
		from, errFrom := strconv.Atoi(low)
		to, errTo := strconv.Atoi(high)
		if errFrom != nil || errTo != nil || from < 100 || to > 599 || from > to {
			return nil, fmt.Errorf("%q is no HTTP status: expected numbers and ranges such as 200-399 or 200,204", text)
		}
		statuses = append(statuses, [2]int{from, to})
	}
	return statuses, nil
}

func (s Statuses) has(status int) bool {
	for _, r := range s {
		if r[0] <= status && status <= r[1] {
			return true
		}
	}
	return false
}

// maxBody bounds what is read of an answer.
const maxBody = 1 << 20

// HTTP gets a URL and wants one of these statuses and, unless body is empty, an
// answer whose first MiB contains it. Redirects are answers, not followed.
// Proxies are not used. A host's own certificate is not checked: it is
// made out to another name than the one that a container has for itself.
func HTTP(ctx context.Context, address string, statuses Statuses, body string) error {
	u, err := parseURL(address)
	if err != nil {
		return err
	}
	fail := func(format string, args ...any) error {
		return fmt.Errorf("%s: %w", u.Redacted(), fmt.Errorf(format, args...))
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	req.Header.Set("User-Agent", "container-manager probe")
	client := http.Client{
		Transport: &http.Transport{
			DisableKeepAlives: true,
			TLSClientConfig:   &tls.Config{InsecureSkipVerify: isLoopback(u.Hostname())},
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(req)
	if err != nil {
		if request, ok := errors.AsType[*url.Error](err); ok {
			err = request.Err
		}
		return fail("%w", reason(ctx, err))
	}
	defer resp.Body.Close()
	if !statuses.has(resp.StatusCode) {
		return fail("status %s", resp.Status)
	}
	if body == "" {
		return nil
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	if err != nil {
		return fail("%w", reason(ctx, err))
	}
	if !bytes.Contains(data, []byte(body)) {
		return fail("status %s, but the answer does not contain %q", resp.Status, body)
	}
	return nil
}

func parseURL(address string) (*url.URL, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, &TargetError{address, "expected a URL such as http://127.0.0.1:8080/health"}
	}
	return u, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
