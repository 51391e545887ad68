package web

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/ZPascal/container-manager/pkg/fsutil"
)

// token reads the token anew for each request, because orchestrators replace secrets in
// running containers. It is "" when none is asked for.
func (s *Server) token() (string, error) {
	if s.Config.HTTPTokenFile == "" {
		return "", nil
	}
	const most = 4096
	data, err := fsutil.ReadHead(s.Config.HTTPTokenFile, most)
	if err != nil {
		return "", fmt.Errorf("cannot read IMAGE_HTTP_TOKEN_FILE: %w", err)
	}
	token := strings.TrimSpace(string(data))
	if token == "" {
		return "", fmt.Errorf("IMAGE_HTTP_TOKEN_FILE: %s is empty: expected a token", s.Config.HTTPTokenFile)
	}
	return token, nil
}

func (s *Server) checkToken() error {
	_, err := s.token()
	return err
}

// mayPass reports whether a request has the token, and answers one that has not.
func (s *Server) mayPass(w http.ResponseWriter, r *http.Request) bool {
	if s.hasToken(r) {
		return true
	}
	w.Header().Set("WWW-Authenticate", `Basic realm="container-manager", charset="UTF-8"`)
	plain(w, http.StatusUnauthorized, "this needs the token of IMAGE_HTTP_TOKEN_FILE: Authorization: Bearer TOKEN, or TOKEN as the password\n")
	return false
}

// hasToken reports whether a request has the token, or none is asked for. Browsers cannot
// send a bearer token, so it may come as the password of any user too.
func (s *Server) hasToken(r *http.Request) bool {
	token, err := s.token()
	s.sayOnce(err)
	if err != nil {
		return false
	}
	if token == "" {
		return true
	}
	got, err := credentials(r)
	if err != nil {
		return false
	}
	// Sums have one length, so the comparison does not tell that of the token.
	a, b := sha256.Sum256([]byte(got)), sha256.Sum256([]byte(token))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// sayOnce logs what is wrong with the token, until that changes: whoever can connect
// could fill the log with it.
func (s *Server) sayOnce(err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	if former, _ := s.tokenTrouble.Swap(text).(string); text != "" && text != former {
		s.Log.Error().Msg(text)
	}
}

func credentials(r *http.Request) (string, error) {
	if _, password, ok := r.BasicAuth(); ok {
		return password, nil
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return "", errors.New("no token")
	}
	return strings.TrimSpace(token), nil
}
