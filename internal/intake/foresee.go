package intake

import (
	"context"
	"fmt"
	"slices"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/passare"
)

// Foresee is the entry that an event would become if it came now, in its first state; one that came before is answered as it is stored. Nothing is stored
// and nothing is sent. Errors: what Accept would answer: fault.Invalid with every wrong field, fault.Conflict for other data under a known version; and
// fault.Invalid for an event of another organisation than id.
func (in *Intake) Foresee(ctx context.Context, id string, raw []byte) (intlog.Entry, error) {
	e, err := in.foresee(ctx, id, raw)
	if err != nil {
		return intlog.Entry{}, fmt.Errorf("intake.Foresee: %w", err)
	}
	return e, nil
}

func (in *Intake) foresee(ctx context.Context, id string, raw []byte) (intlog.Entry, error) {
	e, err := passare.Decode(raw)
	if err != nil {
		return intlog.Entry{}, err
	}
	if e.Org != id {
		return intlog.Entry{}, &fault.Error{Code: fault.Invalid, Message: "This event is not your organisation's.", Fields: []fault.Field{
			{Field: "source", Value: "/organizations/" + e.Org, Problem: "must be /organizations/" + id},
		}}
	}
	config, err := in.store.Config(ctx, id)
	if err != nil {
		return intlog.Entry{}, err
	}
	record, err := in.store.Record(ctx, id, e.Record)
	if err != nil {
		return intlog.Entry{}, err
	}
	if at := slices.IndexFunc(record.Entries, func(x intlog.Entry) bool { return x.Version == e.Version }); at >= 0 {
		if stored := record.Entries[at]; stored.Hash == e.Hash {
			return stored, nil
		}
		return intlog.Entry{}, otherData(e)
	}
	state, why, err := in.firstState(ctx, config, e)
	if err != nil {
		return intlog.Entry{}, err
	}
	return intlog.New(e, state, why, in.now()), nil
}

// otherData refuses an event that changes what was sent before.
func otherData(e passare.Event) error {
	return fault.New(fault.Conflict, "Version %d of %s was sent before with other data. The first one stands; send the change as a new version.", e.Version, e.Record)
}
