package archtest_test

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

// called is what each function has called when the deployed product was driven through everything that it does (../local, TestTheDeployedProduct, which is
// held to the same file): "sync dynamodb:GetItem Table".
func called(t *testing.T) map[string]bool {
	t.Helper()
	raw, err := os.ReadFile("../local/testdata/golden/calls.txt")
	if err != nil {
		t.Fatal(err)
	}
	calls := map[string]bool{}
	for line := range strings.Lines(string(raw)) {
		calls[strings.Join(strings.Fields(line), " ")] = true
	}
	return calls
}

// byLambda is what Lambda does in a function's name: it writes its log, receives for it, and keeps what failed.
func byLambda(action, resource string) bool {
	return strings.HasPrefix(action, "logs:") || resource == "InvocationDeadLetters" ||
		(resource == "WorkQueue" || resource == "ReconcileQueue") && slices.Contains([]string{"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ChangeMessageVisibility"}, action)
}

// allowed is what each function's role allows it, in the words of called.
func allowed(s stack) map[string]bool {
	plain := strings.NewReplacer("!GetAtt ", "", "!Ref ", "", "!Sub ", "", "${Table.Arn}", "Table", ".Arn", "")
	all := map[string]bool{}
	for function, name := range s.functions() {
		for _, x := range s.statements(roleOf(function)) {
			for _, action := range x.at("Action").strings() {
				for _, resource := range x.at("Resource").strings() {
					if resource == grants {
						resource = "grant/*"
					}
					if resource = plain.Replace(resource); !byLambda(action, resource) {
						all[name+" "+action+" "+resource] = true
					}
				}
			}
		}
	}
	return all
}

func unused(allowed, called map[string]bool) (problems []string) {
	for _, call := range slices.Sorted(maps.Keys(called)) {
		if !allowed[call] {
			problems = append(problems, call+": called, and not allowed")
		}
	}
	for _, call := range slices.Sorted(maps.Keys(allowed)) {
		if !called[call] {
			problems = append(problems, call+": allowed, and never called")
		}
	}
	return problems
}

func TestEachRoleAllowsWhatItsFunctionHasCalledAndNothingElse(t *testing.T) {
	t.Parallel()
	for _, problem := range unused(allowed(readTemplate(t, templateText(t))), called(t)) {
		t.Error(problem)
	}
}

func TestARoleThatAllowsMoreOrLessIsFound(t *testing.T) {
	t.Parallel()
	for _, c := range []change{
		{"IngestRole", "                  - dynamodb:BatchWriteItem\n", ""},
		{"IngestRole", "                  - dynamodb:BatchWriteItem\n", "                  - dynamodb:BatchWriteItem\n                  - dynamodb:DeleteItem\n"},
		{"AdminRole", `, !Sub "${Table.Arn}/index/stuck"`, ""},
		{"RetryRole", "${Table.Arn}/index/work", "${Table.Arn}/index/log"},
		{"IngestRole", "!Ref WebhookSecret", "!Ref AppSecret"},
		{"ReconcileRole", "                  - dynamodb:DeleteItem\n", ""},
		{"AdminRole", "Resource: !GetAtt ReconcileQueue.Arn", "Resource: !GetAtt ReconcileDeadLetters.Arn"},
		{"ConnectRole", "                  - secretsmanager:CreateSecret\n", ""},
		{"SyncRole", "                  - dynamodb:DeleteItem\n", ""},
		{"RetryRole", "sqs:ReceiveMessage, sqs:DeleteMessage", "sqs:ReceiveMessage"},
		{"RetryRole", "Resource: !GetAtt WorkDeadLetters.Arn", "Resource: [!GetAtt WorkDeadLetters.Arn, !GetAtt ScheduleDeadLetters.Arn]"},
	} {
		t.Run(c.in+" "+strings.Join(strings.Fields(c.old), " "), func(t *testing.T) {
			t.Parallel()
			if unused(allowed(readTemplate(t, c.of(t, templateText(t)))), called(t)) == nil {
				t.Error("nobody notices")
			}
		})
	}
}
