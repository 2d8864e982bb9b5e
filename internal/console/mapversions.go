package console

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/org"
)

// Bounds of what is shown of versions.
const (
	versionsPerPage = 20
	mostChanges     = 8   // of a version in the list; its own page has more
	mostOfVersion   = 400 // rows of a version's page
)

// versionsPage is the list of versions of a mapping, the newest first.
type versionsPage struct {
	Versions []versionRow
	Now      int64 // the version that is in use
	Next     string
}

type versionRow struct {
	Number  int64
	At      time.Time
	Who     string
	Changes []mapChange
	More    int // changes that are not shown
	Link    string
}

func (c *Console) mappingVersions(w http.ResponseWriter, r *http.Request, p org.Person) {
	before, _ := strconv.ParseInt(r.URL.Query().Get("before"), 10, 64)
	list, more, err := c.Office.Versions(r.Context(), p.Org, max(before, 0), versionsPerPage)
	if err != nil {
		c.fail(w, r, p, err)
		return
	}
	d, err := c.drawn(r.Context(), p.Org)
	if err != nil {
		c.fail(w, r, p, err)
		return
	}
	x := versionsPage{Now: d.Mapping.Mapping.Version}
	for _, m := range list {
		x.Versions = append(x.Versions, d.versionRow(m, mostChanges))
	}
	if more {
		x.Next = versionsPath + "?before=" + strconv.FormatInt(list[len(list)-1].Mapping.Version, 10)
	}
	c.show(w, r, p, http.StatusOK, "versions", "Versions of the mapping", "mapping", x)
}

func (d drawn) versionRow(m org.MappingVersion, most int) versionRow {
	x := versionRow{Number: m.Mapping.Version, At: m.At, Who: m.Who, Link: versionsPath + "/" + strconv.FormatInt(m.Mapping.Version, 10)}
	for i, changed := range m.Changes {
		if i == most {
			x.More = len(m.Changes) - most
			break
		}
		x.Changes = append(x.Changes, d.changeOf(changed))
	}
	return x
}

// versionPage is one version of the mapping, whole.
type versionPage struct {
	versionRow
	Now  int64 // the version that is in use
	Rows []mapChange
	Left int // rows that are not shown
}

func (c *Console) mappingVersion(w http.ResponseWriter, r *http.Request, p org.Person) {
	number, err := strconv.ParseInt(r.PathValue("version"), 10, 64)
	if err != nil {
		c.fail(w, r, p, fault.New(fault.NotFound, "There is no such version of the mapping."))
		return
	}
	m, err := c.Office.Version(r.Context(), p.Org, number)
	if err != nil {
		c.fail(w, r, p, err)
		return
	}
	d, err := c.drawn(r.Context(), p.Org)
	if err != nil {
		c.fail(w, r, p, err)
		return
	}
	x := versionPage{versionRow: d.versionRow(m, mostOfVersion), Now: d.Mapping.Mapping.Version}
	fields := flat(m.Mapping)
	for _, field := range slices.Sorted(maps.Keys(fields)) {
		if len(x.Rows) == mostOfVersion {
			x.Left = len(fields) - mostOfVersion
			break
		}
		x.Rows = append(x.Rows, mapChange{What: d.fieldTitle(field), UsedFor: d.rowOf(field).UsedFor, To: d.nameOf(field, fields[field])})
	}
	c.show(w, r, p, http.StatusOK, "version", "Version "+strconv.FormatInt(number, 10)+" of the mapping", "mapping", x)
}
