// Package logwatch reads every log line of a test, when the test ends, against what must never be in one: the secrets that went over
// the wire while it ran, and the names of the persons and businesses in the events. It learns both from the traffic itself, so a test
// says nothing about them.
package logwatch

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode"
	"unicode/utf8"
)

// Lengths from which something is looked for, in bytes: what is shorter stands in lines by chance.
const (
	shortestSecret = 8
	shortestName   = 3
)

// Watch is the log of one test and what it must not tell.
type Watch struct {
	mu      sync.Mutex
	lines   []string
	secrets map[string]string // what it is, by the secret
	names   map[string]bool
}

// New makes a watch that fails the test, when it ends, for every line that tells something.
func New(t testing.TB) *Watch {
	t.Helper()
	w := &Watch{secrets: map[string]string{}, names: map[string]bool{}}
	t.Cleanup(func() {
		for _, told := range w.told() {
			t.Error(told)
		}
	})
	return w
}

// Logger logs into the watch, from Debug on.
func (w *Watch) Logger() *slog.Logger {
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// Write takes one line, as slog's handlers write.
func (w *Watch) Write(line []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lines = append(w.lines, string(line))
	return len(line), nil
}

// Lines says how many lines there are.
func (w *Watch) Lines() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.lines)
}

// Secret is never to be told. What says what it is.
func (w *Watch) Secret(what, secret string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(secret) >= shortestSecret {
		w.secrets[secret] = what
	}
}

// Business is a name that is never to be told, as a whole.
func (w *Watch) Business(name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if name = strings.TrimSpace(name); len(name) >= shortestName {
		w.names[name] = true
	}
}

// Person is a name that is never to be told, whole or a part of it. What begins small in it, such as "and", is no name.
func (w *Watch) Person(name string) {
	w.Business(name)
	for part := range strings.FieldsSeq(name) {
		if first, _ := utf8.DecodeRuneInString(part); !unicode.IsLower(first) {
			w.Business(part)
		}
	}
}

// told are the lines that tell something, each with what it tells.
func (w *Watch) told() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var told []string
	for _, line := range w.lines {
		var read any
		text := line
		if json.Unmarshal([]byte(line), &read) == nil {
			text += strings.Join(texts(read), "\n") // without JSON's escapes
		}
		for secret, what := range w.secrets {
			if strings.Contains(text, secret) {
				told = append(told, fmt.Sprintf("a log line tells a secret (%s): %s", what, line))
			}
		}
		for name := range w.names {
			if hasWord(text, name) {
				told = append(told, fmt.Sprintf("a log line tells the name %q: %s", name, line))
			}
		}
	}
	slices.Sort(told)
	return told
}

// texts are all keys and strings of a JSON value.
func texts(v any) []string {
	var all []string
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		for _, x := range v {
			all = append(all, texts(x)...)
		}
	case map[string]any:
		for k, x := range v {
			all = append(append(all, k), texts(x)...)
		}
	}
	return all
}

// hasWord says whether a text has a name with no letter or digit beside it.
func hasWord(text, name string) bool {
	part := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
	for at := 0; ; {
		found := strings.Index(text[at:], name)
		if found < 0 {
			return false
		}
		start, end := at+found, at+found+len(name)
		before, _ := utf8.DecodeLastRuneInString(text[:start])
		after, _ := utf8.DecodeRuneInString(text[end:])
		if !part(before) && !part(after) {
			return true
		}
		at = end
	}
}

// Carry takes requests on to next and learns from them and from the answers of token endpoints.
func (w *Watch) Carry(next *http.Transport) http.RoundTripper { return &carrier{next, w} }

type carrier struct {
	*http.Transport
	watch *Watch
}

// RoundTrip carries one request.
func (c *carrier) RoundTrip(r *http.Request) (*http.Response, error) {
	carried := r.Clone(r.Context())
	var body []byte
	if r.Body != nil {
		read, err := io.ReadAll(r.Body)
		_ = r.Body.Close()
		if err != nil {
			return nil, err
		}
		body, carried.Body = read, io.NopCloser(bytes.NewReader(read))
	}
	c.watch.request(r, body)
	res, err := c.Transport.RoundTrip(carried)
	if err != nil {
		return nil, err
	}
	if location, err := res.Location(); err == nil {
		c.watch.values(location.Query())
	}
	if strings.Contains(r.URL.Path, "token") {
		answer, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		res.Body = io.NopCloser(io.MultiReader(bytes.NewReader(answer), failing{err}))
		c.watch.tokens(answer)
	}
	return res, nil
}

// failing reads as an answer ended: with what cut it off, or at its end.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	return 0, io.EOF
}

// request learns from what is sent.
func (w *Watch) request(r *http.Request, body []byte) {
	if _, secret, ok := r.BasicAuth(); ok {
		w.Secret("client secret", secret)
		_, encoded, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		w.Secret("client credentials", encoded)
	}
	if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		w.Secret("bearer token", token)
		w.claims(token)
	}
	w.values(r.URL.Query())
	var read any
	switch {
	case strings.Contains(r.URL.Path, "token"):
		w.tokens(body)
		if form, err := url.ParseQuery(string(body)); err == nil {
			w.values(form)
		}
	case json.Unmarshal(body, &read) == nil:
		w.payload("", read)
	}
}

// secretKeys are the keys of forms, queries and answers under which OAuth has secrets.
func secretKeys() []string {
	return []string{"access_token", "refresh_token", "id_token", "token", "code", "client_secret"}
}

func (w *Watch) values(values url.Values) {
	for _, key := range secretKeys() {
		w.Secret(key, values.Get(key))
	}
}

func (w *Watch) tokens(body []byte) {
	var answer map[string]any
	_ = json.Unmarshal(body, &answer)
	for _, key := range secretKeys() {
		if token, ok := answer[key].(string); ok {
			w.Secret(key, token)
		}
	}
}

// claims learns the name in a JWT.
func (w *Watch) claims(token string) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return
	}
	var claims struct{ Name string }
	if raw, err := base64.RawURLEncoding.DecodeString(parts[1]); err == nil && json.Unmarshal(raw, &claims) == nil {
		w.Person(claims.Name)
	}
}

// payload learns the names of an event, or of a customer or vendor that is made of it. A branch is a place.
func (w *Watch) payload(key string, v any) {
	switch v := v.(type) {
	case []any:
		for _, x := range v {
			w.payload(key, x)
		}
	case map[string]any:
		for k, x := range v {
			if k == "name" {
				k = key + ".name"
			}
			if k != "branch" {
				w.payload(k, x)
			}
		}
	case string:
		switch {
		case slices.Contains([]string{"first", "middle", "last", "actor.name", "payer", "payee", "DisplayName"}, key):
			w.Person(v)
		case strings.HasSuffix(key, ".name"):
			w.Business(v)
		}
	}
}
