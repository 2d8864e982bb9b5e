package qbo_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/qbo"
)

// tokens gives one token after another.
type tokens struct{ renewed int }

func (k *tokens) Token(context.Context, org.Company) (string, error) {
	return fmt.Sprint("secret-token-", k.renewed), nil
}

func (k *tokens) Renew(context.Context, org.Company, string) (string, error) {
	k.renewed++
	return fmt.Sprint("secret-token-", k.renewed), nil
}

// at is the company of an organisation.
func at(id string) org.Company { return org.Company{Org: id, Realm: "realm-" + id} }

// client is a client of a server that a test writes.
func client(t *testing.T, h http.HandlerFunc) (*qbo.Client, *tokens) {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	k := &tokens{}
	c, err := qbo.New(qbo.Options{BaseURL: server.URL, HTTP: server.Client(), Tokens: k, Timeout: 30 * time.Second, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return c, k
}

func someEntry(t *testing.T) journal.Entry {
	t.Helper()
	e, err := journal.New("2026-03-04", "24-0113-ABC", "a note", []journal.Line{
		{Side: journal.Debit, Amount: 10, Place: journal.Place{Account: "1", Class: "5", Location: "6", Name: &journal.Name{Kind: journal.Customer, ID: "7"}}, Description: "Check 1187"},
		{Side: journal.Credit, Amount: 10, Place: journal.Place{Account: "2"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestWhatGoesToQuickBooks(t *testing.T) {
	t.Parallel()
	var path, body, contentType, authorization string
	c, _ := client(t, func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		path, body, contentType, authorization = r.URL.String(), string(raw), r.Header.Get("Content-Type"), r.Header.Get("Authorization")
		_, _ = w.Write([]byte(`{"JournalEntry":{"Id":"192"},"time":"x"}`))
	})
	id, err := c.CreateJournalEntry(t.Context(), at("willow"), someEntry(t), "req-1")
	if err != nil || id != "192" {
		t.Fatalf("%q %v", id, err)
	}
	want := `{"DocNumber":"24-0113-ABC","TxnDate":"2026-03-04","PrivateNote":"a note","Line":[` +
		`{"Description":"Check 1187","Amount":0.10,"DetailType":"JournalEntryLineDetail","JournalEntryLineDetail":{"PostingType":"Debit","AccountRef":{"value":"1"},"Entity":{"Type":"Customer","EntityRef":{"value":"7"}},"ClassRef":{"value":"5"},"DepartmentRef":{"value":"6"}}},` +
		`{"Amount":0.10,"DetailType":"JournalEntryLineDetail","JournalEntryLineDetail":{"PostingType":"Credit","AccountRef":{"value":"2"}}}]}`
	if diff := cmp.Diff(want, body); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if path != "/v3/company/realm-willow/journalentry?minorversion=75&requestid=req-1" || contentType != "application/json" || authorization != "Bearer secret-token-0" {
		t.Errorf("%s %s %s", path, contentType, authorization)
	}
}

func TestEveryAnswerBecomesOneFault(t *testing.T) {
	t.Parallel()
	service := func(code, detail string) string {
		return `{"Fault":{"Error":[{"Message":"m","Detail":"` + detail + `","code":"` + code + `","element":""}],"type":"ValidationFault"},"time":"x"}`
	}
	gateway := func(code string) string {
		return `{"warnings":null,"fault":{"error":[{"message":"message=X","detail":"Token expired: AB0160","code":"` + code + `","element":null}],"type":"SERVICE"},"time":1}`
	}
	for name, a := range map[string]struct {
		status      int
		body        string
		write, read fault.Code
	}{
		"400 a business rule":                {400, service("6000", "Business Validation Error: Fill out at least two detail lines to continue."), fault.Refused, fault.Refused},
		"400 6000 an unexpected error":       {400, service("6000", "An unexpected error occurred while accessing or saving your data. Please wait a few minutes and try again."), fault.Unknown, fault.Unavailable},
		"400 6000 an internal error":         {400, service("6000", "Unexpected Internal Error. (-30000)"), fault.Unknown, fault.Unavailable},
		"400 6140 a number in use":           {400, service("6140", "This number has already been used."), fault.Refused, fault.Refused},
		"400 600 received before":            {400, service("600", "Our system detected the duplicate."), fault.Unknown, fault.Unavailable},
		"400 6210 closed books":              {400, service("6210", "The account period has closed"), fault.Refused, fault.Refused},
		"400 6240 a name in use":             {400, service("6240", "The name supplied already exists. : null"), fault.NameTaken, fault.NameTaken},
		"400 610 something inactive":         {400, service("610", "Something you're trying to use has been made inactive."), fault.Refused, fault.Refused},
		"401 of the gateway, twice":          {401, gateway("3200"), fault.Disconnected, fault.Disconnected},
		"401 as XML, twice":                  {401, `<?xml version="1.0"?><IntuitResponse><Fault type="AUTHENTICATION"/></IntuitResponse>`, fault.Disconnected, fault.Disconnected},
		"403 of the gateway":                 {403, gateway("3100"), fault.Disconnected, fault.Disconnected},
		"429 of the gateway":                 {429, gateway("3001"), fault.Throttled, fault.Throttled},
		"429 as a page":                      {429, `<html>slow down</html>`, fault.Throttled, fault.Throttled},
		"403 that is a throttle":             {403, gateway("3001"), fault.Throttled, fault.Throttled},
		"500 with a fault":                   {500, service("10000", "System Failure Error"), fault.Unknown, fault.Unavailable},
		"502 as a page":                      {502, `<html>Bad Gateway</html>`, fault.Unknown, fault.Unavailable},
		"503 empty":                          {503, ``, fault.Unknown, fault.Unavailable},
		"200 with a fault inside":            {200, service("6000", "Business Validation Error: no"), fault.Refused, fault.Refused},
		"200 with a lower-case fault inside": {200, gateway("3001"), fault.Throttled, fault.Throttled},
		"200 cut off":                        {200, `{"JournalEntry":{"Id":"1`, fault.Unknown, fault.Unavailable},
		"200 as a page":                      {200, `<html>Sign in</html>`, fault.Unknown, fault.Unavailable},
		"302 to somewhere":                   {304, ``, fault.Unknown, fault.Unavailable},
		"404 as a page":                      {404, `<html>Not Found</html>`, fault.Unknown, fault.Unavailable},
		"400 as a page":                      {400, `<html>Bad Request</html>`, fault.Unknown, fault.Unavailable},
		"400 with an empty fault":            {400, `{"Fault":{"Error":[],"type":"ValidationFault"}}`, fault.Unknown, fault.Unavailable},
		"400 6240 with its code as a number": {400, `{"Fault":{"Error":[{"Message":"m","code":6240}]}}`, fault.NameTaken, fault.NameTaken},
		"400 6240 without its list":          {400, `{"Fault":{"Error":{"Message":"m","code":"6240"}}}`, fault.NameTaken, fault.NameTaken},
		"200 that answers nothing":           {200, `{"time":"x"}`, fault.Unknown, fault.Unavailable},
		"200 null":                           {200, `null`, fault.Unknown, fault.Unavailable},
		"200 with a fault before a null one": {200, `{"Fault":{"Error":[{"Message":"m","code":"3001"}]},"fault":null}`, fault.Throttled, fault.Throttled},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, _ := client(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header()["intuit_tid"] = []string{"1-5f73"}
				w.WriteHeader(a.status)
				_, _ = w.Write([]byte(a.body))
			})
			calls := map[string]func() error{
				"create entry": func() error { _, err := c.CreateJournalEntry(t.Context(), at("o"), someEntry(t), "r"); return err },
				"create customer": func() error {
					_, err := c.CreateCustomer(t.Context(), at("o"), journal.NewName{Display: "x"}, "r")
					return err
				},
				"create vendor": func() error {
					_, err := c.CreateVendor(t.Context(), at("o"), journal.NewName{Display: "x"}, "r")
					return err
				},
				"find entries": func() error { _, err := c.JournalEntriesByDocNumber(t.Context(), at("o"), []string{"d"}); return err },
				"find names":   func() error { _, err := c.NamesCalled(t.Context(), at("o"), "x"); return err },
				"accounts":     func() error { _, err := c.Accounts(t.Context(), at("o")); return err },
				"preferences":  func() error { _, err := c.Preferences(t.Context(), at("o")); return err },
			}
			for call, do := range calls {
				want := a.read
				if strings.HasPrefix(call, "create") {
					want = a.write
				}
				err := do()
				f := fault.As(err)
				if f.Code != want || f.Message == "" {
					t.Errorf("%s: %v, want %s", call, err, want)
				}
				if strings.Contains(err.Error(), "secret-token") {
					t.Errorf("%s: the error tells the token: %v", call, err)
				}
				if f.Code == fault.Throttled && f.RetryAfter != time.Minute {
					t.Errorf("%s: wait %s", call, f.RetryAfter)
				}
				if a.status != 200 && f.Code != fault.Unavailable && f.Trace != "1-5f73" {
					t.Errorf("%s: intuit_tid %q", call, f.Trace)
				}
			}
		})
	}
}

func TestAnAnswerThatSaysNothingKeepsItsTrace(t *testing.T) {
	t.Parallel()
	c, _ := client(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["intuit_tid"] = []string{"1-tid"}
		_, _ = w.Write([]byte(`{"JournalEntry":{},"Customer":{}}`))
	})
	_, wrote := c.CreateJournalEntry(t.Context(), at("o"), someEntry(t), "r")
	_, read := c.Preferences(t.Context(), at("o"))
	_, asked := c.NamesCalled(t.Context(), at("o"), "x")
	for err, want := range map[error]fault.Code{wrote: fault.Unknown, read: fault.Unavailable, asked: fault.Unavailable} {
		if f := fault.As(err); f.Code != want || f.Trace != "1-tid" {
			t.Errorf("%+v", f)
		}
	}
}

func TestWhatCannotHaveArrivedIsNotUnknown(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	c, err := qbo.New(qbo.Options{BaseURL: server.URL, HTTP: http.DefaultClient, Tokens: &tokens{}, Timeout: time.Second, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.CreateJournalEntry(t.Context(), at("o"), someEntry(t), "r"); !fault.Is(err, fault.Unavailable) {
		t.Errorf("nobody listens: %v", err)
	}
	cut, _ := client(t, func(w http.ResponseWriter, _ *http.Request) {
		conn, _, _ := w.(http.Hijacker).Hijack()
		_ = conn.Close()
	})
	if _, err := cut.CreateJournalEntry(t.Context(), at("o"), someEntry(t), "r"); !fault.Is(err, fault.Unknown) {
		t.Errorf("the connection was cut after the request: %v", err)
	}
	waiting, cancel := context.WithCancel(t.Context())
	hung, _ := client(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // a server sees that its client left only after it read the request
		cancel()
		<-r.Context().Done()
	})
	if _, err := hung.CreateJournalEntry(waiting, at("o"), someEntry(t), "r"); !fault.Is(err, fault.Unknown) {
		t.Errorf("no answer in time: %v", err)
	}
}

func TestNothingThatWasReadOrAskedIsInTheErrorOfAnUnansweredRequest(t *testing.T) {
	t.Parallel()
	for name, written := range map[string]string{
		"no HTTP": "John Smith owes 10.00\r\n\r\n", "no status": "HTTP/1.1 John\r\n\r\n", "no header": "HTTP/1.1 200 OK\r\nJohn Smith\r\n\r\n",
		"no length": "HTTP/1.1 200 OK\r\nContent-Length: John\r\n\r\n", "cut off": "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"John",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, _ := client(t, func(w http.ResponseWriter, _ *http.Request) {
				conn, _, _ := w.(http.Hijacker).Hijack()
				_, _ = io.WriteString(conn, written)
				_ = conn.Close()
			})
			_, read := c.NamesCalled(t.Context(), at("o"), "John Smith")
			_, wrote := c.CreateCustomer(t.Context(), at("o"), journal.NewName{Display: "John Smith"}, "requestid-of-John")
			if !fault.Is(read, fault.Unavailable) || !fault.Is(wrote, fault.Unknown) {
				t.Errorf("read %v, wrote %v", read, wrote)
			}
			for _, err := range []error{read, wrote} {
				for _, never := range []string{"John", "Smith", "requestid", "secret-token"} {
					if strings.Contains(err.Error(), never) {
						t.Errorf("%q is in %q", never, err)
					}
				}
			}
		})
	}
}

func TestATokenIsRenewedOnceUnderTheSameRequestid(t *testing.T) {
	t.Parallel()
	var seen []string
	c, k := client(t, func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.Header.Get("Authorization")+" "+r.URL.Query().Get("requestid"))
		if len(seen) == 1 {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = w.Write([]byte(`{"JournalEntry":{"Id":"1"}}`))
	})
	if _, err := c.CreateJournalEntry(t.Context(), at("o"), someEntry(t), "r1"); err != nil || k.renewed != 1 {
		t.Fatalf("%v, renewed %d", err, k.renewed)
	}
	if diff := cmp.Diff([]string{"Bearer secret-token-0 r1", "Bearer secret-token-1 r1"}, seen); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestQueriesAreQuotedAndPaged(t *testing.T) {
	t.Parallel()
	var statements []string
	c, _ := client(t, func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		statements = append(statements, string(raw))
		switch {
		case strings.Contains(string(raw), "Account") && strings.Contains(string(raw), "startposition 1 "):
			_, _ = fmt.Fprintf(w, `{"QueryResponse":{"Account":[%s{"Id":"x"}]}}`, strings.Repeat(`{"Id":"1"},`, 999))
		case strings.Contains(string(raw), "Account"):
			_, _ = w.Write([]byte(`{"QueryResponse":{"Account":[{"Id":"last","Name":"N","AccountType":"Bank","Active":true}]}}`))
		default:
			_, _ = w.Write([]byte(`{"QueryResponse":{}}`))
		}
	})
	if found, err := c.NamesCalled(t.Context(), at("o"), `Sean O'Brien \ x`); err != nil || len(found) != 0 {
		t.Errorf("%v %v", found, err)
	}
	if want := `select * from Customer where DisplayName = 'Sean O\'Brien \\ x' and Active in (true, false) startposition 1 maxresults 1000`; statements[0] != want || len(statements) != 3 {
		t.Errorf("%q", statements)
	}
	accounts, err := c.Accounts(t.Context(), at("o"))
	if err != nil || len(accounts) != 1001 || accounts[1000] != (journal.Account{ID: "last", Name: "N", Type: "Bank", Active: true}) {
		t.Errorf("%d accounts, %v", len(accounts), err)
	}
	statements = nil
	if _, err := c.JournalEntriesByDocNumber(t.Context(), at("o"), make([]string, 61)); err != nil || len(statements) != 3 {
		t.Errorf("%d statements for 61 numbers, %v", len(statements), err)
	}
}

// signIn is a client of a sign-in that a test writes.
func signIn(t *testing.T, o qbo.OAuthOptions, client *http.Client) *qbo.OAuth {
	t.Helper()
	oauth, err := qbo.NewOAuth(o, client, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return oauth
}

func TestSecretsGoToIntuitOnly(t *testing.T) {
	t.Parallel()
	const bearer, revoke = "https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer", "https://developer.api.intuit.com/v2/oauth2/tokens/revoke"
	for _, o := range []qbo.OAuthOptions{{TokenURL: bearer, RevokeURL: revoke}, {TokenURL: "http://127.0.0.1:8090/x", RevokeURL: "http://localhost/y"}} {
		if _, err := qbo.NewOAuth(o, http.DefaultClient, time.Minute); err != nil {
			t.Error(err)
		}
	}
	for _, elsewhere := range []string{"", "https://example.com/x", "http://oauth.platform.intuit.com/x", "https://oauth.platform.intuit.com.example.com/x", "https://quickbooks.api.intuit.com:444/x", "http://10.0.0.1/"} {
		for _, o := range []qbo.OAuthOptions{{TokenURL: elsewhere, RevokeURL: revoke}, {TokenURL: bearer, RevokeURL: elsewhere}} {
			if _, err := qbo.NewOAuth(o, http.DefaultClient, time.Minute); !fault.Is(err, fault.Invalid) {
				t.Errorf("%+v: %v", o, err)
			}
		}
		if _, err := qbo.New(qbo.Options{BaseURL: elsewhere, HTTP: http.DefaultClient, Tokens: &tokens{}, Timeout: time.Minute, Now: time.Now}); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", elsewhere, err)
		}
	}
	stolen := ""
	thief := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		stolen += r.Header.Get("Authorization") + r.FormValue("refresh_token")
	}))
	t.Cleanup(thief.Close)
	redirecting := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, thief.URL, http.StatusTemporaryRedirect)
	}))
	t.Cleanup(redirecting.Close)
	if _, err := signIn(t, qbo.OAuthOptions{TokenURL: redirecting.URL, RevokeURL: redirecting.URL}, redirecting.Client()).Refresh(t.Context(), "AB10"); err == nil || stolen != "" {
		t.Errorf("a redirect was followed with %q, %v", stolen, err)
	}
}

func TestTheTokenEndpoint(t *testing.T) {
	t.Parallel()
	for name, a := range map[string]struct {
		status int
		body   string
		want   fault.Code
	}{
		"good":                       {200, `{"x_refresh_token_expires_in":8726400,"refresh_token":"AB11","access_token":"eyJ","token_type":"bearer","expires_in":3600}`, ""},
		"invalid_grant":              {400, `{"error":"invalid_grant"}`, fault.Disconnected},
		"invalid_grant with reasons": {400, `{"error_description":"Token invalid","error":"invalid_grant"}`, fault.Disconnected},
		"wrong client":               {401, `{"error":"invalid_client"}`, fault.Unavailable},
		"a fault":                    {500, `{}`, fault.Unavailable},
		"a page":                     {502, `<html>`, fault.Unavailable},
		"half an answer":             {200, `{"refresh_token":"AB11","acc`, fault.Unavailable},
		"an answer without a token":  {200, `{"refresh_token":"AB11"}`, fault.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if id, secret, _ := r.BasicAuth(); id != "id" || secret != "shh" || r.FormValue("grant_type") != "refresh_token" || r.FormValue("refresh_token") != "AB10" {
					t.Errorf("asked with %s", r.Form)
				}
				w.WriteHeader(a.status)
				_, _ = w.Write([]byte(a.body))
			}))
			t.Cleanup(server.Close)
			got, err := signIn(t, qbo.OAuthOptions{TokenURL: server.URL, RevokeURL: server.URL, ClientID: "id", ClientSecret: "shh"}, server.Client()).Refresh(t.Context(), "AB10")
			if fault.CodeOf(err) != a.want || (err == nil && (got.Access != "eyJ" || got.Refresh != "AB11" || got.AccessFor != time.Hour)) {
				t.Errorf("%+v %v", got, err)
			}
			if err != nil && (strings.Contains(err.Error(), "AB1") || strings.Contains(err.Error(), "shh")) {
				t.Errorf("the error tells a secret: %v", err)
			}
		})
	}
}
