package dynamo

import (
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"time"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/grant"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/passare"
)

// key names an item of the table.
type key struct{ pk, sk string }

// The most that DynamoDB takes, in bytes.
const (
	maxPK = 2048
	maxSK = 1024
)

// names says whether the key can name an item at all. A longer one comes from an address that somebody made up.
func (k key) names() bool { return len(k.pk) <= maxPK && len(k.sk) <= maxSK }

const separator = "#"

// join makes a key of its parts. A separator inside a part is escaped, so that no organisation's key can be made from another's.
func join(parts ...string) string {
	escaped := make([]string, len(parts))
	for i, p := range parts {
		escaped[i] = strings.ReplaceAll(strings.ReplaceAll(p, "%", "%25"), separator, "%23")
	}
	return strings.Join(escaped, separator)
}

// split reads the parts of a key again.
func split(joined string) []string {
	parts := strings.Split(joined, separator)
	for i, p := range parts {
		parts[i] = strings.ReplaceAll(strings.ReplaceAll(p, "%23", separator), "%25", "%")
	}
	return parts
}

// before is the end of a range of keys: every key that begins with start and a separator comes before it.
func before(start string) string { return start + "$" } // the character after the separator

// last is after every place, which begins with a time.
const last = "~"

// stampLayout has a fixed width, so that stamps are in the order of their times.
const stampLayout = "2006-01-02T15:04:05.000000000Z"

func stamp(t time.Time) string { return t.UTC().Format(stampLayout) }

func orgPK(id string) string { return join("O", id) }

func recordPK(id string, ref passare.Ref) string {
	return join("O", id, "R", string(ref.Type), ref.ID)
}

const (
	versionPart = "V"
	mentionPart = "M"
)

func digits(n int64) string { return fmt.Sprintf("%09d", n) } // passare.MaxVersion has nine

func entryKey(k intlog.Key) key {
	return key{recordPK(k.Org, k.Record), join(append([]string{versionPart}, numbers(k)...)...)}
}

// numbers are an entry's version and, of an undo, its number, in digits of a fixed width: an undo comes right after what it undoes.
func numbers(k intlog.Key) []string {
	if k.Undo == 0 {
		return []string{digits(k.Version)}
	}
	return []string{digits(k.Version), fmt.Sprintf("%03d", k.Undo)} // intlog.MaxUndos has three
}

// readEntryKey is the inverse of entryKey.
func readEntryKey(k key) (intlog.Key, error) {
	record, version := split(k.pk), split(k.sk)
	if len(record) != 5 || len(version) != 2 && len(version) != 3 {
		return intlog.Key{}, fault.New(fault.Internal, "An entry cannot be read.")
	}
	v, err := strconv.ParseInt(version[1], 10, 64)
	undo := 0
	if err == nil && len(version) == 3 {
		undo, err = strconv.Atoi(version[2])
	}
	if err != nil {
		return intlog.Key{}, fault.Because(err, fault.Internal, "An entry cannot be read.")
	}
	return intlog.Key{Org: record[1], Record: passare.Ref{Type: passare.RecordType(record[3]), ID: record[4]}, Version: v, Undo: undo}, nil
}

func mentionKey(id string, of, by passare.Ref) key {
	return key{recordPK(id, of), join(mentionPart, string(by.Type), by.ID)}
}

// place is where an entry stands in lists: by time, then by name.
func place(m intlog.Mark) string {
	return join(append([]string{stamp(m.Created), string(m.Key.Record.Type), m.Key.Record.ID}, numbers(m.Key)...)...)
}

// shards is how many partitions share the entries that are due: each takes 1,000 writes a second.
const shards = 16

func duePK(shard uint32) string { return join("due", fmt.Sprintf("%02d", shard)) }

func shardOf(id string) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(id)) // a hash never fails
	return h.Sum32() % shards
}

func dueSK(k intlog.Key, at time.Time) string {
	return join(append([]string{stamp(at), k.Org, string(k.Record.Type), k.Record.ID}, numbers(k)...)...)
}

func tabPK(id, tab string) string { return join("O", id, tab) }

func pageOf(caseID string, page passare.Page) string { return join(caseID, string(page)) }

func configKey(id string) key { return key{orgPK(id), "config"} }

func flagKey(id, caseID string, page passare.Page) key {
	return key{orgPK(id), join("flag", caseID, string(page))}
}

// The partitions of the work index that have the items with sweeps.
const (
	configSweeps = "sweeps#config"
	flagSweeps   = "sweeps#flag"
)

// linksOf is how the keys of a company's links of a kind begin.
func linksOf(at org.Company, kind journal.NameKind) string {
	return join("link", at.Realm, string(kind))
}

func linkKey(at org.Company, kind journal.NameKind, name string) key {
	return key{orgPK(at.Org), linksOf(at, kind) + separator + join(name)}
}

func linkedKey(at org.Company, kind journal.NameKind, id string) key {
	return key{orgPK(at.Org), join("linked", at.Realm, string(kind), id)}
}

// settingsPart begins the keys of changes of settings.
const settingsPart = "settings"

func settingsKey(id string, version int64) key {
	return key{orgPK(id), join(settingsPart, digits(version))}
}

// mappingsOf is how the keys of the versions of a company's mapping begin.
func mappingsOf(at org.Company) string { return join("mapping", at.Realm) }

func mappingKey(at org.Company, version int64) key {
	return key{orgPK(at.Org), mappingsOf(at) + separator + digits(version)}
}

func listingKey(at org.Company, list journal.List) key {
	return key{orgPK(at.Org), join("listing", at.Realm, string(list))}
}

func connectionKey(id string) key { return key{orgPK(id), "connection"} }

// allConnections is the partition of the log index that lists connections.
const allConnections = "connections"

func attemptKey(id string) key { return key{join("attempt", id), "attempt"} }

func attemptEnds(a grant.Attempt) int64 { return a.Ends.Add(attemptKept).Unix() }

func ownerKey(realm string) key { return key{join("company", realm), "owner"} }

func reservationKey(id, thing string) key { return key{orgPK(id), join("reserved", thing)} }

func leaseKey(id, thing string) key { return key{orgPK(id), join("lease", thing)} }

// readsKey counts an organisation's reads in a month; no organisation has the sum of all.
func readsKey(id, month string) key { return key{orgPK(id), join("reads", month)} }

func quarantinePK(id string) string { return join("O", id, "quarantine") }

func quarantineCount(id string) key { return key{orgPK(id), "quarantined"} }

// personPK has what is a person's own.
func personPK(who org.Person) string { return join("O", who.Org, "P", who.Subject) }

func replyKey(who org.Person, name string) key { return key{personPK(who), join("reply", name)} }

func seenKey(who org.Person) key { return key{personPK(who), "seen"} }

// papersPK has the working papers of a company's proof, openPapersPK the markers of the open ones.
func papersPK(at org.Company) string { return join("O", at.Org, "proof", at.Realm) }

func openPapersPK(at org.Company) string { return join("O", at.Org, "proof", at.Realm, "open") }

// paperSK names a paper of a kind. Papers are listed in the order of their ids, and escaping would change it: an escaped separator comes after "$", and a
// separator before. So the id stays as it is. It is the last part, and the kind has no separator: the first one ends it, whatever the id has.
func paperSK(kind, id string) string { return join(kind) + separator + id }

func paperKey(at org.Company, kind, id string) key { return key{papersPK(at), paperSK(kind, id)} }

func markerKey(at org.Company, kind, id string) key {
	return key{openPapersPK(at), paperSK(kind, id)}
}
