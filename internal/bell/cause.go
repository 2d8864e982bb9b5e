package bell

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/money"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/rules"
)

// unknownOutcome is the kind of an entry that nothing keeps waiting, and whose outcome QuickBooks has not told.
const unknownOutcome rules.Kind = "outcome"

// cause is why entries wait: what they have in common.
type cause struct {
	problem rules.Problem
	key     string
	entries []intlog.Entry // oldest first
}

// gathered makes the notices of entries (newest first), and of a connection.
func gathered(id string, entries []intlog.Entry, config org.Config, connection []intlog.Notice) []Notice {
	var causes []*cause
	byKey := map[string]*cause{}
	for _, e := range slices.Backward(entries) {
		p := first(e)
		key := keyOf(e, p)
		if byKey[key] == nil {
			byKey[key] = &cause{problem: p, key: key}
			causes = append(causes, byKey[key])
		}
		byKey[key].entries = append(byKey[key].entries, e)
	}
	var notices []Notice
	for _, n := range connection {
		waiting := byKey[string(rules.Connection)]
		if waiting == nil || config.Connected() {
			waiting = &cause{}
		}
		told := Notice{ID: hashed(id, n.Key), Kind: rules.Connection, Text: n.Text, Who: n.Who, Where: connectionPage, Began: n.At}
		notices = append(notices, waiting.counted(told))
		if len(waiting.entries) > 0 {
			causes = slices.DeleteFunc(causes, func(c *cause) bool { return c == waiting })
		}
	}
	for _, c := range causes {
		notices = append(notices, c.counted(Notice{ID: hashed(id, c.key), Kind: c.problem.Kind, Who: c.problem.Who, Where: c.problem.Where, Text: c.says(config), Began: c.began()}))
	}
	return notices
}

const connectionPage = "Connection"

// first is the problem that an entry is shown under.
func first(e intlog.Entry) rules.Problem {
	if len(e.Cause) > 0 {
		return e.Cause[0]
	}
	return rules.Problem{Kind: unknownOutcome, Who: "nobody: it goes by itself", Where: "Sync errors"}
}

// keyOf names the cause of an entry.
func keyOf(e intlog.Entry, p rules.Problem) string {
	switch p.Kind {
	case rules.Connection, rules.Period, rules.Transient, unknownOutcome: // the same for all of an organisation
		return string(p.Kind)
	case rules.Mapping:
		return join(p.Kind, p.Subject)
	case rules.Account, rules.NoName, rules.Member: // QuickBooks' subject is a code; what it is about is in the text
		return join(p.Kind, p.Subject, p.Text)
	case rules.Data, rules.Choice, rules.Company:
		return join(p.Kind, p.Subject, e.ID())
	}
	return join(p.Kind, p.Subject, e.ID())
}

func join(k rules.Kind, parts ...string) string {
	return string(k) + "\x00" + strings.Join(parts, "\x00")
}

// hashed is the id of a cause: 128 bits of it are enough to tell causes apart.
func hashed(id, key string) string {
	sum := sha256.Sum256([]byte(id + "\x00" + key))
	return hex.EncodeToString(sum[:16])
}

// began is when the first of the entries failed.
func (c *cause) began() time.Time {
	at := began(c.entries[0])
	for _, e := range c.entries {
		if other := began(e); other.Before(at) {
			at = other
		}
	}
	return at
}

// began is since when an entry has been as it is: the machine's own tries, which ended the same way, are left out.
func began(e intlog.Entry) time.Time {
	if len(e.History) == 0 {
		return e.Created
	}
	last := e.History[len(e.History)-1]
	at := last.At
	for _, step := range slices.Backward(e.History) {
		if step.Who != intlog.Machine || step.To == intlog.Failed && step.Why != last.Why {
			break
		}
		if step.To == last.To {
			at = step.At
		}
	}
	return at
}

// counted adds how many entries wait, and how much money.
func (c *cause) counted(n Notice) Notice {
	n.Entries, n.First = len(c.entries), []string{}
	for i, e := range c.entries {
		n.Amount += e.Amount.Abs()
		if i < MaxNamed {
			n.First = append(n.First, e.ID())
		}
	}
	if n.Kind == rules.Connection && n.Entries > 0 {
		n.Text += " " + sentence(waits(n.Entries, n.Amount)+" for it")
	}
	return n
}

// says tells a cause in plain words, with how much waits for it.
func (c *cause) says(config org.Config) string {
	p, amount := c.problem, money.Cents(0)
	for _, e := range c.entries {
		amount += e.Amount.Abs()
	}
	much := waits(len(c.entries), amount)
	switch p.Kind {
	case rules.Mapping:
		return unmapped(p.Subject) + ": " + much + ". Map it, and what waits goes by itself."
	case rules.Period:
		return closed(config) + ": " + much + ". " + opened(config)
	case rules.Transient:
		return "QuickBooks cannot take entries now: " + much + ". They go by themselves."
	case unknownOutcome:
		return "QuickBooks has not told yet whether it took what was sent: " + much + ". It is asked again by itself, and nothing is sent twice."
	case rules.Connection:
		return p.Text
	case rules.Account, rules.NoName, rules.Member:
		return p.Text + " " + sentence(much+" for this")
	case rules.Data, rules.Choice, rules.Company:
	}
	return about(c.entries[0]) + ": " + p.Text
}

// unmapped names what has no place in QuickBooks: an account or a branch (rules, Problem.Subject).
func unmapped(subject string) string {
	if role, ok := strings.CutPrefix(subject, "account "); ok {
		return sentenceCase(org.Role(role).Label()) + " has no account in QuickBooks"
	}
	return sentenceCase(subject) + " has no class or location in QuickBooks"
}

func closed(config org.Config) string {
	if config.CloseDate == "" {
		return "The books are closed"
	}
	return "The books are closed through " + config.CloseDate.Short()
}

func opened(config org.Config) string {
	if config.CloseDate == "" {
		return "Re-open them in QuickBooks, or post what waits on the first open day."
	}
	return "Re-open them in QuickBooks, or post what waits on the first open day, " + config.CloseDate.AddDays(1).Short() + "."
}

// about names an entry as a person would: "Payment of case 24-0113, $100.00".
func about(e intlog.Entry) string {
	record, _, _ := strings.Cut(e.Kind, ".")
	name := sentenceCase(strings.ReplaceAll(record, "_", " "))
	switch {
	case e.CaseNo != "":
		name += " of case " + e.CaseNo
	case e.Reference != "":
		name += " " + e.Reference
	}
	return name + ", " + dollars(e.Amount)
}

// waits is "14 entries, $3,120.00, wait".
func waits(n int, amount money.Cents) string {
	if n == 1 {
		return "1 entry, " + dollars(amount) + ", waits"
	}
	return fmt.Sprintf("%d entries, %s, wait", n, dollars(amount))
}

func dollars(c money.Cents) string {
	if c < 0 {
		return "-$" + c.Abs().Grouped()
	}
	return "$" + c.Grouped()
}

func sentence(s string) string { return s + "." }

func sentenceCase(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
