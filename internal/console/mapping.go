package console

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/setup"
)

// Office is where an organisation is set up (setup.Office).
type Office interface {
	Charts
	Listing(ctx context.Context, org string, list journal.List, refresh bool) (setup.Shown, error)
	Mapping(ctx context.Context, org string) (setup.Mapping, error)
	Versions(ctx context.Context, org string, before int64, limit int) ([]org.MappingVersion, bool, error)
	Version(ctx context.Context, org string, version int64) (org.MappingVersion, error)
	SaveMapping(ctx context.Context, org string, w setup.MappingWish) (setup.MappingEffect, error)
	MappingProblems(ctx context.Context, org string) (setup.Problems, error)
	Settings(ctx context.Context, org string) (setup.Settings, error)
	ChangeSettings(ctx context.Context, org string, w setup.SettingsWish) (setup.SettingsEffect, error)
}

// The pages of the mapping.
const (
	mappingPath  = Home + "/mapping"
	versionsPath = mappingPath + "/versions"
	needsPath    = Home + "/needs-you"
)

func (c *Console) mappingRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /console/mapping", c.manage(c.mapping))
	mux.HandleFunc("POST /console/mapping", c.manage(c.previewMapping))
	mux.HandleFunc("POST /console/mapping/save", c.manage(c.saveMapping))
	mux.HandleFunc("POST /console/mapping/read", c.manage(c.readLists))
	mux.HandleFunc("GET /console/mapping/versions", c.manage(c.mappingVersions))
	mux.HandleFunc("GET /console/mapping/versions/{version}", c.manage(c.mappingVersion))
	mux.HandleFunc("GET /console/needs-you", c.let(c.needs))
	mux.HandleFunc("POST /console/needs-you", c.manage(c.fix))
}

// rowsPerPage is how many rows of the mapping a page has.
const rowsPerPage = 50

// mappingPage is the mapping, or what of it fits a search.
type mappingPage struct {
	Query        string
	Version      int64
	Saved        org.MappingVersion
	Lists        lists
	Unconnected  string // why there is nothing to map yet
	Changed      string // what somebody else did meanwhile
	Wrong        []fault.Field
	Sections     []section
	Rows, Absent int // how many there are in all, and how many of them are not mapped
	Next, Prev   string
}

// section is a part of the rows under one heading.
type section struct {
	Title, Says string
	Rows        []mapRow
}

func (c *Console) mapping(w http.ResponseWriter, r *http.Request, p org.Person) {
	x := mappingPage{Query: clean(r.URL.Query().Get("q"))}
	d, err := c.drawn(r.Context(), p.Org)
	if fault.Is(err, fault.Disconnected) {
		x.Unconnected = fault.As(err).Text()
		c.show(w, r, p, http.StatusOK, "mapping", "Mapping", "mapping", x)
		return
	}
	if err != nil {
		c.fail(w, r, p, err)
		return
	}
	rows := d.rows(nil)
	x.fill(d, rows)
	fitting := slices.DeleteFunc(rows, func(row mapRow) bool { return !row.fits(x.Query) })
	x.sections(d, x.paged(fitting, r.URL.Query().Get("page")))
	c.show(w, r, p, http.StatusOK, "mapping", "Mapping", "mapping", x)
}

// clean is what was typed to search for.
func clean(q string) string {
	const longest = 200
	return journal.Clip(strings.TrimSpace(q), longest)
}

// fill says of which mapping the page is.
func (x *mappingPage) fill(d drawn, rows []mapRow) {
	x.Version, x.Saved, x.Rows = d.Mapping.Mapping.Version, d.Saved, len(rows)
	for _, row := range rows {
		if row.Absent {
			x.Absent++
		}
	}
}

// paged gives the rows of a page, and says where the others are.
func (x *mappingPage) paged(rows []mapRow, page string) []mapRow {
	last := max(0, len(rows)-1) / rowsPerPage
	at, _ := strconv.Atoi(page)
	at = min(max(at, 1)-1, last)
	link := func(page int) string {
		return mappingPath + "?" + url.Values{"q": {x.Query}, "page": {strconv.Itoa(page + 1)}}.Encode()
	}
	if at > 0 {
		x.Prev = link(at - 1)
	}
	if at < last {
		x.Next = link(at + 1)
	}
	return rows[at*rowsPerPage : min(len(rows), (at+1)*rowsPerPage)]
}

// sections puts rows under their headings, those that need something first, and gives them what they may choose from.
func (x *mappingPage) sections(d drawn, rows []mapRow) {
	d.stock(rows)
	x.Lists = d.lists
	all := []section{
		{Title: "To put right"},
		{Title: "Not mapped yet", Says: "An entry that needs one of these waits under Sync errors until it is mapped; then it goes by itself."},
		{Title: "Mapped"},
		{Title: "Branches", Says: "Branches are not mapped: new lines have no class and no location. An organisation that maps branches maps all of them."},
	}
	for _, row := range rows {
		at := 2
		switch {
		case row.Wrong != "":
			at = 0
		case row.Absent:
			at = 1
		case row.Spare:
			at = 3
		}
		all[at].Rows = append(all[at].Rows, row)
	}
	x.Sections = slices.DeleteFunc(all, func(s section) bool { return len(s.Rows) == 0 })
}

// readLists reads again from QuickBooks what a mapping chooses from.
func (c *Console) readLists(w http.ResponseWriter, r *http.Request, p org.Person) {
	wanted := []journal.List{journal.AccountList}
	m, err := c.Office.Mapping(r.Context(), p.Org)
	if err == nil && len(branchesOf(m)) > 0 {
		wanted = append(wanted, journal.ClassList, journal.DepartmentList)
	}
	note := ""
	for _, list := range wanted {
		if err != nil {
			break
		}
		var shown setup.Shown
		shown, err = c.Office.Listing(r.Context(), p.Org, list, true)
		note = cmp.Or(note, shown.Note)
	}
	switch {
	case err != nil:
		c.fail(w, r, p, err)
		return
	case note != "":
		c.flash(w, false, note)
	default:
		c.flash(w, true, "The accounts of QuickBooks are read again, as they are now.")
	}
	http.Redirect(w, r, ours(r.PostForm.Get("back")), http.StatusSeeOther)
}
