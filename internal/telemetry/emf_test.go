package telemetry_test

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/passare/qbo-sync/internal/telemetry"
)

// units are those that CloudWatch knows (API reference, MetricDatum), of which the specification of the embedded metric format allows each.
func units() []string {
	return strings.Fields(`Seconds Microseconds Milliseconds Bytes Kilobytes Megabytes Gigabytes Terabytes Bits Kilobits Megabits Gigabits Terabits Percent Count
		Bytes/Second Kilobytes/Second Megabytes/Second Gigabytes/Second Terabytes/Second Bits/Second Kilobits/Second Megabits/Second Gigabits/Second
		Terabits/Second Count/Second None`)
}

// embedded holds a line to the specification of the embedded metric format, and gives the names of its metrics. A line without _aws is none.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
func embedded(t *testing.T, written string) (names []string) {
	t.Helper()
	root := parsed(t, written)
	metadata, ok := root["_aws"]
	if !ok {
		return nil
	}
	wrong := func(what string) {
		t.Helper()
		t.Errorf("%s: %s", what, written)
	}
	const longest = 256 << 10
	if len(written) > longest {
		wrong("larger than CloudWatch takes")
	}
	aws := object(t, metadata, "Timestamp", "CloudWatchMetrics")
	if ms, ok := aws["Timestamp"].(float64); !ok || ms != math.Trunc(ms) || ms < 1e12 || ms >= 1e13 {
		wrong("the timestamp is no number of milliseconds of our time")
	}
	directives, _ := aws["CloudWatchMetrics"].([]any)
	if len(directives) == 0 {
		wrong("no directive")
	}
	for _, d := range directives {
		directive := object(t, d, "Namespace", "Dimensions", "Metrics")
		if name, _ := directive["Namespace"].(string); name == "" || len(name) > 1024 || strings.HasPrefix(name, "AWS/") {
			wrong("the namespace is none")
		}
		sets, _ := directive["Dimensions"].([]any)
		if len(sets) == 0 {
			wrong("no set of dimensions")
		}
		for _, s := range sets {
			set, _ := s.([]any)
			if len(set) == 0 || len(set) > 30 {
				wrong("a set of dimensions has 1 to 30")
			}
			for _, d := range set {
				key, _ := d.(string)
				if value, ok := root[key].(string); !ok || value == "" || len(value) > 1024 {
					wrong("a dimension needs a text at the top")
				}
			}
		}
		metrics, _ := directive["Metrics"].([]any)
		if len(metrics) == 0 || len(metrics) > 100 {
			wrong("a directive has 1 to 100 metrics")
		}
		for _, m := range metrics {
			definition := object(t, m, "Name", "Unit")
			name, _ := definition["Name"].(string)
			if value, ok := root[name].(float64); name == "" || !ok || value < 0 {
				wrong("a metric needs a number at the top")
			}
			if unit, _ := definition["Unit"].(string); !slices.Contains(units(), unit) {
				wrong("the unit is none of CloudWatch's")
			}
			if slices.Contains(names, name) {
				wrong("a metric is there twice")
			}
			names = append(names, name)
		}
	}
	return names
}

// object is an object with these members and no others.
func object(t *testing.T, v any, members ...string) map[string]any {
	t.Helper()
	o, ok := v.(map[string]any)
	if !ok || len(o) != len(members) {
		t.Errorf("not an object of %v: %v", members, v)
	}
	for _, m := range members {
		if _, ok := o[m]; !ok {
			t.Errorf("no %s: %v", m, v)
		}
	}
	return o
}

func TestMetricsAreEmbeddedAsCloudWatchWantsThem(t *testing.T) {
	t.Parallel()
	var told []string
	for _, scene := range scenes(t) {
		for _, line := range scene.lines {
			for _, name := range embedded(t, line) {
				told = append(told, name)
				unit := unitOf(t, line, name)
				if want := telemetry.Metric(name).Unit(); unit != want {
					t.Errorf("%s is told in %s, want %s", name, unit, want)
				}
			}
		}
	}
	t.Run("all that are listed, and no others, are told", func(t *testing.T) {
		t.Parallel()
		for _, m := range telemetry.Metrics() {
			if !slices.Contains(told, string(m)) {
				t.Errorf("%s is listed and never told", m)
			}
		}
		for _, name := range told {
			if !slices.Contains(telemetry.Metrics(), telemetry.Metric(name)) {
				t.Errorf("%s is told and not listed", name)
			}
		}
	})
}

func unitOf(t *testing.T, line, name string) string {
	t.Helper()
	var read struct {
		AWS struct {
			CloudWatchMetrics []struct {
				Namespace string
				Metrics   []struct{ Name, Unit string }
			}
		} `json:"_aws"`
	}
	if err := json.Unmarshal([]byte(line), &read); err != nil {
		t.Fatal(err)
	}
	for _, d := range read.AWS.CloudWatchMetrics {
		for _, m := range d.Metrics {
			if m.Name == name && d.Namespace == telemetry.Namespace {
				return m.Unit
			}
		}
	}
	t.Fatalf("%s is not in namespace %s: %s", name, telemetry.Namespace, line)
	return ""
}

func TestThereAreAtMostTenMetrics(t *testing.T) {
	t.Parallel()
	all := telemetry.Metrics()
	if len(all) > 10 {
		t.Errorf("%d metrics", len(all))
	}
	slices.Sort(all)
	if n := len(slices.Compact(slices.Clone(all))); n != len(all) {
		t.Errorf("a metric is listed twice: %v", all)
	}
	for _, m := range all {
		if m.Unit() == "None" {
			t.Errorf("%s has no unit", m)
		}
	}
}
