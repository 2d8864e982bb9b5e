package telemetry

import (
	"log/slog"
	"time"
)

// Namespace and Dimension are where CloudWatch has the metrics. The one dimension's value is Options.Stage: CloudWatch bills each metric for each value of its
// dimensions, so there is none by organisation; which one it was is in the line.
const (
	Namespace = "PassareQBO"
	Dimension = "Stage"
)

// Metric is the name of a metric.
type Metric string

// The metrics. When each is told, and which alarm looks at it, is in the package's documentation.
const (
	EntriesTaken          Metric = "EntriesTaken"
	EntriesSynced         Metric = "EntriesSynced"
	TimeToBooks           Metric = "TimeToBooks"
	EntriesFailed         Metric = "EntriesFailed"
	OutcomesUnknown       Metric = "OutcomesUnknown"
	ConnectionsBroken     Metric = "ConnectionsBroken"
	DeliveriesQuarantined Metric = "DeliveriesQuarantined"
	OldestDue             Metric = "OldestDue"
	GoodNight             Metric = "GoodNight"
	ProofsFailed          Metric = "ProofsFailed"
)

// Metrics lists them all: at most ten, since each costs by the month.
func Metrics() []Metric {
	return []Metric{
		EntriesTaken, EntriesSynced, TimeToBooks, EntriesFailed, OutcomesUnknown, ConnectionsBroken, DeliveriesQuarantined, OldestDue, GoodNight, ProofsFailed,
	}
}

// Unit is the metric's unit, as CloudWatch names it.
func (m Metric) Unit() string {
	switch m {
	case TimeToBooks:
		return "Milliseconds"
	case OldestDue:
		return "Seconds"
	case EntriesTaken, EntriesSynced, EntriesFailed, OutcomesUnknown, ConnectionsBroken, DeliveriesQuarantined, GoodNight, ProofsFailed:
		return "Count"
	}
	return "None"
}

// reading is one value of a metric, in its unit.
type reading struct {
	metric Metric
	value  int64
}

// metadata is the member _aws of CloudWatch's embedded metric format, which says which other members of the line are metrics and dimensions.
type metadata struct {
	Timestamp         int64 // milliseconds since 1970
	CloudWatchMetrics []directive
}

type directive struct {
	Namespace  string
	Dimensions [][]string
	Metrics    []definition
}

type definition struct {
	Name Metric
	Unit string
}

// embedded are the members that make a line an embedded metric. The dimension is on every line already.
func embedded(at time.Time, readings []reading) []slog.Attr {
	d := directive{Namespace: Namespace, Dimensions: [][]string{{Dimension}}}
	var values []slog.Attr
	for _, r := range readings {
		d.Metrics = append(d.Metrics, definition{r.metric, r.metric.Unit()})
		values = append(values, slog.Int64(string(r.metric), r.value))
	}
	return append(values, slog.Any("_aws", metadata{at.UnixMilli(), []directive{d}}))
}
