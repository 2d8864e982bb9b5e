package qbosim

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// Limits of batches and change data (quickbooks.md, Batches, Change data).
const (
	maxBatch   = 30
	maxChanges = 1000
)

// batch carries out the items one after the other, each by itself; a repeat under the same requestid and bId is answered as the first time.
func (s *Sim) batch(co *company, c call) result {
	co.counters.Writes-- // admitted as one call; its items are counted one by one
	in, err := parseObject(c.body)
	if err != nil {
		return s.refused(http.StatusBadRequest, unreadable())
	}
	items, _ := in.get("BatchItemRequest").([]any)
	if len(items) > maxBatch {
		return s.refused(http.StatusBadRequest, batchTooLarge())
	}
	answers := make([]any, len(items))
	for i, v := range items {
		item, _ := v.(ordered)
		answers[i] = s.batchItem(co, c, item)
	}
	return s.answer("BatchItemResponse", answers)
}

func (s *Sim) batchItem(co *company, c call, item ordered) ordered {
	do := func() result { return s.batchOperation(co, item) }
	id := c.query.Get("requestid")
	var r result
	reads := item.has("Query") || item.has("CDCQuery")
	switch {
	case reads && !co.meter(s.o.Now()):
		limit := tooFast()
		r = s.service(limit.status, limit.kind, limit.serviceError)
	case reads:
		r = do()
	case id == "":
		co.counters.Writes++
		r = do()
	case co.switches.StrictBatchIDs && len(id)+len(item.text("bId")) > maxRequestID:
		co.counters.Writes++
		r = s.refused(http.StatusBadRequest, longRequestID(id, len(id)+len(item.text("bId"))))
	default:
		co.counters.Writes++
		r = s.repeatable(co, id+"\n"+item.text("bId"), do)
	}
	out := ordered{}
	if r.fault != nil {
		out = append(out, field{"Fault", r.fault})
	} else {
		out = append(out, field{r.name, r.payload})
	}
	return append(out, field{"bId", item.text("bId")})
}

func (s *Sim) batchOperation(co *company, item ordered) result {
	if text := item.text("Query"); item.has("Query") {
		response, e := s.ask(co, text)
		if e != nil {
			return s.refused(http.StatusBadRequest, *e)
		}
		return s.answer("QueryResponse", response)
	}
	if asked := item.object("CDCQuery"); asked != nil {
		changed, e := s.changed(co, asked.text("Entities"), asked.text("ChangedSince"))
		if e != nil {
			return s.refused(http.StatusBadRequest, *e)
		}
		return s.answer("CDCResponse", changed)
	}
	for _, f := range item {
		body, isObject := f.value.(ordered)
		x := s.entityNamed(f.key)
		if x == nil || !isObject {
			continue
		}
		for _, p := range body {
			if !x.mayHave(p.key) && !isKept(x, p.key) {
				return s.refused(http.StatusBadRequest, x.unknownProperty(p.key))
			}
		}
		return s.carryOut(co, x, strings.ToLower(item.text("operation")), body, item.text("optionsData"))
	}
	return s.refused(http.StatusBadRequest, unsupported("batch item"))
}

// changes answers /cdc.
func (s *Sim) changes(co *company, c call) result {
	changed, e := s.changed(co, c.query.Get("entities"), c.query.Get("changedSince"))
	if e != nil {
		return s.refused(http.StatusBadRequest, *e)
	}
	return s.answer("CDCResponse", []any{changed})
}

// changed is what changed since a time: for each entity ascending, of deleted objects only the id, the status and the time; at most maxChanges over all entities.
func (s *Sim) changed(co *company, entities, changedSince string) (ordered, *serviceError) {
	since, ok := anyTime(changedSince)
	days := co.switches.ChangeDays
	if !ok || days > 0 && s.o.Now().Sub(since) > time.Duration(days)*24*time.Hour {
		e := badProperty("changedSince")
		return nil, &e
	}
	left := maxChanges
	var responses []any
	for name := range strings.SplitSeq(entities, ",") {
		x := s.entityNamed(strings.TrimSpace(name))
		if x == nil {
			e := noEntity(name)
			return nil, &e
		}
		rows := co.since(x, since)
		rows = rows[:min(left, len(rows))]
		left -= len(rows)
		responses = append(responses, co.showChanged(x, rows))
	}
	return ordered{{"QueryResponse", responses}}, nil
}

// since are an entity's rows that changed since a time, the oldest change first.
func (co *company) since(x *schema, since time.Time) []*row {
	rows := slices.DeleteFunc(slices.Clone(co.rows[x.name]), func(r *row) bool { return r.updated.Before(since) })
	slices.SortStableFunc(rows, func(a, b *row) int { return -compare(co, a, b, statement{x: &schema{name: x.name}}) })
	return rows
}

func (co *company) showChanged(x *schema, rows []*row) ordered {
	if len(rows) == 0 {
		return ordered{}
	}
	shown := make([]any, len(rows))
	for i, r := range rows {
		if shown[i] = co.show(r); r.deleted {
			shown[i] = ordered{{"domain", "QBO"}, {"status", "Deleted"}, {"Id", r.ident}, {"MetaData", ordered{{"LastUpdatedTime", second(r.updated)}}}}
		}
	}
	return ordered{{x.name, shown}, {"startPosition", 1}, {"maxResults", len(rows)}}
}

// anyTime reads a time in the forms that clients send; one without a zone is Pacific, and a blank stands for a plus that nobody escaped.
func anyTime(text string) (time.Time, bool) {
	text = strings.ReplaceAll(text, " ", "+")
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05Z0700"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, true
		}
	}
	for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.Add(-time.Duration(offset(t)) * time.Second), true
		}
	}
	return time.Time{}, false
}
