package qbosim

import (
	"net/http"
	"slices"
)

// known is an answer that QuickBooks is known for: a code in one of its variants (quickbooks.md, Faults).
type known struct {
	variant string
	status  int
	kind    string // type of the fault; the gateway's types come in the gateway's dialect
	serviceError
}

// The types of faults. That of a person without access is misspelled on the wire, too.
const (
	validationFault    = "ValidationFault"
	systemFault        = "SystemFault"
	authorizationFault = "AuthorizatonFault"
	gatewayService     = "SERVICE"
	gatewaySignIn      = "AUTHENTICATION"
)

// catalogue lists every fault of quickbooks.md with the texts that it was seen with; the ids, names and numbers in them are those of the samples.
func catalogue() []known {
	refusal := func(variant string, e serviceError) known {
		return known{variant, http.StatusBadRequest, validationFault, e}
	}
	return []known{
		noAccess(),
		refusal("resource", noResource("c50.sandbox.qbo.intuit.com/qbo50", "/v3/company/R/customer/1/5")),
		refusal("bytes", malformedBytes()),
		refusal("", duplicateRequestID()),
		refusal("inactive", inactive()),
		refusal("deleted", gone()),
		refusal("", batchTooLarge()),
		refusal("field", badInvoice()),
		refusal("json", unreadable()),
		refusal("utf8", badProperty("Invalid UTF-8 middle byte 0x6d")),
		refusal("", missing("AccountRef")),
		refusal("", badID("1.5")),
		refusal("", badCharacters("DisplayName", "Amy:Lauterbach", Switches{}.colonCode())),
		refusal("", tooLong("DocNumber", maxDocNumber, 45)),
		refusal("", badRequestID("x")),
		refusal("", noPostingType()),
		refusal("", negativeAmount()),
		refusal("", unbalanced()),
		refusal("", unknownRef("Names", "583")),
		tooFast(),
		notAllowed(),
		expired("AB01601390262kxzxOlnHYdhtEVRXISU7piPqQrCmmbDN35Yjd"),
		revoked(),
		refusal("", parseError(word{text: "TxnDate", at: 28})),
		refusal("entity", noEntity("Custmoer")),
		refusal("property", noProperty("NoSuchField", "Purchase")),
		refusal("unqueryable", notQueryable("PrimaryEmailAddr")),
		refusal("small", tooSmall(0, 1)),
		refusal("large", tooLarge(1001, maxRows)),
		refusal("", stale("Christian Pelczarski")),
		refusal("", notInPlan()),
		refusal("lines", broken("Fill out at least two detail lines to continue.")),
		refusal("receivable", broken("When you use Accounts Receivable, you must choose a customer in the Name field.")),
		refusal("payable", broken("When you use Accounts Payable, you must choose a vendor in the Name field.")),
		refusal("control", broken("You can have only one A/R or A/P account in each transaction.")),
		refusal("amount", broken("You must specify a transaction amount that is 0 or greater.")),
		refusal("name-lock", namesLocked()),
		refusal("item-lock", broken("You can only add or edit one product or service at a time. Please try again.")),
		refusal("list-element", broken("You cannot modify a list element that has been deleted.")),
		refusal("account-type", broken("You need to select a different type of account for this transaction.")),
		refusal("unexpected", broken("An unexpected error occurred while accessing or saving your data. Please wait a few minutes and try again.")),
		refusal("internal", broken("Unexpected Internal Error. (-30000)")),
		refusal("link", broken("The entity Estimate 75 that you are trying to link does not exist.")),
		refusal("request-id", longRequestID("8182e07bba", 68)),
		refusal("", noName()),
		refusal("", duplicateNumber("AA_2025-07_7676ce", "3632")),
		refusal("", tooDeep()),
		refusal("", subscriptionEnded()),
		refusal("", booksClosed("6200")),
		refusal("", booksClosed("6210")),
		refusal("null", duplicateNameNull()),
		refusal("names", duplicateName()),
		refusal("update", duplicateNameOnUpdate("Customer")),
		refusal("", beforeInventory()),
		{"", http.StatusInternalServerError, systemFault, systemFailure("null")},
	}
}

// catalogued finds a fault by its code and variant; without a variant it is the first of the code.
func catalogued(code, variant string) (known, bool) {
	for _, k := range catalogue() {
		if k.Code == code && (variant == "" || k.variant == variant) {
			return k, true
		}
	}
	return known{}, false
}

// give answers with a known fault in its dialect.
func (s *Sim) give(c call, k known) result {
	if k.kind != gatewayService && k.kind != gatewaySignIn {
		return s.service(k.status, k.kind, k.serviceError)
	}
	r := s.gateway(c, k)
	if k.kind == gatewaySignIn {
		r.challenge = challenge + `, error="invalid_token"`
	}
	return r
}

// listed is the catalogue as GET /_sim/faults shows it. An element that is absent in answers is absent here, too.
func listed() ordered {
	var list []any
	for _, k := range catalogue() {
		o := ordered{{"code", k.Code}, {"variant", k.variant}, {"status", k.status}, {"type", k.kind}, {"message", k.Message}, {"detail", k.Detail}}
		if k.Element != noElement {
			o = append(o, field{"element", k.Element})
		}
		list = append(list, o)
	}
	kinds := make([]any, 0, len(faultKinds()))
	for _, kind := range faultKinds() {
		kinds = append(kinds, kind)
	}
	return ordered{{"kinds", kinds}, {"catalogue", list}}
}

// badInvoice is the unknown field that the recordings have.
func badInvoice() serviceError {
	all := schemas()
	i := slices.IndexFunc(all, func(x *schema) bool { return x.name == "Invoice" })
	return all[i].unknownProperty("BadJson")
}

func noAccess() known {
	return known{"", http.StatusUnauthorized, authorizationFault, serviceError{
		"Authorization Failure", "AuthorizationFailure: –11014-You do not have access to use QuickBooks Online Plus.", "120", noElement,
	}}
}

func expired(token string) known {
	return known{"expired", http.StatusUnauthorized, gatewaySignIn, serviceError{
		"message=AuthenticationFailed; errorCode=003200; statusCode=401", "Token expired: " + token, "3200", noElement,
	}}
}

func revoked() known {
	k := expired("")
	k.variant, k.Detail = "revoked", "Token revoked"
	return k
}

func notAllowed() known {
	return known{"", http.StatusForbidden, gatewayService, serviceError{"message=ApplicationAuthorizationFailed; errorCode=003100; statusCode=403", "", "3100", noElement}}
}

func tooFast() known {
	return known{"", http.StatusTooManyRequests, gatewayService, serviceError{
		"message=ThrottleExceeded; errorCode=003001; statusCode=429", "The request limit was reached.  Try again later", "3001", noElement,
	}}
}
