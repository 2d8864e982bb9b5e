package qbo_test

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/qbo"
	"github.com/passare/qbo-sync/internal/qbosim"
)

// carrier takes requests to their answers without a network.
type carrier func(r *http.Request) *http.Response

func (c carrier) RoundTrip(r *http.Request) (*http.Response, error) { return c(r), nil }

func carried(t *testing.T, k qbo.Tokens, c carrier) *qbo.Client {
	t.Helper()
	client, err := qbo.New(qbo.Options{BaseURL: "http://127.0.0.1", HTTP: &http.Client{Transport: c}, Tokens: k, Timeout: time.Minute, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// books is a simulated company with the real client before it; every statement that was asked is kept.
type books struct {
	t          *testing.T
	client     *qbo.Client
	statements []string
	accounts   []journal.Account
}

func newBooks(t *testing.T) *books {
	t.Helper()
	const realm = "realm-o"
	sim := qbosim.New(qbosim.Options{Now: time.Now, ClientID: "id", ClientSecret: "shh"})
	if err := sim.AddCompany(qbosim.Company{Realm: realm, Accounts: []qbosim.NewAccount{{Name: "Cash", AccountType: "Bank"}, {Name: "Sales", AccountType: "Income"}}}); err != nil {
		t.Fatal(err)
	}
	b, handler := &books{t: t}, sim.Handler()
	carry := carrier(func(r *http.Request) *http.Response {
		body, _ := io.ReadAll(r.Body)
		if strings.HasSuffix(r.URL.Path, "/query") {
			b.statements = append(b.statements, string(body))
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		return w.Result()
	})
	oauth := signIn(t, qbo.OAuthOptions{
		TokenURL: "http://127.0.0.1/oauth2/v1/tokens/bearer", RevokeURL: "http://127.0.0.1", ClientID: "id", ClientSecret: "shh",
	}, &http.Client{Transport: carry})
	granted, err := oauth.Refresh(t.Context(), sim.Grant(realm))
	if err != nil {
		t.Fatal(err)
	}
	b.client = carried(t, oneToken(granted.Access), carry)
	if b.accounts, err = b.client.Accounts(t.Context(), at("o")); err != nil || len(b.accounts) != 2 {
		t.Fatal(b.accounts, err)
	}
	b.statements = nil
	return b
}

// neighbours are texts that a wrongly written statement could find instead of the one that was meant.
func neighbours(s string) []string {
	return []string{
		"1", "x", s + "x", s + `\`, s + `'`, strings.ReplaceAll(s, `\`, ""), strings.ReplaceAll(s, `'`, ""), strings.ReplaceAll(s, `'`, `''`),
		strings.ReplaceAll(s, `'`, `\'`), strings.ReplaceAll(s, `\'`, `'`), strings.ReplaceAll(s, `\\`, `\`), strings.ReplaceAll(s, "%", "any"), strings.ReplaceAll(s, "+", " "),
	}
}

// asked checks that a statement is the one value between what must stand around it.
func (b *books) asked(statement, before, value, after string) {
	b.t.Helper()
	rest, ok := strings.CutPrefix(statement, before+"'")
	var read strings.Builder
	for ok && !strings.HasPrefix(rest, "'") && rest != "" {
		if rest[0] == '\\' && len(rest) > 1 {
			rest = rest[1:]
		}
		read.WriteByte(rest[0])
		rest = rest[1:]
	}
	if !ok || read.String() != value || rest != "'"+after {
		b.t.Errorf("%q became the statement %q", value, statement)
	}
}

func values() []string {
	return []string{
		"Smith", "", " ", "O'Brien", `Sean O\'Brien`, `back\slash`, `trailing\`, `two trailing\\`, `quote and back-slash'\`, `''`, `'`, `\'`, `\\'`, "%", "100%", "_", "a&b", "#1", "a+b", "a%20b",
		"☕ 🙂", "Zoë Müller-Núñez", "Ñ", `') or Id in ('1`, `' or Active in (true) startposition 1 maxresults 1 --`, "a\x00b", "a\nb", "a\tb", "a:b", "10.00", "10", "2026-03-02T15:04:05Z", "\xff",
		"a\xff\xfeb", "K", "ſ", "İ", `"x"`, "?requestid=1", "/* x */", strings.Repeat("y", 100), strings.Repeat("'", 21), strings.Repeat(`\`, 21), " padded ", " ",
	}
}

// asKept is a text as QuickBooks keeps it: what is no UTF-8 cannot be written in JSON, and names are kept without white space around them.
func asKept(s string) string { return strings.TrimSpace(string([]rune(s))) }

// FuzzAName: any display name finds the customer of that name and no other. QuickBooks' own comparison ignores case, and takes what
// looks like an amount for one; who asks compares exactly.
func FuzzAName(f *testing.F) {
	for _, s := range values() {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		b, kept := newBooks(t), map[string]string{}
		for i, n := range append([]string{name}, neighbours(name)...) {
			id, err := b.client.CreateCustomer(t.Context(), at("o"), journal.NewName{Display: n}, fmt.Sprint("r", i))
			switch {
			case err == nil:
				kept[asKept(n)] = id
			case !fault.Is(err, fault.Refused) && !fault.Is(err, fault.NameTaken):
				t.Fatalf("creating %q: %v", n, err)
			}
		}
		found, err := b.client.NamesCalled(t.Context(), at("o"), name)
		if err != nil {
			t.Fatalf("looking %q up: %v", name, err)
		}
		exact := ""
		for _, x := range found {
			switch {
			case x.Display == string([]rune(name)) && exact == "":
				exact = x.ID
			case !strings.EqualFold(x.Display, name) && !looksLikeAnAmount(x.Display):
				t.Errorf("%q finds %q", name, x.Display)
			}
		}
		if want := kept[string([]rune(name))]; exact != want {
			t.Errorf("%q finds the id %q, want %q", name, exact, want)
		}
		for i, kind := range []string{"Customer", "Vendor", "Employee"} {
			b.asked(b.statements[i], "select * from "+kind+" where DisplayName = ", string([]rune(name)), " and Active in (true, false) startposition 1 maxresults 1000")
		}
	})
}

func looksLikeAnAmount(s string) bool { return strings.Trim(s, "-.0123456789") == "" }

// FuzzANumber: any DocNumber finds the entry of that number and no other.
func FuzzANumber(f *testing.F) {
	for _, s := range values() {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, doc string) {
		b := newBooks(t)
		kept := map[string][]string{}
		for i, n := range append([]string{doc}, neighbours(doc)...) {
			e, err := journal.New("2026-03-04", n, "", []journal.Line{
				{Side: journal.Debit, Amount: 10, Place: journal.Place{Account: b.accounts[0].ID}},
				{Side: journal.Credit, Amount: 10, Place: journal.Place{Account: b.accounts[1].ID}},
			})
			if err != nil {
				continue // no number at all, or a longer one than QuickBooks takes
			}
			id, err := b.client.CreateJournalEntry(t.Context(), at("o"), e, fmt.Sprint("r", i))
			if err != nil {
				t.Fatalf("creating %q: %v", n, err)
			}
			kept[string([]rune(n))] = append(kept[string([]rune(n))], id)
		}
		found, err := b.client.JournalEntriesByDocNumber(t.Context(), at("o"), []string{doc})
		if err != nil {
			t.Fatalf("looking %q up: %v", doc, err)
		}
		var ids []string
		for _, x := range found {
			if ids = append(ids, x.ID); x.DocNumber != string([]rune(doc)) {
				t.Errorf("%q finds %q", doc, x.DocNumber)
			}
		}
		want := kept[string([]rune(doc))]
		slices.Sort(ids)
		slices.Sort(want)
		if !slices.Equal(want, ids) {
			t.Errorf("%q finds %v, want %v", doc, ids, want)
		}
		b.asked(b.statements[0], "select * from JournalEntry where DocNumber in (", string([]rune(doc)), ") startposition 1 maxresults 1000")
	})
}

const accessToken = "eyJ-secret-token"

// answers are what QuickBooks and what stands before it have been seen to say, and what they could say.
func answers() []string {
	service := func(errors string) string {
		return `{"Fault":{"Error":` + errors + `,"type":"ValidationFault"},"time":"x"}`
	}
	one := `{"Message":"Duplicate Name Exists Error","Detail":"The name supplied already exists. : null","code":"6240","element":""}`
	gateway := `{"warnings":null,"intuitObject":null,"fault":{"error":[{"message":"message=AuthenticationFailed; errorCode=003200; statusCode=401","detail":"Token expired: ` + accessToken + `","code":"3200","element":null}],"type":"AUTHENTICATION"},"report":null,"time":1}`
	xmlFault := `<?xml version="1.0" encoding="UTF-8" standalone="yes"?><IntuitResponse time="x" xmlns="http://schema.intuit.com/finance/v3"><Fault type="AUTHENTICATION"><Error code="3200"><Message>m</Message><Detail>` + accessToken + `</Detail></Error></Fault></IntuitResponse>`
	return []string{
		``, `{}`, `null`, `[]`, `1`, `"x"`, `true`, ` `, `{"JournalEntry":{"Id":"1"}}`, `{"JournalEntry":{"Id":1}}`, `{"JournalEntry":null}`, `{"Customer":{"Id":"1"}}`, `{"Vendor":{"Id":""}}`,
		`{"QueryResponse":{}}`, `{"QueryResponse":null}`, `{"QueryResponse":[]}`, `{"QueryResponse":{"Account":[{"Id":"1","Name":"Cash","Active":true}],"startPosition":1,"maxResults":1}}`,
		`{"QueryResponse":{"JournalEntry":{}}}`, `{"QueryResponse":{"Customer":[{"Id":1}]}}`, `{"QueryResponse":{"JournalEntry":[` + strings.Repeat(`{},`, 999) + `{}]}}`,
		`{"Preferences":{"AccountingInfoPrefs":{"BookCloseDate":"2026-02-30"},"CurrencyPrefs":{"HomeCurrency":{"value":"USD"}}}}`, `{"Preferences":{}}`, `{"Preferences":null}`,
		service(`[` + one + `]`), service(one), service(`[` + one + `,{"code":610,"Detail":{"a":1}},null,"boom"]`), service(`[]`), service(`null`), service(`"x"`), service(`[{}]`), service(`[null]`),
		strings.Replace(service(`[`+one+`]`), `"6240"`, `6240`, 1), service(`[{"code":"6000","Detail":"An unexpected error occurred while accessing or saving your data. Please wait a few minutes and try again."}]`),
		service(`[{"Message":"` + strings.Repeat("long ", 400) + `","code":"` + strings.Repeat("9", 300) + `","element":"` + strings.Repeat("e", 300) + `"}]`),
		service(`[` + strings.Repeat(one+`,`, 200) + one + `]`), service(`[{"Message":"` + strings.Repeat("é", 290) + accessToken + `","code":"` + accessToken + `","element":"` + accessToken + `"}]`),
		`{"access_token":"` + accessToken + `","refresh_token":"` + accessToken + `","expires_in":"` + accessToken + `"}`, `{"error":"` + accessToken + `"}`, `{"error":"invalid_grant"}`,
		`{"Fault":null}`, `{"Fault":null,"JournalEntry":{"Id":"1"}}`, `{"Fault":"down"}`, `{"Fault":[]}`, `{"Fault":{}}`, `{"Fault":1}`,
		service(`[` + one + `]`)[:60], `{"Fault":{"Error":[` + one + `]},"fault":null}`, `{"fault":{"error":[]},"Fault":{"Error":[` + one + `]}}`,
		gateway, xmlFault, xmlFault[:120], `<IntuitResponse><Fault><Error code="6240"/></Fault></IntuitResponse>`, `<IntuitResponse/>`,
		`<html><head><title>502 Bad Gateway</title></head></html>`, `<!DOCTYPE html><p>` + accessToken, `upstream connect error or disconnect/reset before headers`,
		strings.Repeat(`[`, 11000), strings.Repeat(`{"Fault":`, 500), "\xff\xfe{}", `{"Fault":{"Error":[{"Message":"\ud800","code":"\u0000"}]}}`,
	}
}

// FuzzAnAnswer: any answer becomes a result or one fault that says what to do, and a write is certainly refused only when a fault says so.
func FuzzAnAnswer(f *testing.F) {
	for _, s := range answers() {
		for _, status := range []uint16{200, 400, 500} {
			f.Add(status, []byte(s), "1-5f73")
		}
	}
	for _, status := range []uint16{100, 204, 302, 401, 403, 404, 429, 503} {
		f.Add(status, []byte(answers()[0]), accessToken+strings.Repeat("é", 300))
	}
	f.Fuzz(func(t *testing.T, status uint16, body []byte, tid string) {
		if status < 100 || status > 999 {
			status = 100 + status%900
		}
		carry := carrier(func(r *http.Request) *http.Response {
			return &http.Response{StatusCode: int(status), Header: http.Header{"Intuit_tid": {tid}}, Body: io.NopCloser(bytes.NewReader(body)), Request: r}
		})
		oauth := signIn(t, qbo.OAuthOptions{TokenURL: "http://127.0.0.1", RevokeURL: "http://127.0.0.1", ClientID: "id", ClientSecret: accessToken}, &http.Client{Transport: carry})
		checkFault(t, "refresh", second(oauth.Refresh(t.Context(), accessToken)))
		checkFault(t, "revoke", oauth.Revoke(t.Context(), accessToken))
		c := carried(t, oneToken(accessToken), carry)
		for _, name := range []string{"JournalEntry", "Customer", "Vendor"} {
			id, err := create(t, c, name)
			checkFault(t, name, err)
			switch {
			case err == nil && (status != http.StatusOK || id == "" || !bytes.Contains(body, []byte(id)) && utf8.ValidString(id) && !bytes.Contains(body, []byte(`\`)) && !strings.Contains(id, "\ufffd")):
				t.Errorf("%s: answered %d, created %q", name, status, id)
			case (fault.Is(err, fault.Refused) || fault.Is(err, fault.NameTaken)) && (status >= http.StatusInternalServerError || !saysFault(body)):
				t.Errorf("%s: answered %d and certainly refused, but nothing says so: %v", name, status, err)
			}
		}
		for name, err := range map[string]error{
			"names": second(c.NamesCalled(t.Context(), at("o"), "x")), "accounts": second(c.Accounts(t.Context(), at("o"))), "preferences": second(c.Preferences(t.Context(), at("o"))),
			"entries": second(c.JournalEntriesByDocNumber(t.Context(), at("o"), []string{"d"})),
		} {
			checkFault(t, name, err)
			if err == nil && (status != http.StatusOK || !hasObject(body, map[bool]string{true: "Preferences", false: "QueryResponse"}[name == "preferences"])) {
				t.Errorf("%s: answered %d and taken for a result", name, status)
			}
			if fault.Is(err, fault.Unknown) {
				t.Errorf("%s: a read that changes nothing is unknown: %v", name, err)
			}
		}
	})
}

// oneToken is a token that is never renewed.
type oneToken string

func (k oneToken) Token(context.Context, org.Company) (string, error) { return string(k), nil }

func (k oneToken) Renew(context.Context, org.Company, string) (string, error) { return string(k), nil }

func second[T any](_ T, err error) error { return err }

func create(t *testing.T, c *qbo.Client, name string) (string, error) {
	switch name {
	case "Customer":
		return c.CreateCustomer(t.Context(), at("o"), journal.NewName{Display: "x"}, "r")
	case "Vendor":
		return c.CreateVendor(t.Context(), at("o"), journal.NewName{Display: "x"}, "r")
	}
	return c.CreateJournalEntry(t.Context(), at("o"), someEntry(t), "r")
}

// checkFault: an error is one fault, says everything, is bounded, and tells no token.
func checkFault(t *testing.T, call string, err error) {
	t.Helper()
	if err == nil {
		return
	}
	f, ok := errors.AsType[*fault.Error](err)
	if !ok || f.Code == "" || f.Class == "" || f.Who == "" || f.Message == "" || f.Remedy == "" {
		t.Errorf("%s: %+v", call, f)
		return
	}
	text := fmt.Sprint(err, f.Text(), f.Fields, f.Origin, f.Trace)
	if strings.Contains(text, accessToken) {
		t.Errorf("%s tells the token: %s", call, text)
	}
	if n := utf8.RuneCountInString(text); n > 20_000 {
		t.Errorf("%s: %d characters", call, n)
	}
	for what, s := range map[string]string{"origin": f.Origin, "trace": f.Trace} {
		if n := utf8.RuneCountInString(s); n > 100 {
			t.Errorf("%s: %s of %d characters", call, what, n)
		}
	}
	if n := utf8.RuneCountInString(f.Text()); n > 500 {
		t.Errorf("%s: text of %d characters", call, n)
	}
}

// saysFault: somewhere in the answer is a fault with an error in it, in whatever dialect.
func saysFault(body []byte) bool {
	var keys map[string]any
	if json.Unmarshal(body, &keys) == nil {
		return slices.ContainsFunc(under(keys, "fault"), func(v any) bool {
			inner, _ := v.(map[string]any)
			return slices.ContainsFunc(under(inner, "error"), func(v any) bool {
				list, isList := v.([]any)
				_, isOne := v.(map[string]any)
				return isOne || isList && len(list) > 0
			})
		})
	}
	var x struct {
		Errors []struct{} `xml:"Fault>Error"`
	}
	return xml.Unmarshal(body, &x) == nil && len(x.Errors) > 0
}

// under are the values of a key, whatever its case.
func under(object map[string]any, key string) []any {
	var values []any
	for k, v := range object {
		if strings.EqualFold(k, key) {
			values = append(values, v)
		}
	}
	return values
}

func hasObject(body []byte, key string) bool {
	var keys map[string]any
	_ = json.Unmarshal(body, &keys)
	return slices.ContainsFunc(under(keys, key), func(v any) bool { _, ok := v.(map[string]any); return ok })
}
