package qbosim

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"
)

// hook is where webhooks go: signed with the verifier token, in the format of 2026 or the one before.
type hook struct {
	URL      string `json:"url"`
	Verifier string `json:"verifier"`
	Legacy   bool   `json:"legacy"`
}

// notify tells every hook that an object was created, updated or deleted, or that another was merged into it. Delivery is by the way: no order, no repeat.
func (s *Sim) notify(co *company, r *row, operation string) {
	if s.o.Notify == nil {
		return
	}
	for _, h := range s.hooks {
		body := s.notice(co, r, operation, h.Legacy)
		s.notices.Go(func() { s.send(h, body) })
	}
}

// notice is the body of one webhook.
func (s *Sim) notice(co *company, r *row, operation string, legacy bool) []byte {
	var v any = []any{ordered{
		{"specversion", "1.0"},
		{"id", s.opaque("notice")[:32]},
		{"source", "intuit." + s.opaque("source")[:16] + "="},
		{"type", "qbo." + strings.ToLower(r.x.name) + "." + operation + ".v1"},
		{"datacontenttype", "application/json"},
		{"time", s.o.Now().UTC().Format("2006-01-02T15:04:05.000000000Z")},
		{"intuitentityid", r.ident},
		{"intuitaccountid", co.realm},
		{"data", ordered{}},
	}}
	if legacy {
		past := map[string]string{"created": "Create", "updated": "Update", "deleted": "Delete", "merged": "Merge"}[operation]
		entity := ordered{{"name", r.x.name}, {"id", r.ident}, {"operation", past}, {"lastUpdated", s.stamp()}}
		if operation == "merged" {
			entity = append(entity, field{"deletedId", r.merged})
		}
		v = ordered{{"eventNotifications", []any{ordered{{"realmId", co.realm}, {"dataChangeEvent", ordered{{"entities", []any{entity}}}}}}}}
	}
	body, _ := plain(v)
	return body
}

func (s *Sim) send(h hook, body []byte) {
	mac := hmac.New(sha256.New, []byte(h.Verifier))
	mac.Write(body)
	req, err := http.NewRequest(http.MethodPost, h.URL, bytes.NewReader(body))
	if err != nil {
		return
	}
	req.Header.Set("Content-Type", "application/cloudevents+json")
	if h.Legacy {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("intuit-signature", base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	if res, err := s.o.Notify.Do(req); err == nil {
		_ = res.Body.Close()
	}
}

// Notified waits until every webhook that is due was sent.
func (s *Sim) Notified() { s.notices.Wait() }
