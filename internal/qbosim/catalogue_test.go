package qbosim_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/passare/qbo-sync/internal/qbosim"
)

// clock is the time that newBench's answers carry.
const clock = "2026-05-05T03:20:37.245-07:00"

// quoted is a JSON string as QuickBooks writes it: < and > stay as they are.
func quoted(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s)
	return strings.TrimSpace(b.String())
}

// problem is one error of a service fault; its element is absent without the last argument.
func problem(message, detail, code string, element ...string) string {
	s := fmt.Sprintf(`{"Message":%s,"Detail":%s,"code":%q`, quoted(message), quoted(detail), code)
	for _, x := range element {
		s += fmt.Sprintf(`,"element":%q`, x)
	}
	return s + "}"
}

// service is the whole answer of a service fault.
func service(kind string, problems ...string) string {
	return fmt.Sprintf(`{"Fault":{"Error":[%s],"type":%q},"time":%q}`, strings.Join(problems, ","), kind, clock)
}

func validation(problems ...string) string { return service("ValidationFault", problems...) }

// gateway is the whole answer of a gateway fault; an empty detail is null.
func gateway(message, detail, code, kind string) string {
	shown := "null"
	if detail != "" {
		shown = quoted(detail)
	}
	return fmt.Sprintf(`{"warnings":null,"intuitObject":null,"fault":{"error":[{"message":%q,"detail":%s,"code":%q,"element":null}],"type":%q},"report":null,"queryResponse":null,`+
		`"batchItemResponse":[],"attachableResponse":[],"syncErrorResponse":null,"requestId":null,"time":1777976437245,"status":null,"cdcresponse":[]}`, message, shown, code, kind)
}

// gatewayXML is the same for callers that accept XML.
func gatewayXML(message, detail, code, kind string) string {
	if detail != "" {
		detail = "            <Detail>" + detail + "</Detail>\n"
	}
	return `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<IntuitResponse time="` + clock + `" xmlns="http://schema.intuit.com/finance/v3">
    <Fault type="` + kind + `">
        <Error code="` + code + `">
            <Message>` + message + "</Message>\n" + detail + `        </Error>
    </Fault>
</IntuitResponse>
`
}

// The texts that several rows share.
const (
	unsupportedOperation = "Unsupported Operation"
	notFound             = "Object Not Found"
	madeInactive         = "Object Not Found : Something you're trying to use has been made inactive. Check the fields with accounts, customers, items, vendors or employees."
	deletedByAnother     = "Object Not Found : Another user has deleted this transaction."
	invalidProperty      = "Request has invalid or unsupported property"
	unreadableBody       = "Property Name:failed to parse json object; a property specified is unsupported or invalid"
	paramMissing         = "Required param missing, need to supply the required value for the API"
	stringLength         = "String length is either shorter or longer than supported by specification"
	invalidReference     = "Invalid Reference Id"
	invalidQuery         = "Invalid query"
	parsingQuery         = "Error parsing query"
	businessRule         = "A business validation error has occurred while processing your request"
	duplicateDocNumber   = "Duplicate Document Number Error"
	nameExists           = "Duplicate Name Exists Error"
	throttled            = "message=ThrottleExceeded; errorCode=003001; statusCode=429"
	limitReached         = "The request limit was reached.  Try again later"
	notAuthorized        = "message=ApplicationAuthorizationFailed; errorCode=003100; statusCode=403"
	notAuthenticated     = "message=AuthenticationFailed; errorCode=003200; statusCode=401"
	periodClosedOverAPI  = "The account period has closed and the account books cannot be updated through through the QBO Services API. Please use the QBO website to make these changes."
	subscriptionOver     = "Subscription period has ended or canceled or there was a billing problem : You can't add data to QuickBooks Online Plus because your trial or subscription " +
		"period ended, you cancelled your subscription, or there was a billing problem. To update your subscription, click the gear icon and view your account information."
	usedRequestID = "The request ID you're trying to use already exists in the QuickBooks Online Accounting API or QuickBooks Payments API. Our system detected the duplicate."
	brokenBytes   = "Operation com.sun.org.apache.xerces.internal.impl.io.MalformedByteSequenceException: Invalid byte 1 of 1-byte UTF-8 sequence is not supported."
	noAccessText  = "AuthorizationFailure: –11014-You do not have access to use QuickBooks Online Plus."
	oneOfTheNames = "Title, GivenName, MiddleName, FamilyName, DisplayName, Suffix - one of these must be non-empty"
	fiveLevels    = "Review the number of nested accounts and customers. You can nest up to 5 levels."
)

func broken(rule string) string {
	return validation(problem(businessRule, "Business Validation Error: "+rule, "6000", ""))
}

func unquery(detail string) string {
	return validation(problem(invalidQuery, "QueryValidationError: "+detail, "4001"))
}

func unparsed(detail string) string {
	return validation(problem(parsingQuery, "QueryParserError: "+detail, "4000"))
}

func takenName(detail string) string {
	return validation(problem(nameExists, "The name supplied already exists. : "+detail, "6240", ""))
}

// sample is a fault of the catalogue with the words that it was seen or documented with.
type sample struct {
	code, variant string
	status        int
	want          string
}

// samples has every code of quickbooks.md in every variant.
func samples(t *testing.T) []sample {
	t.Helper()
	const resource = "/v3/company/R/customer/1/5"
	return []sample{
		{"120", "", 401, service("AuthorizatonFault", problem("Authorization Failure", noAccessText, "120"))},
		{"500", "resource", 400, validation(problem(unsupportedOperation,
			"Operation Could not find resource for relative : "+resource+" of full path: https://c50.sandbox.qbo.intuit.com/qbo50"+resource+" is not supported.", "500"))},
		{"500", "bytes", 400, validation(problem(unsupportedOperation, brokenBytes, "500"))},
		{"600", "", 400, validation(problem("Duplicate Request ID", usedRequestID, "600"))},
		{"610", "inactive", 400, validation(problem(notFound, madeInactive, "610", ""))},
		{"610", "deleted", 400, validation(problem(notFound, deletedByAnother, "610", ""))},
		{"1040", "", 400, validation(problem("Batch size exceeds allowed limit", "Batch size exceeds allowed limit : 30", "1040"))},
		{"2010", "field", 400, validation(problem(invalidProperty, recordedDetail(t), "2010"))},
		{"2010", "json", 400, validation(problem(invalidProperty, unreadableBody, "2010"))},
		{"2010", "utf8", 400, validation(problem(invalidProperty, "Property Name:Invalid UTF-8 middle byte 0x6d specified is unsupported or invalid", "2010"))},
		{"2020", "", 400, validation(problem(paramMissing, "Required parameter AccountRef is missing in the request", "2020", "AccountRef"))},
		{"2030", "", 400, validation(problem("Invalid ID", "Id should be a valid number. Supplied value:1.5", "2030", "Id"))},
		{"2040", "", 400, validation(problem("Invalid String", "Element contains invalid characters: Amy:Lauterbach", "2040", "DisplayName"))},
		{"2050", "", 400, validation(problem(stringLength, "String length specified does not match the supported length. Min:0 Max:21 supported. Supplied length:45", "2050", "DocNumber"))},
		{"2130", "", 400, validation(problem("Invalid Request Id Format", "Invalid Request Id Format : x", "2130"))},
		{"2260", "", 400, validation(problem("MissingPostingType", "A posting type is required. Valid values are Credit or Debit.", "2260", "PostingType"))},
		{"2290", "", 400, validation(problem("NegativeAmount", "Negative amounts aren't supported on transaction lines.", "2290", "Amount"))},
		{"2300", "", 400, validation(problem("Amount on debits not equal to credits", "Please balance debits and credits.", "2300", ""))},
		{"2500", "", 400, validation(problem(invalidReference, "Invalid Reference Id : Names element id 583 not found", "2500", "Reference Id"))},
		{"3001", "", 429, gateway(throttled, limitReached, "3001", "SERVICE")},
		{"3100", "", 403, gateway(notAuthorized, "", "3100", "SERVICE")},
		{"3200", "expired", 401, gateway(notAuthenticated, "Token expired: AB01601390262kxzxOlnHYdhtEVRXISU7piPqQrCmmbDN35Yjd", "3200", "AUTHENTICATION")},
		{"3200", "revoked", 401, gateway(notAuthenticated, "Token revoked", "3200", "AUTHENTICATION")},
		{"4000", "", 400, unparsed(`Encountered " <IDENTIFIER> "TxnDate "" at line 1, column 29.`)},
		{"4001", "entity", 400, unquery("invalid context declaration: Custmoer")},
		{"4001", "property", 400, unquery("Property NoSuchField not found for Entity Purchase")},
		{"4001", "unqueryable", 400, unquery("property 'PrimaryEmailAddr' is not queryable")},
		{"4001", "small", 400, unquery("value 0 is too small. Min allowed value is 1")},
		{"4001", "large", 400, unquery("value 1001 is too large. Max allowed value is 1000")},
		{"5010", "", 400, validation(problem("Stale Object Error", "Stale Object Error : You and Christian Pelczarski were working on this at the same time. "+
			"Christian Pelczarski finished before you did, so your work was not saved.", "5010", ""))},
		{"5020", "", 400, validation(problem("Permission Denied Error", "Permission Denied Error : You do not have the access rights to use this feature.", "5020", "ReportName"))},
		{"6000", "lines", 400, broken("Fill out at least two detail lines to continue.")},
		{"6000", "receivable", 400, broken("When you use Accounts Receivable, you must choose a customer in the Name field.")},
		{"6000", "payable", 400, broken("When you use Accounts Payable, you must choose a vendor in the Name field.")},
		{"6000", "control", 400, broken("You can have only one A/R or A/P account in each transaction.")},
		{"6000", "amount", 400, broken("You must specify a transaction amount that is 0 or greater.")},
		{"6000", "name-lock", 400, broken("You can only add or edit one name at a time. Please try again.")},
		{"6000", "item-lock", 400, broken("You can only add or edit one product or service at a time. Please try again.")},
		{"6000", "list-element", 400, broken("You cannot modify a list element that has been deleted.")},
		{"6000", "account-type", 400, broken("You need to select a different type of account for this transaction.")},
		{"6000", "unexpected", 400, broken("An unexpected error occurred while accessing or saving your data. Please wait a few minutes and try again.")},
		{"6000", "internal", 400, broken("Unexpected Internal Error. (-30000)")},
		{"6000", "link", 400, broken("The entity Estimate 75 that you are trying to link does not exist.")},
		{"6000", "request-id", 400, broken("You cannot enter more than 50 characters in the request_id field. You tried entering 8182e07bba..., which is 68 characters.")},
		{"6080", "", 400, validation(problem("No Name Provided", oneOfTheNames, "6080", ""))},
		{"6140", "", 400, validation(problem(duplicateDocNumber, duplicateDocNumber+" : You must specify a different number. This number has already been used. "+
			"DocNumber=AA_2025-07_7676ce is assigned to TxnType=Journal Entry with TxnId=3632", "6140", ""))},
		{"6180", "", 400, validation(problem("Sub Level Limit", fiveLevels, "6180", ""))},
		{"6190", "", 400, validation(problem("Invalid Company Status", subscriptionOver, "6190", ""))},
		{"6200", "", 400, validation(problem("Account Period Closed", "The account period has closed.", "6200", ""))},
		{"6210", "", 400, validation(problem("Account Period Closed, Cannot Update Through Services API", periodClosedOverAPI, "6210", ""))},
		{"6240", "null", 400, takenName("null")},
		{"6240", "names", 400, takenName("Another customer, vendor or employee is already using this name. Please use a different name.")},
		{"6240", "update", 400, takenName("Another customer is already using this name.  Please use a different name.")},
		{"6270", "", 400, validation(problem("Transaction date is prior to start date for inventory item", "Transaction date is prior to start date for inventory item", "6270", ""))},
		{"10000", "", 500, service("SystemFault", problem("An application error has occurred while processing your request", "System Failure Error: null", "10000"))},
	}
}

// recordedDetail is what QuickBooks said of a field that an invoice does not have.
func recordedDetail(t *testing.T) string {
	t.Helper()
	var recorded struct {
		Fault struct{ Error []struct{ Detail string } }
	}
	if err := json.Unmarshal(readRecording(t, "qbo_api__error__400_json").Response.Body, &recorded); err != nil {
		t.Fatal(err)
	}
	return recorded.Fault.Error[0].Detail
}

// asked is a request of the catalogue's tests.
type asked struct{ method, path, body, header string }

func posted(path, body string) asked { return asked{http.MethodPost, path, body, ""} }

func got(path string) asked { return asked{http.MethodGet, path, "", ""} }

func queried(statement string) asked { return got("query?query=" + url.QueryEscape(statement)) }

// ask sends a request as it is; a header is "Name: value".
func (b *bench) ask(a asked) (int, http.Header, string) {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), a.method, b.url+"/v3/company/"+realm+"/"+a.path, strings.NewReader(a.body))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+b.token)
	if key, value, ok := strings.Cut(a.header, ": "); ok {
		req.Header.Set(key, value)
	}
	return b.do(req)
}

// answers compares a whole answer: status, type, challenge and every byte of the body.
func (b *bench) answers(a asked, status int, want string) {
	b.t.Helper()
	gotStatus, header, body := b.ask(a)
	if diff := cmp.Diff(want, body); gotStatus != status || diff != "" {
		b.t.Errorf("%s %s: %d, want %d (-want +got):\n%s", a.method, a.path, gotStatus, status, diff)
	}
	kind, challenge := "application/json", ""
	if strings.HasPrefix(want, "<") {
		kind = "application/xml"
	}
	if status == http.StatusUnauthorized {
		if challenge = `Bearer realm="Intuit"`; !strings.Contains(want, "Fault\":{\"Error") {
			challenge += `, error="invalid_token"`
		}
	}
	for key, want := range map[string]string{"Content-Type": kind, "WWW-Authenticate": challenge, "Retry-After": "", "qbo-version": ""} {
		if header.Get(key) != want {
			b.t.Errorf("%s %s: %s is %q, want %q", a.method, a.path, key, header.Get(key), want)
		}
	}
}

func TestEveryFaultOfTheCatalogueCanBeScripted(t *testing.T) {
	t.Parallel()
	for _, x := range samples(t) {
		t.Run(strings.TrimSpace(x.code+" "+x.variant), func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			for entries, kind := range []string{"catalogue", "commit_then_catalogue"} {
				if err := b.sim.Script(qbosim.Fault{Kind: kind, Code: x.code, Variant: x.variant, Times: 1}); err != nil {
					t.Fatal(err)
				}
				b.answers(posted("journalentry", simple("D")), x.status, x.want)
				if n := len(b.sim.Journal(realm)); n != entries {
					t.Errorf("%s: %d entries are booked, want %d", kind, n, entries)
				}
			}
		})
	}
	b := newBench(t)
	for _, wrong := range []qbosim.Fault{{Kind: "catalogue", Times: 1}, {Kind: "catalogue", Code: "4711", Times: 1}, {Kind: "commit_then_catalogue", Code: "610", Variant: "lost", Times: 1}} {
		if err := b.sim.Script(wrong); err == nil {
			t.Errorf("%+v is scripted", wrong)
		}
	}
}

func debit() string { return line("Debit", "100.00", checking) }

func credit() string { return line("Credit", "100.00", sales) }

// simple is an entry that nothing is wrong with.
func simple(doc string) string { return entry(doc, "2026-05-05", debit(), credit()) }

// cause is how a fault comes about by itself, as it would in QuickBooks.
type cause struct {
	switches qbosim.Switches
	before   func(b *bench)
	ask      asked
	status   int
	want     string
}

// refusal is a cause of a 400.
func refusal(ask asked, want string) cause { return cause{ask: ask, status: 400, want: want} }

func (c cause) with(x qbosim.Switches) cause {
	c.switches = x
	return c
}

func (c cause) after(before func(b *bench)) cause {
	c.before = before
	return c
}

// newVendor makes a vendor, whose id is the next one.
func newVendor(b *bench) { b.put("vendor", `{"DisplayName":"Acme"}`) }

func newCustomer(b *bench) { b.customer("Amy") }

// first and second are the ids of the first objects that a test makes beside those of newBench.
const first, second = "7", "8"

func madeInactiveOf(entity, name string) func(b *bench) {
	body := map[string]string{"Customer": `{"DisplayName":%q}`, "Account": `{"Name":%q,"AccountType":"Bank"}`, "Class": `{"Name":%q}`, "Department": `{"Name":%q}`}[entity]
	return func(b *bench) {
		b.put(strings.ToLower(entity), fmt.Sprintf(body, name))
		b.sim.Deactivate(realm, entity, name)
	}
}

// rules are the rules of journal entries (quickbooks.md, Journal entries) and the fault of each.
func rules() map[string]cause {
	inactive := validation(problem(notFound, madeInactive, "610", ""))
	gone := validation(problem(notFound, deletedByAnother, "610", ""))
	unknown := func(table string) string {
		return validation(problem(invalidReference, "Invalid Reference Id : "+table+" element id 583 not found", "2500", "Reference Id"))
	}
	long := func(element string, most, given int) string {
		return problem(stringLength, fmt.Sprintf("String length specified does not match the supported length. Min:0 Max:%d supported. Supplied length:%d", most, given), "2050", element)
	}
	noAccount := problem(paramMissing, "Required parameter AccountRef is missing in the request", "2020", "AccountRef")
	number := func(doc string) string {
		return problem(duplicateDocNumber, duplicateDocNumber+" : You must specify a different number. This number has already been used. DocNumber="+doc+
			" is assigned to TxnType=Journal Entry with TxnId="+first, "6140", "")
	}
	write := func(lines ...string) asked { return posted("journalentry", entry("D", "2026-05-05", lines...)) }
	with := func(more string) asked { return write(line("Debit", "100.00", checking, more), credit()) }
	nowhere := line("Debit", "100.00", "")
	booked := func(b *bench) { b.put("journalentry", simple("D")) }
	closed := validation(problem("Account Period Closed, Cannot Update Through Services API", periodClosedOverAPI, "6210", ""))
	return map[string]cause{
		"two lines at least":       refusal(write(debit()), broken("Fill out at least two detail lines to continue.")),
		"no line at all":           refusal(posted("journalentry", `{"TxnDate":"2026-05-05"}`), broken("Fill out at least two detail lines to continue.")),
		"debits equal credits":     refusal(write(debit(), line("Credit", "99.99", sales)), validation(problem("Amount on debits not equal to credits", "Please balance debits and credits.", "2300", ""))),
		"a receivable line's name": refusal(write(line("Debit", "100.00", receivable), credit()), broken("When you use Accounts Receivable, you must choose a customer in the Name field.")),
		"a receivable takes no vendor": refusal(write(line("Debit", "100.00", receivable, named("Vendor", first)), credit()),
			broken("When you use Accounts Receivable, you must choose a customer in the Name field.")).after(newVendor),
		"a payable line's name": refusal(write(line("Debit", "100.00", payable), credit()), broken("When you use Accounts Payable, you must choose a vendor in the Name field.")),
		"a payable takes no customer": refusal(write(line("Debit", "100.00", payable, named("Customer", first)), credit()),
			broken("When you use Accounts Payable, you must choose a vendor in the Name field.")).after(newCustomer),
		"an account on each line":     refusal(write(nowhere, credit()), validation(noAccount)),
		"one error for each line":     refusal(write(nowhere, nowhere, nowhere), validation(noAccount, noAccount, noAccount)),
		"a line's type":               refusal(write(`{"Amount":1}`, credit()), validation(problem(paramMissing, "Required parameter Line.DetailType is missing in the request", "2020", "Line.DetailType"))),
		"a line's amount":             refusal(write(strings.Replace(debit(), `"Amount":100.00,`, "", 1), credit()), validation(problem(paramMissing, "Required parameter Amount is missing in the request", "2020", "Amount"))),
		"a number's length":           refusal(posted("journalentry", simple(strings.Repeat("x", 45))), validation(long("DocNumber", 21, 45))),
		"a description's length":      refusal(write(`{"Description":"`+strings.Repeat("ä", 4001)+`",`+debit()[1:], credit()), validation(long("Description", 4000, 4001))),
		"a note's length":             refusal(posted("journalentry", strings.Replace(simple("D"), "a note", strings.Repeat("x", 4001), 1)), validation(long("PrivateNote", 4000, 4001))),
		"a number used before":        refusal(posted("journalentry", simple("D")), validation(number("D"))).with(qbosim.Switches{DuplicateNumberCheck: true}).after(booked),
		"an unknown account":          refusal(write(line("Debit", "100.00", "583"), credit()), unknown("Accounts")),
		"an unknown name":             refusal(with(named("Customer", "583")), unknown("Names")),
		"an unknown class":            refusal(with(`,"ClassRef":{"value":"583"}`), unknown("Klasses")),
		"an unknown department":       refusal(with(`,"DepartmentRef":{"value":"583"}`), unknown("Depts")),
		"an inactive account":         refusal(write(line("Debit", "100.00", first), credit()), inactive).after(madeInactiveOf("Account", "Old")),
		"an inactive name":            refusal(with(named("Customer", first)), inactive).after(madeInactiveOf("Customer", "Old")),
		"an inactive class":           refusal(with(`,"ClassRef":{"value":"7"}`), inactive).after(madeInactiveOf("Class", "Old")),
		"an inactive department":      refusal(with(`,"DepartmentRef":{"value":"7"}`), inactive).after(madeInactiveOf("Department", "Old")),
		"a side on each line":         refusal(write(line("", "100.00", checking), credit()), validation(problem("MissingPostingType", "A posting type is required. Valid values are Credit or Debit.", "2260", "PostingType"))),
		"no negative amount":          refusal(write(line("Debit", "-1.00", checking), credit()), validation(problem("NegativeAmount", "Negative amounts aren't supported on transaction lines.", "2290", "Amount"))),
		"no third decimal":            refusal(write(line("Debit", "100.001", checking), credit()), validation(problem(invalidProperty, "Property Name:Amount specified is unsupported or invalid", "2010"))),
		"no date that does not exist": refusal(posted("journalentry", entry("D", "2026-02-30", debit(), credit())), validation(problem(invalidProperty, "Property Name:TxnDate specified is unsupported or invalid", "2010"))),
		"closed books":                refusal(posted("journalentry", simple("D")), closed).with(qbosim.Switches{BookCloseDate: "2026-05-05"}),
		"closed books, no way in": refusal(posted("journalentry", simple("D")), validation(problem("Account Period Closed", "The account period has closed.", "6200", ""))).
			with(qbosim.Switches{BookCloseDate: "2026-05-05", ClosedCode: "6200"}),
		"nothing leaves closed books": refusal(posted("journalentry", `{"Id":"7","SyncToken":"0","TxnDate":"2026-06-01","Line":[`+debit()+","+credit()+`]}`), closed).
			after(func(b *bench) { booked(b); b.sim.SetSwitches(realm, qbosim.Switches{BookCloseDate: "2026-05-05"}) }),
		"nothing is deleted from closed books": refusal(posted("journalentry?operation=delete", `{"Id":"7","SyncToken":"0"}`), closed).
			after(func(b *bench) { booked(b); b.sim.SetSwitches(realm, qbosim.Switches{BookCloseDate: "2026-05-05"}) }),
		"both control accounts, where they are refused": refusal(write(line("Debit", "1.00", receivable, named("Customer", first)), line("Credit", "1.00", payable, named("Vendor", second))),
			broken("You can have only one A/R or A/P account in each transaction.")).with(qbosim.Switches{RefuseReceivableWithPayable: true}).after(func(b *bench) { newCustomer(b); newVendor(b) }),
		"several at once: a used number and no accounts": refusal(write(nowhere, nowhere, nowhere), validation(number("D"), noAccount, noAccount, noAccount)).
			with(qbosim.Switches{DuplicateNumberCheck: true}).after(booked),
		"several at once: a long number and no account": refusal(posted("journalentry", entry(strings.Repeat("x", 45), "2026-05-05", nowhere, credit())), validation(long("DocNumber", 21, 45), noAccount)),
		"the bare object, not wrapped":                  refusal(posted("journalentry", `{"JournalEntry":`+simple("D")+`}`), validation(problem(invalidProperty, unreadableBody, "2010"))),
		"a description belongs to the line":             refusal(with(`,"Description":"x"`), validation(problem(invalidProperty, unreadableBody, "2010"))),
		"an id makes it an update":                      refusal(posted("journalentry", `{"Id":"583",`+simple("D")[1:]), gone),
		"a currency, where there are several":           refusal(posted("journalentry", simple("D")), validation(problem(paramMissing, "Required parameter CurrencyRef is missing in the request", "2020", "CurrencyRef"))).with(qbosim.Switches{Multicurrency: true}),
		"no void":                                       refusal(posted("journalentry?operation=void", `{"Id":"7","SyncToken":"0"}`), validation(problem(unsupportedOperation, "Operation void is not supported.", "500"))).after(booked),
		"no void as an update":                          refusal(posted("journalentry?operation=update&include=void", `{"Id":"7","SyncToken":"0"}`), validation(problem(unsupportedOperation, "Operation void is not supported.", "500"))).after(booked),
		"an old token": refusal(posted("journalentry", `{"Id":"7","SyncToken":"1","sparse":true,"PrivateNote":"x"}`), validation(problem("Stale Object Error",
			"Stale Object Error : You and another user were working on this at the same time. another user finished before you did, so your work was not saved.", "5010", ""))).after(booked),
		"no token": refusal(posted("journalentry", `{"Id":"7","PrivateNote":"x"}`), validation(problem(paramMissing, "Required parameter SyncToken is missing in the request", "2020", "SyncToken"))).after(booked),
		"deleted before": refusal(posted("journalentry?operation=delete", `{"Id":"7","SyncToken":"0"}`), gone).
			after(func(b *bench) { booked(b); b.put("journalentry?operation=delete", `{"Id":"7","SyncToken":"0"}`) }),
		"deleted though it never was": refusal(posted("journalentry?operation=delete", `{"Id":"583","SyncToken":"0"}`), inactive),
	}
}

// codes are the other faults of quickbooks.md that come about by themselves.
func codes(t *testing.T) map[string]cause {
	deep := func(b *bench) {
		id := b.customer("0")
		for i := 1; i <= 4; i++ {
			id = b.put("customer", fmt.Sprintf(`{"DisplayName":"%d","ParentRef":{"value":%q}}`, i, id))["Customer"].(object)["Id"].(string)
		}
	}
	seeded := func(b *bench) {
		if err := b.sim.Seed(realm, "JournalEntry", json.RawMessage(`{"Id":"3632","SyncToken":"0","DocNumber":"AA_2025-07_7676ce","TxnDate":"2025-07-31","MetaData":{"CreateTime":"2025-07-31T10:00:00-07:00"},`+
			`"Line":[`+debit()+`,`+credit()+`]}`)); err != nil {
			b.t.Fatal(err)
		}
	}
	hasty := func(b *bench) {
		for range 10 {
			b.get("preferences")
		}
	}
	throttle, fast := qbosim.Switches{Throttle: true}, gateway(throttled, limitReached, "3001", "SERVICE")
	item := func(id string) string {
		return fmt.Sprintf(`{"bId":%q,"operation":"create","JournalEntry":%s}`, id, simple("D"))
	}
	nested := func(n int) string { return strings.TrimSuffix(strings.Repeat(item("x")+",", n), ",") }
	isNoUTF8 := asked{http.MethodPost, "customer", "<Customer><DisplayName>J\xf6m</DisplayName></Customer>", "Content-Type: application/xml"}
	accepting := func(a asked) asked { a.header = "Accept: application/xml"; return a }
	unsigned := func(b *bench) { b.token = "eyJnobodys" }
	elsewhere := func(b *bench) { b.token = b.grant(other) }
	inactiveName := madeInactiveOf("Customer", "Amy")
	taken := "Another customer, vendor or employee is already using this name. Please use a different name."
	length := func(element string, most, given int) string {
		return validation(problem(stringLength, fmt.Sprintf("String length specified does not match the supported length. Min:0 Max:%d supported. Supplied length:%d", most, given), "2050", element))
	}
	return map[string]cause{
		"120":                   {qbosim.Switches{NoAccess: true}, nil, got("preferences"), 401, service("AuthorizatonFault", problem("Authorization Failure", noAccessText, "120"))},
		"120, writing":          {qbosim.Switches{NoAccess: true}, nil, posted("journalentry", simple("D")), 401, service("AuthorizatonFault", problem("Authorization Failure", noAccessText, "120"))},
		"500 bytes":             refusal(isNoUTF8, validation(problem(unsupportedOperation, brokenBytes, "500"))),
		"500 delete of a list":  refusal(posted("customer?operation=delete", `{"Id":"7","SyncToken":"0"}`), validation(problem(unsupportedOperation, "Operation delete is not supported.", "500"))).after(newCustomer),
		"600":                   refusal(posted("journalentry?requestid=r1", simple("D")), validation(problem("Duplicate Request ID", usedRequestID, "600"))).with(qbosim.Switches{DuplicateRequestIDFault: true}).after(func(b *bench) { b.put("journalentry?requestid=r1", simple("D")) }),
		"610 inactive, reading": refusal(got("customer/583"), validation(problem(notFound, madeInactive, "610", ""))),
		"610 deleted, reading": refusal(got("journalentry/7"), validation(problem(notFound, deletedByAnother, "610", ""))).after(func(b *bench) {
			b.put("journalentry", simple("D"))
			b.put("journalentry?operation=delete", `{"Id":"7","SyncToken":"0"}`)
		}),
		"1040":                     refusal(posted("batch", `{"BatchItemRequest":[`+nested(31)+`]}`), validation(problem("Batch size exceeds allowed limit", "Batch size exceeds allowed limit : 30", "1040"))),
		"2010 field":               refusal(posted("invoice", `{"BadJson":true}`), validation(problem(invalidProperty, recordedDetail(t), "2010"))),
		"2010 json":                refusal(posted("customer", `{"DisplayName":"Am`), validation(problem(invalidProperty, unreadableBody, "2010"))),
		"2010 utf8":                refusal(posted("customer", "{\"DisplayName\":\"J\xf6m\"}"), validation(problem(invalidProperty, "Property Name:Invalid UTF-8 middle byte 0x6d specified is unsupported or invalid", "2010"))),
		"2020 Name":                refusal(posted("account", `{"AccountType":"Bank"}`), validation(problem(paramMissing, "Required parameter Name is missing in the request", "2020", "Name"))),
		"2030":                     refusal(got("customer/1.5"), validation(problem("Invalid ID", "Id should be a valid number. Supplied value:1.5", "2030", "Id"))),
		"2030, in a query":         refusal(queried("select * from Customer where Id = ''"), validation(problem("Invalid ID", "Id should be a valid number. Supplied value:", "2030", "Id"))),
		"2040":                     refusal(posted("customer", `{"DisplayName":"Amy:Lauterbach"}`), validation(problem("Invalid String", "Element contains invalid characters: Amy:Lauterbach", "2040", "DisplayName"))),
		"2040, another code":       refusal(posted("customer", `{"DisplayName":"Amy:Lauterbach"}`), validation(problem("Invalid String", "Element contains invalid characters: Amy:Lauterbach", "6000", "DisplayName"))).with(qbosim.Switches{ColonCode: "6000"}),
		"2050":                     refusal(posted("vendor", `{"DisplayName":"`+strings.Repeat("x", 101)+`"}`), length("DisplayName", 100, 101)),
		"2130":                     refusal(posted("journalentry?requestid="+strings.Repeat("x", 51), simple("D")), validation(problem("Invalid Request Id Format", "Invalid Request Id Format : "+strings.Repeat("x", 51), "2130"))),
		"3001":                     {throttle, hasty, got("preferences"), 429, fast},
		"3001, as XML":             {throttle, hasty, accepting(got("preferences")), 429, gatewayXML(throttled, limitReached, "3001", "SERVICE")},
		"3001, reads of the month": {qbosim.Switches{MonthlyReads: 1}, func(b *bench) { b.get("preferences") }, got("preferences"), 429, fast},
		"3100":                     {qbosim.Switches{}, elsewhere, got("preferences"), 403, gateway(notAuthorized, "", "3100", "SERVICE")},
		"3100, as XML":             {qbosim.Switches{}, elsewhere, accepting(got("preferences")), 403, gatewayXML(notAuthorized, "", "3100", "SERVICE")},
		"3200 revoked":             {qbosim.Switches{}, unsigned, got("preferences"), 401, gateway(notAuthenticated, "Token revoked", "3200", "AUTHENTICATION")},
		"3200, as XML":             {qbosim.Switches{}, unsigned, accepting(got("preferences")), 401, gatewayXML(notAuthenticated, "Token revoked", "3200", "AUTHENTICATION")},
		"3200, always as XML":      {qbosim.Switches{XMLFaults: true}, unsigned, got("preferences"), 401, gatewayXML(notAuthenticated, "Token revoked", "3200", "AUTHENTICATION")},
		"4000":                     refusal(queried("select * from JournalEntry  TxnDate"), unparsed(`Encountered " <IDENTIFIER> "TxnDate "" at line 1, column 29.`)),
		"4000 no quotes":           refusal(queried("select * from Customer where Balance > 0"), unparsed(`Encountered " ">" "> "" at line 1, column 38.`)),
		"4000 a stray quote":       refusal(queried("select * from Customer where DisplayName = 'O'Brien'"), unparsed(`Encountered " <IDENTIFIER> "Brien "" at line 1, column 47.`)),
		"4000 a doubled quote":     refusal(queried("select * from Customer where DisplayName = 'Amy''s'"), unparsed(`Encountered " <STRING> "'s' "" at line 1, column 49.`)),
		"4000 an end":              refusal(queried("select * from Customer where"), unparsed(`Encountered "<EOF>" at line 1, column 29.`)),
		"4000 nothing":             refusal(posted("query", ""), unparsed(`Encountered "<EOF>" at line 1, column 1.`)),
		"4001 entity":              refusal(queried("SELECT * FROM Custmoer"), unquery("invalid context declaration: Custmoer")),
		"4001 property":            refusal(queried("select * from Customer where NoSuchField = 'x'"), unquery("Property NoSuchField not found for Entity Customer")),
		"4001 unqueryable":         refusal(queried("select * from Vendor where PrimaryEmailAddr = 'x'"), unquery("property 'PrimaryEmailAddr' is not queryable")),
		"4001 small":               refusal(queried("select * from Customer startposition 0"), unquery("value 0 is too small. Min allowed value is 1")),
		"4001 large":               refusal(queried("select * from Customer maxresults 1001"), unquery("value 1001 is too large. Max allowed value is 1000")),
		"5020":                     refusal(got("reports/BudgetVsActuals"), validation(problem("Permission Denied Error", "Permission Denied Error : You do not have the access rights to use this feature.", "5020", "ReportName"))),
		"6000 list-element":        refusal(posted("customer", `{"Id":"7","SyncToken":"1","sparse":true,"Notes":"x"}`), broken("You cannot modify a list element that has been deleted.")).after(inactiveName),
		"6080":                     refusal(posted("customer", `{"Notes":"x"}`), validation(problem("No Name Provided", oneOfTheNames, "6080", ""))),
		"6140": refusal(posted("journalentry", simple("AA_2025-07_7676ce")), validation(problem(duplicateDocNumber, duplicateDocNumber+" : You must specify a different number. This number has already been used. "+
			"DocNumber=AA_2025-07_7676ce is assigned to TxnType=Journal Entry with TxnId=3632", "6140", ""))).with(qbosim.Switches{DuplicateNumberCheck: true}).after(seeded),
		"6180":           refusal(posted("customer", `{"DisplayName":"5","ParentRef":{"value":"11"}}`), validation(problem("Sub Level Limit", fiveLevels, "6180", ""))).after(deep),
		"6190":           refusal(posted("journalentry", simple("D")), validation(problem("Invalid Company Status", subscriptionOver, "6190", ""))).with(qbosim.Switches{SubscriptionEnded: true}),
		"6190, deleting": refusal(posted("journalentry?operation=delete", `{"Id":"7","SyncToken":"0"}`), validation(problem("Invalid Company Status", subscriptionOver, "6190", ""))).with(qbosim.Switches{SubscriptionEnded: true}),
		"6240 names":     refusal(posted("vendor", `{"DisplayName":" AMY "}`), takenName(taken)).after(newCustomer),
		"6240, inactive": refusal(posted("vendor", `{"DisplayName":"amy"}`), takenName(taken)).with(qbosim.Switches{InactiveNamesTaken: true}).after(inactiveName),
		"6240 update":    refusal(posted("customer", `{"Id":"8","SyncToken":"0","sparse":true,"DisplayName":"Acme"}`), takenName("Another customer is already using this name.  Please use a different name.")).after(func(b *bench) { newVendor(b); newCustomer(b) }),
	}
}

func (c cause) provoke(t *testing.T) {
	t.Helper()
	b := newBench(t)
	b.sim.SetSwitches(realm, c.switches)
	if c.before != nil {
		c.before(b)
	}
	b.answers(c.ask, c.status, c.want)
}

func TestEveryRuleOfJournalEntriesHasItsFault(t *testing.T) {
	t.Parallel()
	for name, c := range rules() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.provoke(t)
		})
	}
}

func TestFaultsThatNameTheCallItself(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	host, path := strings.TrimPrefix(b.url, "http://"), "/v3/company/1001/customer/1/5"
	b.answers(got("customer/1/5"), 400, validation(problem(unsupportedOperation,
		"Operation Could not find resource for relative : "+path+" of full path: https://"+host+path+" is not supported.", "500")))
	id, long := strings.Repeat("r", 32), strings.Repeat("b", 36)
	if _, _, body := b.ask(posted("batch?requestid="+id, fmt.Sprintf(`{"BatchItemRequest":[{"bId":%q,"operation":"create","JournalEntry":%s}]}`, long, simple("D")))); strings.Contains(body, "Fault") {
		t.Errorf("well-known clients send ids as long: %s", body)
	}
	b.sim.SetSwitches(realm, qbosim.Switches{StrictBatchIDs: true})
	_, _, body := b.ask(posted("batch?requestid="+id, fmt.Sprintf(`{"BatchItemRequest":[{"bId":%q,"operation":"create","JournalEntry":%s}]}`, long, simple("D"))))
	want := `{"BatchItemResponse":[{"Fault":{"Error":[` + problem(businessRule, "Business Validation Error: You cannot enter more than 50 characters in the request_id field. "+
		"You tried entering rrrrrrrrrr..., which is 68 characters.", "6000", "") + `],"type":"ValidationFault"},"bId":"` + long + `"}],"time":"` + clock + `"}`
	if diff := cmp.Diff(want, body); diff != "" {
		t.Errorf("a requestid and bId of more than 50 characters together (-want +got):\n%s", diff)
	}
	b.now = b.now.Add(time.Hour)
	late := strings.Replace(gateway(notAuthenticated, "Token expired: "+b.token[:12], "3200", "AUTHENTICATION"), "1777976437245", "1777980037245", 1)
	b.answers(got("preferences"), 401, late)
}

// TestWhatTheRulesOfEntriesAllow: each of these was seen, or is documented, to be taken.
func TestWhatTheRulesOfEntriesAllow(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	amy, ben := b.customer("Amy"), b.customer("Ben")
	acme := b.put("vendor", `{"DisplayName":"Acme"}`)["Vendor"].(object)["Id"].(string)
	equity := b.put("account", `{"Name":"Retained Earnings","AccountType":"Equity"}`)["Account"].(object)["Id"].(string)
	owes := func(amount, who string) string {
		return line("Debit", amount, receivable, named("Customer", who))
	}
	for name, body := range map[string]string{
		"a number that was used before":          simple("D"),
		"several receivable lines and customers": entry("A", "2026-05-05", owes("1.00", amy), owes("2.00", ben), line("Credit", "3.00", sales)),
		"a receivable and a payable line":        entry("B", "2026-05-05", owes("1.00", amy), line("Credit", "1.00", payable, named("Vendor", acme))),
		"lines of zero":                          entry("C", "2026-05-05", line("Debit", "0", checking), line("Credit", "0.00", sales)),
		"income and retained earnings":           entry("E", "2026-05-05", line("Debit", "1.00", sales), line("Credit", "1.00", equity)),
		"amounts as texts, no number, no date":   `{"Line":[` + line("Debit", `"6500.00"`, checking) + "," + line("Credit", "6500", sales) + `]}`,
	} {
		b.put("journalentry", simple("D"))
		if status, answer := b.post("journalentry", body); status != http.StatusOK {
			t.Errorf("%s: %d %s", name, status, answer)
		}
	}
	b.sim.SetSwitches(realm, qbosim.Switches{DuplicateNumberCheck: true})
	if status, answer := b.post("journalentry?include=allowduplicatedocnum", simple("D")); status != http.StatusOK {
		t.Errorf("include=allowduplicatedocnum does not by-pass the check: %s", answer)
	}
	before := len(b.sim.Journal(realm))
	b.post("journalentry", entry("F", "2026-05-05", debit()))
	if after := len(b.sim.Journal(realm)); after != before {
		t.Errorf("a refused entry is booked: %d, %d", before, after)
	}
}

func TestEveryFaultThatComesAboutByItself(t *testing.T) {
	t.Parallel()
	for name, c := range codes(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.provoke(t)
		})
	}
}
