package webhook_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/qbosim"
	"github.com/passare/qbo-sync/internal/reconcile"
	"github.com/passare/qbo-sync/internal/webhook"
)

const (
	token = "0e6c5b0a-3a0c-4e53-9ef2-5d9a2c6f3c11"
	older = "c7a1f2de-9b7e-4c5e-8d6a-1f0b2a3c4d5e"
)

func quickBooks(t testing.TB, tokens ...string) *webhook.QuickBooks {
	t.Helper()
	q, err := webhook.NewQuickBooks(tokens...)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func moment(s string) time.Time {
	at, _ := time.Parse(time.RFC3339Nano, s)
	return at.UTC()
}

func TestSignaturesOfQuickBooks(t *testing.T) {
	t.Parallel()
	// By openssl: printf '[]' | openssl dgst -sha256 -hmac $token -binary | base64
	const body, known = "[]", "OZbz1bhVn0c7Eb93PiWf4wmw9XXRQwIdu+FW8EqJ7xg="
	good := webhook.SignQuickBooks(token, []byte(body))
	if good != known {
		t.Errorf("signed %s", good)
	}
	for name, c := range map[string]struct {
		tokens    []string
		signature string
		ok        bool
	}{
		"good":                                {[]string{token}, good, true},
		"the token before, while both live":   {[]string{token, older}, webhook.SignQuickBooks(older, []byte(body)), true},
		"the token after, while both live":    {[]string{older, token}, good, true},
		"the token before, when it has ended": {[]string{token}, webhook.SignQuickBooks(older, []byte(body)), false},
		"another body's":                      {[]string{token}, webhook.SignQuickBooks(token, []byte("[] ")), false},
		"missing":                             {[]string{token}, "", false},
		"no base64":                           {[]string{token}, "*", false},
		"half":                                {[]string{token}, good[:20], false},
		"with something behind it":            {[]string{token}, good + "=", false},
		"another spelling of the same bytes":  {[]string{token}, good[:len(good)-2] + string(good[len(good)-2]+1) + "=", false},
		"without any token":                   {nil, good, false},
		"of an empty token, without any":      {nil, webhook.SignQuickBooks("", []byte(body)), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := quickBooks(t, c.tokens...).Open(c.signature, []byte(body))
			if (err == nil) != c.ok || (err != nil && !fault.Is(err, fault.Unauthenticated)) {
				t.Error(err)
			}
		})
	}
}

func TestVerifierTokensThatAreNone(t *testing.T) {
	t.Parallel()
	for _, tokens := range [][]string{{""}, {"short"}, {token, ""}} {
		if _, err := webhook.NewQuickBooks(tokens...); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", tokens, err)
		}
	}
}

func hint(realm, entity, id, operation string, at time.Time) reconcile.Hint {
	return reconcile.Hint{Realm: realm, Entity: entity, ID: id, Operation: operation, At: at}
}

func TestADeliveryIsReadInEitherFormat(t *testing.T) {
	t.Parallel()
	event := func(id, kind, entity, realm string) string {
		return `{"specversion":"1.0","id":"` + id + `","source":"intuit.abc=","type":"` + kind + `","datacontenttype":"application/json","time":"2025-09-10T21:31:25.179851517Z",` +
			`"intuitentityid":"` + entity + `","intuitaccountid":"` + realm + `","data":{}}`
	}
	at := moment("2025-09-10T21:31:25.179851517Z")
	for name, c := range map[string]struct {
		body string
		want []reconcile.Hint
	}{
		"one event": {`[` + event("1", "qbo.journalentry.updated.v1", "12", "46") + `]`, []reconcile.Hint{hint("46", "JournalEntry", "12", "updated", at)}},
		"of several companies": {
			`[` + event("1", "qbo.customer.created.v1", "12", "46") + `,` + event("2", "qbo.account.created.v1", "12", "47") + `]`,
			[]reconcile.Hint{hint("46", "Customer", "12", "created", at), hint("47", "Account", "12", "created", at)},
		},
		"void in both spellings": {
			`[` + event("1", "qbo.journalentry.void.v1", "12", "46") + `,` + event("2", "qbo.journalentry.voided.v1", "13", "46") + `]`,
			[]reconcile.Hint{hint("46", "JournalEntry", "12", "voided", at), hint("46", "JournalEntry", "13", "voided", at)},
		},
		"the same event twice": {
			`[` + event("1", "qbo.customer.created.v1", "12", "46") + `,` + event("1", "qbo.customer.created.v1", "12", "46") + `]`,
			[]reconcile.Hint{hint("46", "Customer", "12", "created", at)},
		},
		"the same change in two events": {
			`[` + event("1", "qbo.customer.created.v1", "12", "46") + `,` + event("2", "qbo.customer.created.v1", "12", "46") + `]`,
			[]reconcile.Hint{hint("46", "Customer", "12", "created", at)},
		},
		"an entity that is not known":       {`[` + event("1", "qbo.somethingnew.created.v2", "12", "46") + `]`, []reconcile.Hint{hint("46", "somethingnew", "12", "created", at)}},
		"events that are none of an entity": {`[` + event("1", "qbo.app.v1", "", "") + `,` + event("2", "payments.charge.created.v1", "", "") + `]`, nil},
		"one event without its list":        {event("1", "qbo.customer.merged.v1", "12", "46"), []reconcile.Hint{hint("46", "Customer", "12", "merged", at)}},
		"without a time that can be read":   {strings.Replace(event("1", "qbo.customer.merged.v1", "12", "46"), "2025-09-10T", "10/9/2025 ", 1), []reconcile.Hint{hint("46", "Customer", "12", "merged", time.Time{})}},
		"no event":                          {` [] `, nil},
		"legacy": {
			`{"eventNotifications":[{"realmId":"46","dataChangeEvent":{"entities":[` +
				`{"name":"JournalEntry","id":"1","operation":"Create","lastUpdated":"2015-10-05T14:42:19-0700"},` +
				`{"name":"JournalEntry","id":"2","operation":"Update","lastUpdated":"2015-10-05T14:42:19.250-07:00"},` +
				`{"name":"JournalEntry","id":"3","operation":"Delete","lastUpdated":"2015-10-05T21:42:19.000Z"},` +
				`{"name":"Invoice","id":"4","operation":"Void"},{"name":"Invoice","id":"5","operation":"Emailed"},` +
				`{"name":"Customer","id":"6","deletedId":"7","operation":"Merge"}]}},` +
				`{"realmId":"47","dataChangeEvent":{"entities":[{"name":"Customer","id":"1","operation":"Create"},{"name":"Customer","id":"1","operation":"Create"}]}}]}`,
			[]reconcile.Hint{
				hint("46", "JournalEntry", "1", "created", moment("2015-10-05T21:42:19Z")),
				hint("46", "JournalEntry", "2", "updated", moment("2015-10-05T21:42:19.25Z")),
				hint("46", "JournalEntry", "3", "deleted", moment("2015-10-05T21:42:19Z")),
				hint("46", "Invoice", "4", "voided", time.Time{}),
				hint("46", "Invoice", "5", "emailed", time.Time{}),
				hint("46", "Customer", "6", "merged", time.Time{}),
				hint("46", "Customer", "7", "merged", time.Time{}),
				hint("47", "Customer", "1", "created", time.Time{}),
			},
		},
		"legacy without anything": {`{"eventNotifications":[{"realmId":"","dataChangeEvent":{"entities":[]}},{}]}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := quickBooks(t, token).Open(webhook.SignQuickBooks(token, []byte(c.body)), []byte(c.body))
			if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
				t.Error(diff, err)
			}
		})
	}
}

func TestWhatIsNoDeliveryOfQuickBooks(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("9", 51)
	for body, fields := range map[string]string{
		"":                            "body",
		"null":                        "body",
		"{}":                          "body",
		"7":                           "body",
		`"text"`:                      "body",
		"[1]":                         "body",
		"[] []":                       "body",
		`{"eventNotifications":7}`:    "body",
		`{"eventNotifications":null}`: "body",
		"\x00\xff":                    "body",
		`[null,{}]`:                   "[0].specversion [1].specversion",
		`[{"specversion":"1.0","type":"qbo.customer.created.v1"}]`:                                                     "[0].intuitaccountid [0].intuitentityid",
		`{"specversion":"1.0","type":"qbo.customer.created.v1","intuitentityid":"1","intuitaccountid":"` + long + `"}`: "intuitaccountid",
		`{"eventNotifications":[{"dataChangeEvent":{"entities":[{"deletedId":"` + long + `"}]}}]}`: "eventNotifications[0].realmId " +
			"eventNotifications[0].dataChangeEvent.entities[0].name eventNotifications[0].dataChangeEvent.entities[0].id eventNotifications[0].dataChangeEvent.entities[0].deletedId",
	} {
		hints, err := webhook.Hints([]byte(body))
		var wrong []string
		for _, f := range fault.As(err).Fields {
			wrong = append(wrong, f.Field)
		}
		if !fault.Is(err, fault.Invalid) || hints != nil || strings.Join(wrong, " ") != fields {
			t.Errorf("%q: %v, %v", body, hints, err)
		}
	}
}

// TestAWholeMebibyteIsReadAtOnce: the largest body that httpapi takes.
func TestAWholeMebibyteIsReadAtOnce(t *testing.T) {
	t.Parallel()
	const one = `{"specversion":"1.0","id":"","type":"qbo.customer.created.v1","intuitentityid":"12","intuitaccountid":"46"},`
	body := "[" + strings.TrimSuffix(strings.Repeat(one, (1<<20)/len(one)), ",") + "]"
	if hints, err := webhook.Hints([]byte(body)); err != nil || len(hints) != 1 {
		t.Errorf("%d hints, %v", len(hints), err)
	}
	for _, deep := range []string{strings.Repeat("[", 1<<20), strings.Repeat(`{"data":`, 1<<17)} {
		if _, err := webhook.Hints([]byte(deep)); !fault.Is(err, fault.Invalid) {
			t.Error(err)
		}
	}
}

// FuzzHints: whatever stands in a body, it is read as hints that name something, or refused as input; and nobody's hint comes from a body that is not signed.
func FuzzHints(f *testing.F) {
	for _, s := range []string{
		"", "[]", "{}", "null", `[{"specversion":"1.0","id":"1","type":"qbo.journalentry.void.v1","intuitentityid":"1","intuitaccountid":"2","time":"2025-09-10T21:31:25Z"}]`,
		`{"eventNotifications":[{"realmId":"1","dataChangeEvent":{"entities":[{"name":"Customer","id":"1","deletedId":"2","operation":"Merge","lastUpdated":"2015-10-05T14:42:19-0700"}]}}]}`,
	} {
		f.Add(s, "")
	}
	q := quickBooks(f, token)
	f.Fuzz(func(t *testing.T, body, signature string) {
		hints, err := webhook.Hints([]byte(body))
		if err != nil && (!fault.Is(err, fault.Invalid) || len(fault.As(err).Fields) == 0 || hints != nil) {
			t.Fatalf("%v, %v", hints, err)
		}
		seen := map[reconcile.Hint]bool{}
		for _, h := range hints {
			if h.Realm == "" || h.ID == "" || h.Entity == "" || seen[h] {
				t.Errorf("%+v", h)
			}
			seen[h] = true
		}
		if _, err := q.Open(signature, []byte(body)); !fault.Is(err, fault.Unauthenticated) && signature != webhook.SignQuickBooks(token, []byte(body)) {
			t.Errorf("%q was taken", signature)
		}
	})
}

// TestWhatQuickBooksSendsIsTaken: the simulator signs and writes both formats by itself.
func TestWhatQuickBooksSendsIsTaken(t *testing.T) {
	t.Parallel()
	now := moment("2026-09-10T21:31:25.179Z")
	var mu sync.Mutex
	got := map[string][]reconcile.Hint{}
	q := quickBooks(t, older, token)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		hints, err := q.Open(r.Header.Get("intuit-signature"), body)
		if err != nil {
			t.Error(err)
		}
		mu.Lock()
		defer mu.Unlock()
		got[r.URL.Path] = append(got[r.URL.Path], hints...)
	}))
	t.Cleanup(receiver.Close)
	sim := qbosim.New(qbosim.Options{Now: func() time.Time { return now }, ClientID: "id", ClientSecret: "secret", Notify: receiver.Client()})
	sim.Hook(receiver.URL+"/new", token, false)
	sim.Hook(receiver.URL+"/old", token, true)
	if err := sim.AddCompany(qbosim.Company{Realm: "1001", Accounts: []qbosim.NewAccount{{Name: "Checking", AccountType: "Bank"}}}); err != nil {
		t.Fatal(err)
	}
	sim.Notified()
	want := []reconcile.Hint{{Realm: "1001", Entity: "Account", ID: "1", Operation: "created", At: now}}
	if diff := cmp.Diff(map[string][]reconcile.Hint{"/new": want, "/old": want}, got); diff != "" {
		t.Error(diff)
	}
}
