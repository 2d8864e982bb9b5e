package qbosim

import (
	"fmt"
	"slices"
	"strings"
)

// schema is what the simulator knows of an entity.
type schema struct {
	name      string
	order     []string // of the fields in answers; all of them may be sent, too
	known     []string // further fields that may be sent
	more      int      // further fields that Intuit's message counts and does not list
	kept      []string // read-only: what a client sends of them is ignored
	nameField string   // of list objects: DisplayName or Name
	names     bool     // shares the name space of customers, vendors and employees
	total     bool     // its pages carry totalCount
	single    bool     // a company has exactly one, which cannot be written here
	unasked   []string // fields that queries may not ask for
}

// list says whether objects of the entity can be made inactive; transactions are deleted instead.
func (x *schema) list() bool { return x.nameField != "" }

func words(s string) []string { return strings.Fields(s) }

const (
	metaFields   = "domain sparse Id SyncToken MetaData"
	personFields = "Title GivenName MiddleName FamilyName Suffix"
	// readOnly is computed by QuickBooks.
	readOnly = "domain sparse status time Id SyncToken MetaData FullyQualifiedName Balance BalanceWithJobs CurrentBalance CurrentBalanceWithSubAccounts " +
		"Classification Level V4IDPseudonym TotalAmt HomeTotalAmt HomeBalance"
)

// schemas lists every entity. Those after JournalEntry are kept as they were seeded: they can be read, queried, updated and deleted.
func schemas() []*schema {
	list := []*schema{
		{
			name: "Customer", nameField: "DisplayName", names: true, kept: words(readOnly),
			order: words("Taxable BillAddr ShipAddr Notes Job BillWithParent ParentRef Level Balance BalanceWithJobs CurrencyRef PreferredDeliveryMethod IsProject " +
				metaFields + " " + personFields + " FullyQualifiedName CompanyName DisplayName PrintOnCheckName Active V4IDPseudonym PrimaryPhone AlternatePhone Mobile Fax " +
				"PrimaryEmailAddr WebAddr DefaultTaxCodeRef"),
			known: words("CustomField AttachableRef status IntuitId Organization UserId OtherContactInfo TaxExemptionReasonId OtherAddr ContactName AltContactName " +
				"RootCustomerRef CustomerTypeRef SalesTermRef SalesRepRef TaxGroupCodeRef TaxRateRef PaymentMethodRef CCDetail PriceLevelRef OpenBalanceDate CreditLimit AcctNum " +
				"OverDueBalance TotalRevenue TotalExpense ResaleNum JobInfo TDSEnabled CustomerEx SecondaryTaxIdentifier ARAccountRef PrimaryTaxIdentifier BusinessNumber GSTIN " +
				"GSTRegistrationType ClientCompanyId ClientEntityId Source"),
			unasked: words("CustomerTypeRef Notes BillAddr ShipAddr"),
		},
		{
			name: "Vendor", nameField: "DisplayName", names: true, kept: words(readOnly),
			order: words("BillAddr TermRef Balance BillRate AcctNum Vendor1099 CurrencyRef CostRate " + metaFields + " " + personFields +
				" CompanyName DisplayName PrintOnCheckName Active V4IDPseudonym PrimaryPhone AlternatePhone Mobile Fax PrimaryEmailAddr WebAddr"),
			known: words("CustomField AttachableRef status IntuitId Organization UserId FullyQualifiedName OtherContactInfo DefaultTaxCodeRef ContactName AltContactName Notes " +
				"TaxCountry TaxIdentifier BusinessNumber OtherAddr CreditLimit T4AEligible T5018Eligible TaxReportingBasis TDSEnabled HasTPAR APAccountRef VendorEx GSTIN " +
				"GSTRegistrationType VendorPaymentBankDetail Source"),
			unasked: words("PrimaryEmailAddr BillAddr"),
		},
		{
			name: "Employee", nameField: "DisplayName", names: true, kept: words(readOnly),
			order: words("BillableTime " + metaFields + " " + personFields + " DisplayName PrintOnCheckName Active V4IDPseudonym PrimaryPhone Mobile PrimaryEmailAddr"),
			known: words("CustomField status Organization EmployeeType EmployeeNumber SSN PrimaryAddr BillRate BirthDate Gender HiredDate ReleasedDate UseTimeEntry CompanyName"),
		},
		{
			name: "Account", nameField: "Name", kept: words(readOnly),
			order: words("Name SubAccount ParentRef Description FullyQualifiedName Active Classification AccountType AccountSubType AcctNum CurrentBalance " +
				"CurrentBalanceWithSubAccounts CurrencyRef TaxCodeRef " + metaFields),
			known: words("CustomField AttachableRef status AccountAlias TxnLocationType BankNum RoutingNum LanguageCode OpeningBalance OpeningBalanceDate OnlineBankingEnabled " +
				"FIName JournalCodeRef AccountEx"),
		},
		{
			name: "Class", nameField: "Name", kept: words(readOnly),
			order: words("Name SubClass ParentRef FullyQualifiedName Active " + metaFields), known: words("CustomField AttachableRef status ClassEx Description"),
		},
		{
			name: "Department", nameField: "Name", kept: words(readOnly),
			order: words("Name SubDepartment ParentRef FullyQualifiedName Active " + metaFields), known: words("CustomField AttachableRef status Address DepartmentEx"),
		},
		{
			name: "JournalEntry", total: true, kept: words(readOnly),
			order: words("Adjustment TotalAmt HomeTotalAmt " + metaFields + " DocNumber TxnDate CurrencyRef ExchangeRate PrivateNote Line TxnTaxDetail"),
			known: words("CustomField AttachableRef status DepartmentRef TxnStatus LinkedTxn HomeCurrencyAdjustment EnteredInHomeCurrency GlobalTaxCalculation TaxRateRef " +
				"JournalEntryEx TxnSource TaxFormType TaxFormNum TransactionLocationType Tag TxnApprovalInfo RecurDataRef RecurringInfo"),
			unasked: words("PrivateNote Line TxnTaxDetail"),
		},
		{
			name: "Invoice", total: true, kept: words(readOnly), more: 22,
			order: words("DocNumber HomeTotalAmt TotalAmt TxnSource AllowOnlinePayment RecurringInfo EmailStatus callToAction AutoDocNumber ECloudStatusTimeStamp TaxFormNum TxnDate " +
				"FOB ClassRef AllowOnlineACHPayment DepositToAccountRef InvoiceEx AllowOnlineCreditCardPayment CurrencyRef InvoiceLink PONumber ShipDate PaymentMethodRef TrackingNum " +
				"TxnTaxDetail CustomerRef ShipFromAddr BillAddr EInvoiceStatus Id RecurDataRef ApplyTaxAfterDiscount DepartmentRef SalesRepRef ExchangeRate domain " +
				"invoiceStatusLog TaxFormType BillEmailBcc LessCIS CustomerMemo TxnStatus HomeBalance PrintStatus ConvenienceFeeDetail DiscountRate DeliveryInfo FreeFormAddress " +
				"AllowIPNPayment CustomField PaymentDetailsMessage TransactionLocationType MetaData LinkedTxn status RemitToRef PrivateNote ShipMethodRef PaymentRefNum Tag TxnApprovalInfo"),
		},
		{name: "Estimate", kept: words(readOnly)},
		{name: "SalesReceipt", kept: words(readOnly)},
		{name: "Payment", kept: words(readOnly)},
		{name: "CreditMemo", kept: words(readOnly)},
		{name: "Purchase", kept: words(readOnly)},
		{name: "PurchaseOrder", total: true, kept: words(readOnly)},
		{name: "Bill", total: true, kept: words(readOnly)},
		{name: "BillPayment", total: true, kept: words(readOnly)},
		{name: "Deposit", total: true, kept: words(readOnly)},
		{name: "CompanyInfo", single: true},
		{name: "Preferences", single: true},
		{name: "Item", nameField: "Name", kept: words(readOnly)},
	}
	for _, name := range words("Attachable Budget ExchangeRate InventoryAdjustment RecurringTransaction RefundReceipt ReimburseCharge TimeActivity Transfer VendorCredit") {
		list = append(list, &schema{name: name, kept: words(readOnly)})
	}
	for _, name := range words("CompanyCurrency CustomerType JournalCode PaymentMethod TaxCode TaxRate Term") {
		list = append(list, &schema{name: name, nameField: "Name", kept: words(readOnly)})
	}
	return append(list, &schema{name: "TaxAgency", nameField: "DisplayName", kept: words(readOnly)})
}

// flags are the fields that are true or false.
func flags() []string {
	return words("sparse Active Adjustment BillWithParent IsProject Job SubAccount SubClass SubDepartment Taxable Vendor1099")
}

// withFlags is a copy whose flags are no texts: clients send "true" and "false", too, in any case of letters.
func withFlags(in ordered) ordered {
	c := slices.Clone(in)
	for i, f := range c {
		text, _ := f.value.(string)
		isFlag := strings.EqualFold(text, "true") || strings.EqualFold(text, "false")
		if isFlag && slices.Contains(flags(), f.key) {
			c[i].value = strings.EqualFold(text, "true")
		}
	}
	return c
}

// entityNamed finds an entity by its path or in a query, whatever its case.
func (s *Sim) entityNamed(name string) *schema {
	for _, x := range s.schemas {
		if strings.EqualFold(x.name, name) {
			return x
		}
	}
	return nil
}

// mayHave says whether a field is known. Entities without a list of fields take everything.
func (x *schema) mayHave(key string) bool {
	return len(x.order) == 0 || slices.Contains(x.order, key) || slices.Contains(x.known, key)
}

// maxNamed is where Jackson, the parser behind QuickBooks, cuts its list of known properties.
const maxNamed = 1000

// unknownProperty is the fault for a field that the entity does not have.
func (x *schema) unknownProperty(key string) serviceError {
	all := slices.Concat(x.order, x.known)
	listed := fmt.Sprintf(" (%d known properties: ", len(all)+x.more)
	for i, name := range all {
		listed += `"` + name + `"`
		if len(listed) > maxNamed {
			listed += " [truncated]"
			break
		}
		if i < len(all)-1 {
			listed += ", "
		}
	}
	return badProperty(fmt.Sprintf("Unrecognized field %q (class com.intuit.schema.finance.v3.%s), not marked as ignorable%s])\n", key, x.name, listed))
}
