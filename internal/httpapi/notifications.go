package httpapi

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/passare/qbo-sync/internal/bell"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/rules"
)

// Bell tells people what they are needed for (package bell).
type Bell interface {
	List(ctx context.Context, p org.Person) (bell.Board, error)
	Read(ctx context.Context, p org.Person, id string) (bell.Board, error)
	ReadAll(ctx context.Context, p org.Person) (bell.Board, error)
}

// Notifications serves the bell.
type Notifications struct{ Bell Bell }

// Register adds the calls.
func (h *Notifications) Register(a *API) {
	register(a, call{
		id: "list-notifications", method: http.MethodGet, path: "/v1/notifications", tag: bellTag, needs: org.SeeLog,
		summary: "Lists the notices of the bell, newest first: one for each cause, however many entries wait for it",
		about: "A notice goes when its cause is put right. Its id stays the same while entries come and go; a cause that ended and begins anew is unread again. " +
			"Of Sync errors the newest 500 entries are looked at.",
		answer: exampleBoard(),
	}, h.list)
	register(a, call{
		id: "read-notification", method: http.MethodPost, path: "/v1/notifications/{id}/read", tag: bellTag, needs: org.SeeLog,
		summary: "Marks a notice as read by you", about: "404 when there is no such notice any more.", answer: exampleBoard(),
	}, h.read)
	register(a, call{
		id: "read-all-notifications", method: http.MethodPost, path: "/v1/notifications/read-all", tag: bellTag, needs: org.SeeLog,
		summary: "Marks every notice as read by you", answer: exampleBoard(),
	}, h.readAll)
}

const bellTag = "Notifications"

// board is the bell as a person sees it.
type board struct {
	Notices []notice `json:"notices" nullable:"false" maxItems:"502" doc:"Newest first."`
	Unread  int      `json:"unread" minimum:"0" doc:"How many of them you have not read."`
	More    bool     `json:"more" doc:"Sync errors has more than 500 entries: counts and amounts are of the newest 500."`
}

// notice is one cause.
type notice struct {
	ID      string     `json:"id"`
	Kind    rules.Kind `json:"kind" doc:"What has to be put right, such as mapping, period, connection, data."`
	Text    string     `json:"text"`
	Who     string     `json:"who" doc:"Who is needed."`
	Where   string     `json:"where" doc:"The place where it is put right, in words."`
	Link    string     `json:"link" doc:"The call that shows that place, or what waits."`
	Since   time.Time  `json:"since"`
	Entries int        `json:"entries" minimum:"0" maximum:"500" doc:"How many entries wait for it."`
	Amount  string     `json:"amount" pattern:"^[0-9]+[.][0-9]{2}$" doc:"The sum of their amounts."`
	First   []string   `json:"first_entries" nullable:"false" maxItems:"10" doc:"The ids of the oldest of them, at most 10."`
	Read    bool       `json:"read"`
}

type boardOutput struct{ Body board }

func boardOf(b bell.Board) *boardOutput {
	out := &boardOutput{Body: board{Notices: []notice{}, Unread: b.Unread, More: b.More}}
	for _, n := range b.Notices {
		out.Body.Notices = append(out.Body.Notices, notice{
			ID: n.ID, Kind: n.Kind, Text: n.Text, Who: n.Who, Where: n.Where, Link: linkOf(n), Since: n.Began,
			Entries: n.Entries, Amount: n.Amount.String(), First: append([]string{}, n.First...), Read: n.Read,
		})
	}
	return out
}

// linkOf is the call that shows where a notice is put right: the setting, the one entry, or all that wait.
func linkOf(n bell.Notice) string {
	switch {
	case n.Kind == rules.Mapping:
		return "/v1/mapping"
	case n.Kind == bell.Proof:
		return "/v1/reconciliations"
	case n.Kind == rules.Connection:
		return "/v1/connection"
	case n.Entries == 1 && len(n.First) == 1:
		return "/v1/entries/" + url.PathEscape(n.First[0])
	}
	return "/v1/entries?tab=errors"
}

func (h *Notifications) list(ctx context.Context, p org.Person, _ *struct{}) (*boardOutput, error) {
	b, err := h.Bell.List(ctx, p)
	if err != nil {
		return nil, err
	}
	return boardOf(b), nil
}

// noticeInput names a notice.
type noticeInput struct {
	ID string `path:"id" maxLength:"100" example:"0f3c2a9d4b5e6f708192a3b4c5d6e7f8" doc:"The id of a notice."`
}

func (h *Notifications) read(ctx context.Context, p org.Person, in *noticeInput) (*boardOutput, error) {
	b, err := h.Bell.Read(ctx, p, in.ID)
	if err != nil {
		return nil, err
	}
	return boardOf(b), nil
}

func (h *Notifications) readAll(ctx context.Context, p org.Person, _ *struct{}) (*boardOutput, error) {
	b, err := h.Bell.ReadAll(ctx, p)
	if err != nil {
		return nil, err
	}
	return boardOf(b), nil
}

func exampleBoard() board {
	return board{Unread: 1, Notices: []notice{{
		ID: "0f3c2a9d4b5e6f708192a3b4c5d6e7f8", Kind: rules.Mapping, Who: "administrator", Where: "Mapping", Link: "/v1/mapping", Since: *exampleAt(),
		Text:    "GL account 4410 has no account in QuickBooks: 14 entries, $3,120.00, wait. Map it, and what waits goes by itself.",
		Entries: 14, Amount: "3120.00", First: []string{"goods_and_services.g1.1", "goods_and_services.g7.2"},
	}}}
}
