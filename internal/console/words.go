package console

import (
	"fmt"
	"html/template"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/passare/qbo-sync/internal/date"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/money"
	"github.com/passare/qbo-sync/internal/review"
	"github.com/passare/qbo-sync/internal/rules"
)

// words are what templates say things with.
func words() template.FuncMap {
	return template.FuncMap{
		"money": dollars, "day": date.Date.Short, "at": moment, "iso": func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"state": stateOf, "kind": kindOf, "tab": tabTitle, "verb": verb, "did": did, "entryPath": entryPath, "short": short,
		"outcome": outcomeOf, "counted": counted, "chosen": func(d rules.Decision) string { return capital(d.Says()) },
		"problem": problemOf, "setting": titleOf, "settingValue": settingOf, "casePath": casePath, "grouped": grouped,
		"night": nightState, "nightPath": nightPath, "differencePath": differencePath, "actionSays": actionOf, "capital": func(s any) string { return capital(fmt.Sprint(s)) }, "packetPath": packetPath, "recordName": recordName,
	}
}

// ages are the words for how long ago something was.
func ages(now func() time.Time) template.FuncMap {
	return template.FuncMap{"ago": func(t time.Time) string { return ago(now(), t) }}
}

// ago is a time as people say it: "3 h ago". What is more than a week away is told by its day.
func ago(now, t time.Time) string {
	const day, week = 24 * time.Hour, 7 * 24 * time.Hour
	d, says := now.Sub(t), "%s ago"
	if d < 0 {
		d, says = -d, "in %s"
	}
	number := func(of time.Duration) string { return strconv.Itoa(int(d / of)) }
	switch {
	case d < time.Minute && says == "%s ago":
		return "just now"
	case d < time.Minute:
		return "in a moment"
	case d < time.Hour:
		return fmt.Sprintf(says, number(time.Minute)+" min")
	case d < day:
		return fmt.Sprintf(says, number(time.Hour)+" h")
	case d < 2*day:
		return fmt.Sprintf(says, "1 day")
	case d < week:
		return fmt.Sprintf(says, number(day)+" days")
	}
	return date.Of(t).Short()
}

// dollars is an amount as US bookkeepers write it: $1,000.00, and -$5.00 for what is taken back.
func dollars(c money.Cents) string {
	if c < 0 {
		return "-$" + c.Abs().Grouped()
	}
	return "$" + c.Grouped()
}

// moment is a time as US bookkeepers write it, in UTC, since nobody's time zone is known here.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("1/2/2006 3:04 PM") + " UTC"
}

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// kindOf is a transaction type in words: "Payment created".
func kindOf(kind string) string {
	return capital(strings.NewReplacer(
		"goods_and_services", "Goods & Services", "resigned", "re-signed", "ach_", "ACH ", "claimcheck", "CLAIMCHECK", ".", " ", "_", " ",
	).Replace(kind))
}

// named is a state for people: its word, a sign that says the same without colour, and the class of its colour.
type named struct{ Word, Sign, Class string }

func stateOf(e intlog.Entry) named {
	if e.Stuck() {
		return named{"Stuck", "!", "bad"}
	}
	switch e.State {
	case intlog.Held:
		return named{"Held", "‖", "calm"}
	case intlog.Pending:
		return named{"Pending", "○", "wait"}
	case intlog.Queued:
		return named{"On its way", "→", "wait"}
	case intlog.Claimed:
		return named{"Being posted", "→", "wait"}
	case intlog.Waiting:
		return named{"Waiting", "…", "wait"}
	case intlog.Failed:
		return named{"Sync error", "!", "bad"}
	case intlog.Synced:
		return named{"Synced", "✓", "good"}
	case intlog.Deleted:
		return named{"Deleted", "×", "calm"}
	case intlog.Superseded:
		return named{"Replaced", "↷", "calm"}
	case intlog.Excluded:
		return named{"Left out", "–", "calm"}
	case intlog.Unchanged:
		return named{"No change", "=", "calm"}
	}
	return named{capital(string(e.State)), "", "calm"}
}

func tabTitle(tab string) string {
	switch tab {
	case "pending":
		return "Pending transactions"
	case "errors":
		return "Sync errors"
	}
	return capital(tab)
}

// verb is an action as a button says it; the help page has the words.
func verb(a review.Action) string {
	if a == review.Retry {
		return "Retry sync"
	}
	return capital(string(a))
}

// did is an action that was done, for the message after it.
func did(a review.Action) string {
	switch a {
	case review.Sync:
		return "is on its way to QuickBooks"
	case review.Retry:
		return "is tried again now"
	case review.Delete:
		return "is deleted; its data are kept, and it can be restored"
	case review.Restore:
		return "is restored"
	case review.Undo:
		return "is being taken out of QuickBooks, by an entry of its own"
	}
	return "is done"
}

func outcomeOf(o review.Outcome) named {
	switch o {
	case review.Done:
		return named{"Done", "✓", "good"}
	case review.Already:
		return named{"So already", "=", "calm"}
	case review.NotPossible:
		return named{"Not possible", "!", "bad"}
	case review.NotFound:
		return named{"Not found", "!", "bad"}
	case review.Would:
		return named{"Will be done", "→", "wait"}
	case review.NotBegun:
		return named{"Not begun", "…", "wait"}
	}
	return named{string(o), "", "calm"}
}

// counted is "1 entry", "1,200 entries".
func counted(n int) string {
	if n == 1 {
		return "1 entry"
	}
	return grouped(n) + " entries"
}

// grouped is a number as US bookkeepers write it: "1,200".
func grouped(n int) string {
	digits := strconv.Itoa(n)
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	return digits
}

func entryPath(id string) string { return Home + "/entries/" + url.PathEscape(id) }

// mostShown is how many characters of a problem a row shows as they are; of a longer one it shows two lines until it is opened.
const mostShown = 110

func short(text string) bool { return utf8.RuneCountInString(text) <= mostShown }

// problemOf is the first of what is in an entry's way; why it is where it is, when nothing is.
func problemOf(e intlog.Entry) string {
	if len(e.Cause) > 0 {
		return e.Cause[0].Text
	}
	return e.Why
}
