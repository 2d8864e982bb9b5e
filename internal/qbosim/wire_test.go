package qbosim_test

import (
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// issuer is the same whatever address the simulator has: clients know it by heart.
const issuer = "https://oauth.platform.intuit.com/op/v1"

// once sends one request as it is: no redirect is followed, no body is unpacked. headers are "Name: value".
func (b *bench) once(method, path, body string, headers ...string) (int, http.Header, string) {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.url+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+b.token)
	req.Header.Set("Accept-Encoding", "identity")
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		req.Header.Set(name, value)
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return res.StatusCode, res.Header, string(answer)
}

func TestPathsInTheShapesThatClientsWrite(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	const company = "/v3/company/" + realm
	for path, want := range map[string]string{
		company + "/companyinfo/" + realm:                                      `{"CompanyInfo":`,
		company + "/CompanyInfo/" + realm + "/":                                `{"CompanyInfo":`,
		company + "/companyInfo/" + realm + "?minorversion=75":                 `{"CompanyInfo":`,
		company + "/Preferences":                                               `{"Preferences":`,
		company + "/ACCOUNT/" + checking + "/":                                 `{"Account":`,
		company + "/account//" + checking:                                      `{"Account":`,
		"/" + company + "/account/" + checking:                                 `{"Account":`,
		company + "//query?minorversion=75&query=select+count(*)+from+Account": `{"QueryResponse":`,
	} {
		if status, _, body := b.once(http.MethodGet, path, ""); status != http.StatusOK || !strings.HasPrefix(body, want) {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	if status, _, body := b.once(http.MethodPost, "/"+company+"//customer", `{"DisplayName":"Amy"}`); status != http.StatusOK {
		t.Errorf("a write to a doubled slash: %d %s", status, body)
	}
	if status, _, body := b.once(http.MethodGet, company, ""); status != http.StatusBadRequest || !strings.Contains(body, `"code":"500"`) {
		t.Errorf("the company alone: %d %s", status, body)
	}
}

func TestTheSchemeOfAuthorizationIgnoresCase(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, scheme := range []string{"Bearer", "bearer", "BEARER"} {
		for _, path := range []string{"/v3/company/" + realm + "/preferences", "/v1/openid_connect/userinfo"} {
			if status, _, body := b.once(http.MethodGet, path, "", "Authorization: "+scheme+" "+b.token); status != http.StatusOK {
				t.Errorf("%s %s: %d %s", scheme, path, status, body)
			}
		}
	}
	if status, _, _ := b.once(http.MethodGet, "/v3/company/"+realm+"/preferences", "", "Authorization: Basic "+b.token); status != http.StatusUnauthorized {
		t.Errorf("another scheme: %d", status)
	}
}

func TestTheGatewaysFaultsComeInTheFormThatIsAccepted(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for accepted, want := range map[string]string{
		"application/json": "application/json", "*/*": "application/json", "application/json;charset=utf-8": "application/json", "application/xml, application/json": "application/json",
		"application/xml": "application/xml", "text/xml, */*;q=0.1": "application/xml",
	} {
		status, header, _ := b.once(http.MethodGet, "/v3/company/"+realm+"/preferences", "", "Authorization: Bearer none", "Accept: "+accepted)
		if got := header.Get("Content-Type"); status != http.StatusUnauthorized || got != want {
			t.Errorf("%s: %d %s, want %s", accepted, status, got, want)
		}
	}
}

func TestTheIssuerIsIntuits(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	const back = "http://127.0.0.1/callback"
	_, header, _ := b.once(http.MethodGet, "/connect/oauth2?client_id=id&response_type=code&scope=openid&auto=true&realm="+realm+"&redirect_uri="+url.QueryEscape(back), "")
	to, err := url.Parse(header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	_, _, body := b.form("/oauth2/v1/tokens/bearer", url.Values{"grant_type": {"authorization_code"}, "code": {to.Query().Get("code")}, "redirect_uri": {back}})
	var tokens struct {
		ID string `json:"id_token"`
	}
	if err := json.Unmarshal([]byte(body), &tokens); err != nil || strings.Count(tokens.ID, ".") != 2 {
		t.Fatalf("%v: %s", err, body)
	}
	raw, err := base64.RawURLEncoding.DecodeString(strings.Split(tokens.ID, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	var claims map[string]any
	if err := json.Unmarshal(raw, &claims); err != nil || claims["iss"] != issuer || claims["realmid"] != realm {
		t.Errorf("%v: %s", err, raw)
	}
	if nonce, ok := claims["nonce"]; ok {
		t.Errorf("nobody sent a nonce, and it is %q", nonce)
	}
}

func TestWhatACompanyIsDoesNotChangeByItself(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	before := b.get("companyinfo/" + realm)["CompanyInfo"]
	b.now = b.now.Add(48 * time.Hour)
	b.token = b.grant(realm)
	if diff := cmp.Diff(before, b.get("companyinfo/" + realm)["CompanyInfo"]); diff != "" {
		t.Errorf("(-before +two days later):\n%s", diff)
	}
	for since, want := range map[string]int{"2026-05-05T00:00:00Z": 1, "2026-05-06T00:00:00Z": 0} {
		_, _, got := b.ask(queried("select count(*) from CompanyInfo where MetaData.LastUpdatedTime >= '" + since + "'"))
		if !strings.HasPrefix(got, fmt.Sprintf(`{"QueryResponse":{"totalCount":%d}`, want)) {
			t.Errorf("since %s: %s", since, got)
		}
	}
}

func TestDiscoveryBehindAProxyThatSpeaksTLS(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	_, _, body := b.once(http.MethodGet, "/.well-known/openid_configuration", "", "X-Forwarded-Proto: https")
	want := "https://" + strings.TrimPrefix(b.url, "http://") + "/oauth2/v1/tokens/bearer"
	if !strings.Contains(body, `"token_endpoint":"`+want+`"`) {
		t.Errorf("%s lacks %s", body, want)
	}
}

func TestFlagsAreTakenAsTextsToo(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	made := b.put("customer", `{"DisplayName":"Amy","Notes":"kept","Taxable":"false"}`)["Customer"].(object)
	if made["Taxable"] != false {
		t.Errorf("a flag comes back as %#v", made["Taxable"])
	}
	id := made["Id"].(string)
	if got := b.put("customer", `{"Id":"`+id+`","SyncToken":"0","sparse":"true","GivenName":"Amy"}`)["Customer"].(object); got["Notes"] != "kept" {
		t.Errorf("a sparse update clears what it leaves out: %v", got)
	}
	off := b.put("batch", `{"BatchItemRequest":[{"bId":"1","operation":"update","Customer":{"Id":"`+id+`","SyncToken":"1","sparse":"True","Active":"FALSE"}}]}`)
	item := off["BatchItemResponse"].([]any)[0].(object)
	if got := item["Customer"].(object); got["Active"] != false || got["DisplayName"] != "Amy (deleted)" || got["Notes"] != "kept" {
		t.Errorf("in a batch: %v", got)
	}
	if got := b.put("journalentry", strings.Replace(simple("D1"), "{", `{"Adjustment":"true",`, 1))["JournalEntry"].(object); got["Adjustment"] != true {
		t.Errorf("an adjustment: %v", got)
	}
}

func TestEveryEntityOfQuickBooksCanBeAskedFor(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	entities := strings.Fields("Attachable Bill BillPayment Budget CompanyCurrency CreditMemo CustomerType Deposit Estimate ExchangeRate InventoryAdjustment Invoice Item JournalCode " +
		"Payment PaymentMethod Purchase PurchaseOrder RecurringTransaction RefundReceipt ReimburseCharge SalesReceipt TaxAgency TaxCode TaxRate Term TimeActivity Transfer VendorCredit")
	for _, entity := range entities {
		_, _, got := b.ask(queried("select count(*) from " + entity + " where MetaData.LastUpdatedTime >= '2026-01-01T00:00:00Z'"))
		if !strings.HasPrefix(got, `{"QueryResponse":{"totalCount":0}`) {
			t.Errorf("%s: %s", entity, got)
		}
	}
	changed := b.get("cdc?changedSince=2026-05-01&entities=" + strings.Join(entities, ","))
	if got := changed["CDCResponse"].([]any)[0].(object)["QueryResponse"].([]any); len(got) != len(entities) {
		t.Errorf("%d entities are answered, want %d", len(got), len(entities))
	}
}

func TestWhatAReportLacksIsAbsent(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	const none = "?start_date=2026-06-01&end_date=2026-06-30"
	for _, report := range []string{"GeneralLedger", "JournalReport", "ProfitAndLoss", "TransactionList"} {
		if _, body := b.call(http.MethodGet, "reports/"+report+none, ""); !strings.HasSuffix(body, `"Rows":{}}`) {
			t.Errorf("an empty %s: %s", report, body)
		}
	}
	b.put("journalentry", simple("D1"))
	_, body := b.call(http.MethodGet, "reports/ProfitAndLoss?start_date=2026-05-01&end_date=2026-05-31", "")
	if want := `{"Header":{"ColData":[{"value":"Expenses"},{"value":""}]},"Summary":`; strings.Contains(body, "null") || !strings.Contains(body, want) {
		t.Errorf("a section without accounts: %s", body)
	}
}

func TestAnswersAreCompressedForThoseWhoAskForIt(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	const company = "/v3/company/" + realm
	for name, x := range map[string]struct{ path, want string }{
		"an object":     {company + "/account/" + checking, `{"Account":`},
		"a fault":       {company + "/account/999", `{"Fault":`},
		"the discovery": {"/.well-known/openid_configuration", `{"issuer":`},
	} {
		for _, asked := range []string{"gzip", "gzip, deflate", "deflate, GZIP;q=0.9", "br;q=1.0, gzip"} {
			_, header, body := b.once(http.MethodGet, x.path, "", "Accept-Encoding: "+asked)
			z, err := gzip.NewReader(strings.NewReader(body))
			if err != nil || header.Get("Content-Encoding") != "gzip" {
				t.Errorf("%s, %s: %v %s", name, asked, header, body)
				continue
			}
			if got, err := io.ReadAll(z); err != nil || !strings.HasPrefix(string(got), x.want) {
				t.Errorf("%s, %s: %v %s", name, asked, err, got)
			}
		}
		for _, asked := range []string{"identity", "deflate", "gzip;q=0"} {
			if _, header, body := b.once(http.MethodGet, x.path, "", "Accept-Encoding: "+asked); header.Get("Content-Encoding") != "" || !strings.HasPrefix(body, x.want) {
				t.Errorf("%s, %s: %v %s", name, asked, header, body)
			}
		}
	}
	for i, coding := range []string{"gzip", "GZIP", "x-gzip"} {
		var packed strings.Builder
		z := gzip.NewWriter(&packed)
		_, _ = fmt.Fprintf(z, `{"Name":"Class %d"}`, i)
		_ = z.Close()
		if status, _, body := b.once(http.MethodPost, company+"/class", packed.String(), "Content-Encoding: "+coding); status != http.StatusOK || !strings.Contains(body, fmt.Sprintf(`"Name":"Class %d"`, i)) {
			t.Errorf("%s: %d %s", coding, status, body)
		}
	}
}
