package qbosim

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"strings"
)

// serviceError is one error of a service fault (quickbooks.md, Faults).
type serviceError struct{ Message, Detail, Code, Element string }

// noElement is an error whose element is absent, not empty.
const noElement = "\x00"

// show keeps the key order of QuickBooks.
func (e serviceError) show() ordered {
	o := ordered{{"Message", e.Message}, {"Detail", e.Detail}, {"code", e.Code}}
	if e.Element != noElement {
		o = append(o, field{"element", e.Element})
	}
	return o
}

// faultOf is the Fault of one or more errors, as it stands in an answer or in an item of a batch.
func faultOf(kind string, errors []serviceError) ordered {
	list := make([]any, len(errors))
	for i, e := range errors {
		list[i] = e.show()
	}
	return ordered{{"Error", list}, {"type", kind}}
}

// refused answers with a service fault of one or more errors.
func (s *Sim) refused(status int, errors ...serviceError) result {
	kind := validationFault
	if status >= http.StatusInternalServerError {
		kind = systemFault
	}
	return s.service(status, kind, errors...)
}

// service answers with a service fault of a type. A 401 says how to sign in, as HTTP wants it.
func (s *Sim) service(status int, kind string, errors ...serviceError) result {
	fault := faultOf(kind, errors)
	body, _ := plain(ordered{{"Fault", fault}, {"time", s.stamp()}})
	r := result{status: status, contentType: "application/json", body: body, fault: fault}
	if status == http.StatusUnauthorized {
		r.challenge = challenge
	}
	return r
}

// gateway answers in the gateway's dialect: lower case, numeric time. To callers that accept XML it is XML.
func (s *Sim) gateway(c call, k known) result {
	if c.wantsXML() {
		return s.gatewayXML(k)
	}
	null := json.RawMessage("null")
	detail := any(k.Detail)
	if k.Detail == "" {
		detail = null
	}
	body, _ := plain(ordered{
		{"warnings", null},
		{"intuitObject", null},
		{"fault", ordered{
			{"error", []any{ordered{{"message", k.Message}, {"detail", detail}, {"code", k.Code}, {"element", null}}}},
			{"type", k.kind},
		}},
		{"report", null},
		{"queryResponse", null},
		{"batchItemResponse", []any{}},
		{"attachableResponse", []any{}},
		{"syncErrorResponse", null},
		{"requestId", null},
		{"time", json.Number(fmt.Sprint(s.o.Now().UnixMilli()))},
		{"status", null},
		{"cdcresponse", []any{}},
	})
	return result{status: k.status, contentType: "application/json", body: body}
}

// gatewayXML is the same fault as Intuit sends it to callers that do not accept JSON.
func (s *Sim) gatewayXML(k known) result {
	var b bytes.Buffer
	element := func(indent, name, text string) {
		b.WriteString(indent + "<" + name + ">")
		_ = xml.EscapeText(&b, []byte(text))
		b.WriteString("</" + name + ">\n")
	}
	fmt.Fprintf(&b, `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<IntuitResponse time="%s" xmlns="http://schema.intuit.com/finance/v3">
    <Fault type="%s">
        <Error code="%s">
`, s.stamp(), k.kind, k.Code)
	element("            ", "Message", k.Message)
	if k.Detail != "" {
		element("            ", "Detail", k.Detail)
	}
	b.WriteString("        </Error>\n    </Fault>\n</IntuitResponse>\n")
	return result{status: k.status, contentType: "application/xml", body: b.Bytes()}
}

// challenge stands in WWW-Authenticate of every 401.
const challenge = `Bearer realm="Intuit"`

func unsupported(what string) serviceError {
	return serviceError{"Unsupported Operation", "Operation " + what + " is not supported.", "500", noElement}
}

func noResource(host, path string) serviceError {
	return unsupported("Could not find resource for relative : " + path + " of full path: https://" + host + path)
}

// resource is the fault for a path that a call has and QuickBooks does not.
func (c call) resource() serviceError {
	return noResource(c.request.Host, "/v3/company/"+c.realm+"/"+c.path)
}

// malformedBytes is what the parser of XML says about a body that is no UTF-8.
func malformedBytes() serviceError {
	return unsupported("com.sun.org.apache.xerces.internal.impl.io.MalformedByteSequenceException: Invalid byte 1 of 1-byte UTF-8 sequence")
}

func duplicateRequestID() serviceError {
	return serviceError{
		"Duplicate Request ID",
		"The request ID you're trying to use already exists in the QuickBooks Online Accounting API or QuickBooks Payments API. Our system detected the duplicate.",
		"600", noElement,
	}
}

func batchTooLarge() serviceError {
	return serviceError{"Batch size exceeds allowed limit", "Batch size exceeds allowed limit : 30", "1040", noElement}
}

func badRequestID(id string) serviceError {
	return serviceError{"Invalid Request Id Format", "Invalid Request Id Format : " + id, "2130", noElement}
}

// longRequestID is the fault of an item of a batch whose identity, the requestid with the bId, is too long. Only its beginning is shown.
func longRequestID(id string, length int) serviceError {
	return broken(fmt.Sprintf("You cannot enter more than %d characters in the request_id field. You tried entering %s..., which is %d characters.",
		maxRequestID, id[:min(len(id), 10)], length))
}

func noPostingType() serviceError {
	return serviceError{"MissingPostingType", "A posting type is required. Valid values are Credit or Debit.", "2260", "PostingType"}
}

func negativeAmount() serviceError {
	return serviceError{"NegativeAmount", "Negative amounts aren't supported on transaction lines.", "2290", "Amount"}
}

func unbalanced() serviceError {
	return serviceError{"Amount on debits not equal to credits", "Please balance debits and credits.", "2300", ""}
}

// badCharacters is the fault for a colon, tab or line end in a name; its code is a switch, because it was never seen.
func badCharacters(element, name, code string) serviceError {
	return serviceError{"Invalid String", "Element contains invalid characters: " + name, code, element}
}

func noName() serviceError {
	return serviceError{"No Name Provided", "Title, GivenName, MiddleName, FamilyName, DisplayName, Suffix - one of these must be non-empty", "6080", ""}
}

func tooDeep() serviceError {
	return serviceError{"Sub Level Limit", "Review the number of nested accounts and customers. You can nest up to 5 levels.", "6180", ""}
}

func noEntity(name string) serviceError {
	return serviceError{"Invalid query", "QueryValidationError: invalid context declaration: " + name, "4001", noElement}
}

func noProperty(property, entity string) serviceError {
	return serviceError{"Invalid query", "QueryValidationError: Property " + property + " not found for Entity " + entity, "4001", noElement}
}

func notQueryable(property string) serviceError {
	return serviceError{"Invalid query", "QueryValidationError: property '" + property + "' is not queryable", "4001", noElement}
}

func tooSmall(n, least int) serviceError {
	return serviceError{"Invalid query", fmt.Sprintf("QueryValidationError: value %d is too small. Min allowed value is %d", n, least), "4001", noElement}
}

func tooLarge(n, most int) serviceError {
	return serviceError{"Invalid query", fmt.Sprintf("QueryValidationError: value %d is too large. Max allowed value is %d", n, most), "4001", noElement}
}

// notInPlan is the fault for a feature, such as a report, that the company's plan does not have.
func notInPlan() serviceError {
	return serviceError{"Permission Denied Error", "Permission Denied Error : You do not have the access rights to use this feature.", "5020", "ReportName"}
}

func namesLocked() serviceError {
	return broken("You can only add or edit one name at a time. Please try again.")
}

func duplicateNumber(number, holder string) serviceError {
	return serviceError{
		"Duplicate Document Number Error",
		"Duplicate Document Number Error : You must specify a different number. This number has already been used. DocNumber=" +
			number + " is assigned to TxnType=Journal Entry with TxnId=" + holder, "6140", "",
	}
}

func subscriptionEnded() serviceError {
	return serviceError{
		"Invalid Company Status",
		"Subscription period has ended or canceled or there was a billing problem : You can't add data to QuickBooks Online Plus because your trial or " +
			"subscription period ended, you cancelled your subscription, or there was a billing problem. To update your subscription, click the gear icon and view your account information.",
		"6190", "",
	}
}

// booksClosed: 6200 without, 6210 with a password that would open the books.
func booksClosed(code string) serviceError {
	if code == "6200" {
		return serviceError{"Account Period Closed", "The account period has closed.", "6200", ""}
	}
	return serviceError{
		"Account Period Closed, Cannot Update Through Services API",
		"The account period has closed and the account books cannot be updated through through the QBO Services API. Please use the QBO website to make these changes.",
		"6210", "",
	}
}

func duplicateNameNull() serviceError {
	return serviceError{"Duplicate Name Exists Error", "The name supplied already exists. : null", "6240", ""}
}

func beforeInventory() serviceError {
	return serviceError{"Transaction date is prior to start date for inventory item", "Transaction date is prior to start date for inventory item", "6270", ""}
}

func systemFailure(what string) serviceError {
	return serviceError{"An application error has occurred while processing your request", "System Failure Error: " + what, "10000", noElement}
}

func badProperty(what string) serviceError {
	return serviceError{"Request has invalid or unsupported property", "Property Name:" + what + " specified is unsupported or invalid", "2010", noElement}
}

// unreadable is a body that is no JSON object of the entity: cut off, wrapped in its own name, a field in the wrong place.
func unreadable() serviceError { return badProperty("failed to parse json object; a property") }

func missing(name string) serviceError {
	return serviceError{
		"Required param missing, need to supply the required value for the API", "Required parameter " + name + " is missing in the request", "2020", name,
	}
}

func badID(id string) serviceError {
	return serviceError{"Invalid ID", "Id should be a valid number. Supplied value:" + id, "2030", "Id"}
}

func tooLong(element string, most, given int) serviceError {
	return serviceError{
		"String length is either shorter or longer than supported by specification",
		fmt.Sprintf("String length specified does not match the supported length. Min:0 Max:%d supported. Supplied length:%d", most, given), "2050", element,
	}
}

func broken(rule string) serviceError {
	return serviceError{"A business validation error has occurred while processing your request", "Business Validation Error: " + rule, "6000", ""}
}

func inactive() serviceError {
	return serviceError{
		"Object Not Found",
		"Object Not Found : Something you're trying to use has been made inactive. Check the fields with accounts, customers, items, vendors or employees.", "610", "",
	}
}

func gone() serviceError {
	return serviceError{"Object Not Found", "Object Not Found : Another user has deleted this transaction.", "610", ""}
}

// stale names the person who was faster, as QuickBooks does.
func stale(by string) serviceError {
	return serviceError{
		"Stale Object Error",
		"Stale Object Error : You and " + by + " were working on this at the same time. " + by + " finished before you did, so your work was not saved.", "5010", "",
	}
}

func unknownRef(table, id string) serviceError {
	return serviceError{"Invalid Reference Id", "Invalid Reference Id : " + table + " element id " + id + " not found", "2500", "Reference Id"}
}

func duplicateName() serviceError {
	return serviceError{
		"Duplicate Name Exists Error",
		"The name supplied already exists. : Another customer, vendor or employee is already using this name. Please use a different name.", "6240", "",
	}
}

func duplicateNameOnUpdate(kind string) serviceError {
	return serviceError{
		"Duplicate Name Exists Error",
		"The name supplied already exists. : Another " + strings.ToLower(kind) + " is already using this name.  Please use a different name.", "6240", "",
	}
}
