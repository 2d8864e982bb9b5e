package archtest_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/passare/qbo-sync/internal/config"
	"github.com/passare/qbo-sync/internal/dynamo"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/reconcile"
)

// rule is one that template.yaml keeps, with changes of the template that break it and no other: a rule that cannot fail is none.
type rule struct {
	name   string
	check  func(stack) problems
	broken []change
}

// change replaces a text that the template has once: in all of it, or in the paragraph of a resource or parameter.
type change struct{ in, old, with string }

// of makes the change.
func (c change) of(t *testing.T, template string) string {
	t.Helper()
	start, end := 0, len(template)
	if c.in != "" {
		if start = strings.Index(template, "\n  "+c.in+":\n"); start < 0 {
			t.Fatalf("the template has no %s", c.in)
		}
		end = start + strings.Index(template[start:]+"\n\n", "\n\n")
	}
	end = min(end+1, len(template)) // with the end of its last line
	if n := strings.Count(template[start:end], c.old); n != 1 {
		t.Fatalf("it is there %d times", n)
	}
	return template[:start] + strings.Replace(template[start:end], c.old, c.with, 1) + template[end:]
}

// problems are what a rule has to say.
type problems []string

func (p *problems) unless(right bool, format string, args ...any) {
	if !right {
		*p = append(*p, fmt.Sprintf(format, args...))
	}
}

func TestTheTemplate(t *testing.T) {
	t.Parallel()
	template := readTemplate(t, templateText(t))
	for _, r := range templateRules(t) {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			for _, problem := range r.check(template) {
				t.Error(problem)
			}
		})
	}
}

func TestEachRuleOfTheTemplateCanFail(t *testing.T) {
	t.Parallel()
	text, rules := templateText(t), templateRules(t)
	for _, r := range rules {
		if len(r.broken) == 0 {
			t.Errorf("%s: nothing breaks it", r.name)
		}
		for _, c := range r.broken {
			t.Run(r.name+": "+c.in+" "+strings.Join(strings.Fields(c.old), " "), func(t *testing.T) {
				t.Parallel()
				template := readTemplate(t, c.of(t, text))
				for _, other := range rules {
					said := other.check(template)
					if (len(said) > 0) != (other.name == r.name) {
						t.Errorf("%s says %q", other.name, said)
					}
				}
			})
		}
	}
}

func templateText(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func readTemplate(t *testing.T, text string) stack {
	t.Helper()
	root, err := parseTemplate(text)
	if err != nil {
		t.Fatal(err)
	}
	return stack{root}
}

func templateRules(t *testing.T) []rule {
	t.Helper()
	routes := routesOfHTTPAPI(t)
	return []rule{
		{"every source has a dead-letter queue", everySourceHasADeadLetterQueue, []change{
			{"SyncFunction", "Type: SQS", "Type: Kinesis"},
			{"WorkQueue", "        deadLetterTargetArn: !GetAtt WorkDeadLetters.Arn\n", ""},
			{"WorkQueue", "deadLetterTargetArn: !GetAtt WorkDeadLetters.Arn", "deadLetterTargetArn: !GetAtt InvocationDeadLetters.Arn"},
			{"WorkQueue", "maxReceiveCount: 10", "maxReceiveCount: 1"},
			{"WorkDeadLetters", "MessageRetentionPeriod: 1209600", "MessageRetentionPeriod: 345600"},
			{"ScheduleDeadLetters", "      MessageRetentionPeriod: 1209600\n", ""},
			{"ConnectFunction", "Arn: !GetAtt ScheduleDeadLetters.Arn", "Arn: !GetAtt AlarmTopic.TopicArn"},
			{"RetryFunction", "            DeadLetterConfig:\n              Arn: !GetAtt ScheduleDeadLetters.Arn\n", ""},
			{"RetryFunction", "EventInvokeConfig:", "Unread:"},
			{"RetryFunction", "Type: SQS", "Type: SNS"},
			{"ConnectFunction", "Destination: !GetAtt InvocationDeadLetters.Arn", "Destination: !GetAtt ScheduleDeadLetters.Arn"},
			{"RetryRole", "Resource: !GetAtt InvocationDeadLetters.Arn", "Resource: !GetAtt WorkDeadLetters.Arn"},
			{"ConnectScheduleRole", "Resource: !GetAtt ScheduleDeadLetters.Arn", "Resource: !GetAtt WorkDeadLetters.Arn"},
			{"ReconcileQueue", "deadLetterTargetArn: !GetAtt ReconcileDeadLetters.Arn", "deadLetterTargetArn: !GetAtt WorkDeadLetters.Arn"},
			{"ReconcileDeadLetters", "MessageRetentionPeriod: 1209600", "MessageRetentionPeriod: 60"},
			{"ReconcileFunction", "Arn: !GetAtt ScheduleDeadLetters.Arn", "Arn: !GetAtt AlarmTopic.TopicArn"},
			{"ReconcileScheduleRole", "Resource: !GetAtt ScheduleDeadLetters.Arn", "Resource: !GetAtt WorkDeadLetters.Arn"},
		}},
		{"each organisation's books are proved once a night", eachNightIsOne, []change{
			{"ReconcileFunction", "cron(0/10 9-11 * * ? *)", "cron(0/5 9-11 * * ? *)"},
			{"ReconcileFunction", "cron(0/10 9-11 * * ? *)", "cron(0/10 9-10 * * ? *)"},
			{"ReconcileFunction", "            ScheduleExpressionTimezone: UTC\n", "            ScheduleExpressionTimezone: America/New_York\n"},
			{"ReconcileFunction", "scheduled-time", "execution-id"},
		}},
		{"timeouts and visibility are those of the protocol", timeoutsAreThoseOfTheProtocol, []change{
			{"WorkQueue", "VisibilityTimeout: 100", "VisibilityTimeout: 540"},
			{"WorkDeadLetters", "VisibilityTimeout: 100", "VisibilityTimeout: 30"},
			{"SyncFunction", "Timeout: 90", "Timeout: 300"},
			{"ConnectFunction", "Timeout: 90", "Timeout: 29"},
			{"IngestFunction", "Timeout: 29", "Timeout: 31"},
			{"RetryFunction", "Timeout: 55", "Timeout: 60"},
			{"RetryFunction", "rate(1 minute)", "rate(2 minutes)"},
			{"SyncFunction", "BatchSize: 1", "BatchSize: 10"},
			{"SyncFunction", "            FunctionResponseTypes: [ReportBatchItemFailures]\n", ""},
			{"ReconcileFunction", "Timeout: 90", "Timeout: 900"},
			{"ReconcileFunction", "BatchSize: 1", "BatchSize: 10"},
			{"ReconcileQueue", "VisibilityTimeout: 100", "VisibilityTimeout: 30"},
		}},
		{"no star in a policy", noStarInAPolicy, []change{
			{"RetryRole", "Action: [dynamodb:GetItem, dynamodb:BatchGetItem, dynamodb:PutItem, dynamodb:UpdateItem]", "Action: dynamodb:*"},
			{"IngestRole", "${Table.Arn}/index/work", "${Table.Arn}/index/*"},
			{"ConnectRole", "${AWS::StackName}/grant/*", "${AWS::StackName}/*"},
			{"IngestFunction", "      Role: !GetAtt IngestRole.Arn\n", "      Role: !GetAtt IngestRole.Arn\n      Policies: [AmazonDynamoDBFullAccess]\n"},
			{"RetryRole", "    Properties:\n", "    Properties:\n      ManagedPolicyArns: [arn:aws:iam::aws:policy/AmazonSQSFullAccess]\n"},
			{"ConnectRole", "- Sid: Lists", "- {Effect: Allow, NotAction: iam:PassRole, Resource: !GetAtt Table.Arn}\n              - Sid: Lists"},
		}},
		{"each function and each schedule has a role of its own", eachHasARoleOfItsOwn, []change{
			{"RetryFunction", "Role: !GetAtt RetryRole.Arn", "Role: !GetAtt SyncRole.Arn"},
			{"ConnectFunction", "RoleArn: !GetAtt ConnectScheduleRole.Arn", "RoleArn: !GetAtt RetryScheduleRole.Arn"},
			{"RetryScheduleRole", "Resource: !GetAtt RetryFunction.Arn", "Resource: !GetAtt SyncFunction.Arn"},
			{"ReconcileFunction", "RoleArn: !GetAtt ReconcileScheduleRole.Arn", "RoleArn: !GetAtt ConnectScheduleRole.Arn"},
			{"SyncRole", "Principal: {Service: lambda.amazonaws.com}", "Principal: {AWS: !Ref AWS::AccountId}"},
		}},
		{"a log group with retention for every function and the API", everyLogEnds, []change{
			{"SyncFunction", "LogGroup: !Ref SyncLogs", "LogGroup: !Ref RetryLogs"},
			{"RetryLogs", "      RetentionInDays: !Ref LogRetentionDays\n", ""},
			{"RetryRole", "Resource: !GetAtt RetryLogs.Arn", "Resource: !GetAtt SyncLogs.Arn"},
			{"Api", "DestinationArn: !GetAtt ApiLogs.Arn", "DestinationArn: !GetAtt Table.Arn"},
		}},
		{"the access log has nothing about people", theAccessLogHasNothingAboutPeople, []change{
			{"Api", "$context.requestTime", "$context.identity.sourceIp"},
			{"Api", "$context.routeKey", "$context.path"},
			{"Api", "$context.authorizer.error", "$context.authorizer.claims.name"},
		}},
		{"an alarm for each function, dead-letter queue and promise, all to the one topic", everythingHasAnAlarm, []change{
			{"RetryThrottles", "Value: !Ref RetryFunction", "Value: !Ref SyncFunction"},
			{"SyncErrors", "Threshold: 1", "Threshold: 100"},
			{"ScheduleDeadLettersArrived", "Value: !GetAtt ScheduleDeadLetters.QueueName", "Value: !GetAtt WorkDeadLetters.QueueName"},
			{"WorkDeadLettersArrived", "MetricName: NumberOfMessagesReceived", "MetricName: ApproximateNumberOfMessagesVisible"},
			{"ApiFails", "MetricName: 5xx", "MetricName: 4xx"},
			{"EntriesOverdue", "Threshold: 900", "Threshold: 90000"},
			{"EntriesOverdue", "TreatMissingData: breaching", "TreatMissingData: missing"},
			{"ConnectionsBroken", "MetricName: ConnectionsBroken", "MetricName: Connections"},
			{"DeliveriesQuarantined", "Value: !Ref Stage", "Value: prod"},
			{"NoGoodNight", "TreatMissingData: breaching", "TreatMissingData: notBreaching"},
			{"ProofsFailed", "Threshold: 1", "Threshold: 5"},
			{"ReconcileDeadLettersArrived", "Value: !GetAtt ReconcileDeadLetters.QueueName", "Value: !GetAtt ReconcileQueue.QueueName"},
			{"EntriesOverdue", "First: ", "Look at "},
			{"SyncErrors", "AlarmActions: [!Ref AlarmTopic]", "AlarmActions: []"},
			{"AlarmTopic", "  AlarmTopic:\n", "  OtherTopic:\n    Type: AWS::SNS::Topic\n  AlarmTopic:\n"},
		}},
		{"arm64 and the runtime", arm64AndTheRuntime, []change{
			{"", "Architectures: [arm64]", "Architectures: [x86_64]"},
			{"", "Runtime: provided.al2023", "Runtime: go1.x"},
			{"", "Handler: bootstrap", "Handler: main"},
			{"RetryFunction", "      BuildMethod: makefile\n", "      BuildMethod: go1.x\n"},
		}},
		{"secrets are readable by the functions that need them alone", secretsAreReadByWhoNeedsThem, []change{
			{"RetryRole", "- Sid: Due", "- Effect: Allow\n                Action: secretsmanager:GetSecretValue\n                Resource: " + grants + "\n              - Sid: Due"},
			{"SyncRole", "- secretsmanager:PutSecretValue\n", "- secretsmanager:PutSecretValue\n                  - secretsmanager:CreateSecret\n"},
			{"IngestRole", "Resource: [!Ref WebhookSecret, !Ref QuickBooksWebhookSecret]", "Resource: [!Ref WebhookSecret, !Ref QuickBooksWebhookSecret, !Ref AppSecret]"},
			{"ReconcileRole", "Resource: !Ref AppSecret", "Resource: [!Ref AppSecret, !Ref QuickBooksWebhookSecret]"},
			{"ConnectRole", "secretsmanager:CreateSecret", "secretsmanager:DeleteSecret"},
		}},
		{"secrets have no value here, and none is a grant", secretsHaveNoValueHere, []change{
			{"AppSecret", "    Properties:\n", "    Properties:\n      SecretString: hush\n"},
			{"WebhookSecret", "${AWS::StackName}/webhook", "${AWS::StackName}/grant/one"},
		}},
		{"the table is the one that package dynamo describes, and stays", theTableIsThatOfDynamo, []change{
			{"Table", "PAY_PER_REQUEST", "PROVISIONED"},
			{"Table", "NonKeyAttributes: [page]", "NonKeyAttributes: [page, state]"},
			{"Table", "{AttributeName: logSk, KeyType: RANGE}", "{AttributeName: workSk, KeyType: RANGE}"},
			{"Table", "        - {AttributeName: sk, KeyType: RANGE}\n", ""},
			{"Table", "{AttributeName: workPk, AttributeType: S}", "{AttributeName: workPk, AttributeType: N}"},
			{"Table", "{AttributeName: ttl, Enabled: true}", "{AttributeName: expires, Enabled: true}"},
			{"Table", "PointInTimeRecoveryEnabled: true", "PointInTimeRecoveryEnabled: false"},
			{"Table", "!If [ProtectsTable, true, false]", "false"},
			{"Table", "SSEEnabled: true", "SSEEnabled: false"},
			{"Table", "    DeletionPolicy: Retain\n", "    DeletionPolicy: Delete\n"},
		}},
		{
			"the routes are those of httpapi, with a token where httpapi asks for one",
			func(s stack) problems { return theRoutesAreThoseOfHTTPAPI(s, routes) },
			[]change{
				{"AdminFunction", `"/v1/{proxy+}"`, `"/v1/entries/{proxy+}"`},
				{"ConnectFunction", "Method: DELETE", "Method: POST"},
				{"IngestFunction", "            Auth:\n              Authorizer: NONE # a delivery is signed;", "            #"},
				{"IngestFunction", "            Auth:\n              Authorizer: NONE # signed, too, by Intuit", "            #"},
				{"IngestFunction", "Path: /v1/quickbooks-events", "Path: /v1/quickbooks"},
				{"Api", "POST /v1/quickbooks-events:", "POST /v1/quickbooks:"},
				{"ConnectFunction", "Path: /v1/connection/start", "Path: /v1/connection/start, Auth: {Authorizer: NONE}"},
				{"Api", "        DefaultAuthorizer: Oidc\n", ""},
				{"Api", "audience: [!Ref OidcAudience]", "audience: [anybody]"},
				{"Api", "GET /healthz:", "GET /health:"},
				{"AdminFunction", "    Properties:\n", "    Properties:\n      FunctionUrlConfig: {AuthType: NONE}\n"},
			},
		},
		{"reserved or maximum concurrency", everythingIsLimited, []change{
			{"RetryFunction", "      ReservedConcurrentExecutions: !If [ReservesConcurrency, 1, !Ref AWS::NoValue]\n", ""},
			{"SyncFunction", "            ScalingConfig:\n              MaximumConcurrency: !Ref WorkerConcurrency\n", ""},
			{"ReconcileFunction", "            ScalingConfig:\n              MaximumConcurrency: !Ref WorkerConcurrency\n", ""},
			{"WorkerConcurrency", "    MinValue: 2\n", "    MinValue: 0\n"},
			{"Api", "        ThrottlingRateLimit: 50\n", ""},
		}},
		{"each function is told what it reads, and no more", eachFunctionIsTold, []change{
			{"ConnectFunction", "          OAUTH_AUTHORIZE_URL: !Ref OauthAuthorizeUrl\n", ""},
			{"ConnectFunction", "PUBLIC_URL: !Ref PublicUrl", "PUBLIC_URL: !Ref OidcIssuer"},
			{"RetryFunction", "AWS_SDK_UA_APP_ID: retry", "AWS_SDK_UA_APP_ID: sync"},
			{"RetryFunction", "DEAD_LETTERS_URL: !Ref WorkDeadLetters", "DEAD_LETTERS_URL: !Ref ScheduleDeadLetters"},
			{"AdminFunction", "RECONCILE_QUEUE_URL: !Ref ReconcileQueue", "RECONCILE_QUEUE_URL: !Ref WorkQueue"},
			{"", "        TABLE_NAME: !Ref Table\n", ""},
			{"SyncFunction", "          AWS_SDK_UA_APP_ID: sync\n", "          AWS_SDK_UA_APP_ID: sync\n          CLIENT_SECRET: hush\n"},
		}},
		{"names have the stack's name, so that stages fit into one account", namesHaveTheStacks, []change{
			{"ScheduleDeadLetters", "QueueName: !Sub ${AWS::StackName}-schedules-dead", "QueueName: schedules-dead"},
			{"ConnectFunction", "Name: !Sub ${AWS::StackName}-keep-alive", "Name: keep-alive"},
			{"SyncFunction", "FunctionName: !Sub ${AWS::StackName}-sync", "FunctionName: !Sub ${AWS::StackName}-worker"},
		}},
		{"queues are encrypted", queuesAreEncrypted, []change{
			{"InvocationDeadLetters", "SqsManagedSseEnabled: true", "SqsManagedSseEnabled: false"},
			{"ReconcileQueue", "SqsManagedSseEnabled: true", "SqsManagedSseEnabled: false"},
		}},
		{"every parameter and output says what it is", everythingIsDescribed, []change{
			{"", "    Description: Intuit's page of consent\n", ""},
			{"", "    Description: The store\n", ""},
		}},
	}
}

const fourteenDays = "1209600" // seconds: the longest that SQS keeps a message

func everySourceHasADeadLetterQueue(s stack) (p problems) {
	calls := map[string]string{}
	for _, x := range s.sources() {
		if !slices.Contains(strings.Fields(calls[x.function]), x.kind) {
			calls[x.function] = strings.TrimSpace(calls[x.function] + " " + x.kind)
		}
	}
	for function, kinds := range map[string]string{
		"IngestFunction": "HttpApi", "AdminFunction": "HttpApi", "ConnectFunction": "HttpApi ScheduleV2", "SyncFunction": "SQS", "RetryFunction": "ScheduleV2",
		"ReconcileFunction": "ScheduleV2 SQS",
	} {
		p.unless(calls[function] == kinds, "%s is called by %s, not %s", function, kinds, calls[function])
		delete(calls, function)
	}
	p.unless(len(calls) == 0, "nobody has thought of what calls %v", calls)
	dead := func(queue, what string) {
		p.unless(s.at("Resources", queue, "Type").String() == "AWS::SQS::Queue", "%s: there is no dead-letter queue", what)
		p.unless(s.properties(queue).at("MessageRetentionPeriod").String() == fourteenDays, "%s: %q does not keep messages for 14 days", what, queue)
	}
	for _, x := range s.sources() {
		what := x.function + " " + x.name
		switch x.kind {
		case "HttpApi": // the caller gets the error
		case "SQS":
			queue := resourceOf(x.at("Queue"), "Arn")
			redrive := s.properties(queue).at("RedrivePolicy")
			last := resourceOf(redrive.at("deadLetterTargetArn"), "Arn")
			dead(last, what)
			p.unless(redrive.at("maxReceiveCount").String() == strconv.Itoa(intlog.MaxReceives), "%s: a message comes at most %d times", what, intlog.MaxReceives)
			fifo := func(queue string) string { return s.properties(queue).at("FifoQueue").String() }
			p.unless(fifo(last) == fifo(queue), "%s: the dead-letter queue of a FIFO queue is one, too", what)
		case "ScheduleV2":
			queue := resourceOf(x.at("DeadLetterConfig", "Arn"), "Arn")
			dead(queue, what)
			role := resourceOf(x.at("RoleArn"), "Arn")
			p.unless(queue == "" || s.may(role, "sqs:SendMessage", attribute(queue, "Arn")), "%s: %s may not send to %s", what, role, queue)
			failed := s.properties(x.function).at("EventInvokeConfig", "DestinationConfig", "OnFailure")
			queue = resourceOf(failed.at("Destination"), "Arn")
			dead(queue, what+": a run that fails")
			p.unless(failed == nil || failed.at("Type").String() == "SQS" && s.may(roleOf(x.function), "sqs:SendMessage", attribute(queue, "Arn")),
				"%s: the function may not send failed runs to %s", what, queue)
		default:
			p.unless(false, "%s: where does an event of a %s go that fails?", what, x.kind)
		}
	}
	return p
}

const (
	gatewayWaits = 30 * time.Second // API Gateway's own timeout
	eachMinute   = "rate(1 minute)"
)

func timeoutsAreThoseOfTheProtocol(s stack) (p problems) {
	seconds := func(n *node) time.Duration {
		v, err := strconv.Atoi(n.String())
		if err != nil {
			p.unless(false, "%q is no number of seconds", n)
		}
		return time.Duration(v) * time.Second
	}
	for function := range s.functions() {
		timeout := seconds(s.property(function, "Timeout"))
		if slices.Contains(s.actions(roleOf(function)), "secretsmanager:PutSecretValue") {
			p.unless(timeout == intlog.WorkerTimeout, "%s may renew a grant: it runs for %s, neither shorter, or it may be ended between Intuit's answer and the save, "+
				"nor longer, or another may begin meanwhile; not %s", function, intlog.WorkerTimeout, timeout)
			continue
		}
		for _, x := range s.sources() {
			if x.function == function && x.kind == "HttpApi" {
				p.unless(timeout < gatewayWaits, "%s: API Gateway gives up after %s; not %s", function, gatewayWaits, timeout)
			}
		}
	}
	p.unless(intlog.RefreshLease >= intlog.WorkerTimeout+2*intlog.Skew+20*time.Second && intlog.WorkerTimeout > intlog.RequestTimeout,
		"the lease of a refresh outlives a function, and a function a request")
	for _, queue := range s.of("AWS::SQS::Queue") {
		if s.receivedFrom(queue) {
			visible := seconds(s.properties(queue).at("VisibilityTimeout"))
			p.unless(visible == intlog.Visibility, "a message of %s is visible again after %s, not %s", queue, intlog.Visibility, visible)
		}
	}
	for _, x := range s.sources() {
		switch x.kind {
		case "SQS":
			p.unless(x.at("BatchSize").String() == "1", "%s: the protocol's times are those of one message", x.function)
			p.unless(slices.Equal(x.at("FunctionResponseTypes").strings(), []string{"ReportBatchItemFailures"}), "%s: the function says what failed", x.function)
		case "ScheduleV2":
			if x.function == "RetryFunction" {
				p.unless(x.at("ScheduleExpression").String() == eachMinute, "%s: each minute", x.function)
				p.unless(seconds(s.property(x.function, "Timeout")) < time.Minute, "%s: the next run comes after a minute", x.function)
			}
		}
	}
	return p
}

// eachNightIsOne: the schedule calls at the beginning of each slot of package reconcile, by the clock that counts the slots.
func eachNightIsOne(s stack) (p problems) {
	for _, x := range s.sources() {
		if x.function != "ReconcileFunction" || x.kind != "ScheduleV2" {
			continue
		}
		p.unless(x.at("ScheduleExpression").String() == "cron(0/10 9-11 * * ? *)" && x.at("ScheduleExpressionTimezone").String() == "UTC",
			"%s calls at other times than reconcile.Due has slots: %s %s", x.name, x.at("ScheduleExpression"), x.at("ScheduleExpressionTimezone"))
		p.unless(x.at("Input").String() == `{"scheduled":"<aws.scheduler.scheduled-time>"}`, "%s: a late run is of the slot that it was meant for", x.name)
	}
	var orgs []string
	for i := range 1000 {
		orgs = append(orgs, strconv.Itoa(i))
	}
	for at := time.Unix(0, 0).UTC(); at.Day() == 1; at = at.Add(10 * time.Minute) {
		p.unless(len(reconcile.Due(orgs, at)) > 0 == (at.Hour() >= 9 && at.Hour() <= 11), "the slots of reconcile.Due are not those of the schedule: %s", at)
	}
	return p
}

// grants is the one resource that is not named: which organisations there are is known later.
const grants = "!Sub arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:${AWS::StackName}/grant/*"

func noStarInAPolicy(s stack) (p problems) {
	for _, role := range s.of("AWS::IAM::Role") {
		p.unless(s.properties(role).at("ManagedPolicyArns") == nil, "%s: policies of others have stars", role)
		for _, x := range s.statements(role) {
			for _, key := range x.names() {
				p.unless(slices.Contains([]string{"Sid", "Effect", "Action", "Resource", "Condition"}, key), "%s: %s says what may not be done; say what may", role, key)
			}
			for _, action := range x.at("Action").strings() {
				p.unless(!strings.ContainsAny(action, "*?"), "%s: %s", role, action)
			}
			for _, resource := range x.at("Resource").strings() {
				p.unless(!strings.ContainsAny(resource, "*?") || resource == grants, "%s: %s", role, resource)
			}
		}
	}
	for function := range s.functions() {
		p.unless(s.property(function, "Policies") == nil, "%s: SAM adds policies with stars; a role says it all", function)
	}
	return p
}

func eachHasARoleOfItsOwn(s stack) (p problems) {
	used := map[string]int{}
	trusts := func(role, service string) {
		used[role]++
		for _, x := range s.properties(role).at("AssumeRolePolicyDocument", "Statement").list() {
			p.unless(x.at("Principal").String() == "{Service: "+service+"}", "%s is for %s", role, service)
		}
	}
	for function := range s.functions() {
		role := resourceOf(s.property(function, "Role"), "Arn")
		p.unless(role == roleOf(function), "%s has the role %q, not %s", function, role, roleOf(function))
		trusts(role, "lambda.amazonaws.com")
	}
	for _, x := range s.sources() {
		if x.kind != "ScheduleV2" {
			continue
		}
		role := resourceOf(x.at("RoleArn"), "Arn")
		trusts(role, "scheduler.amazonaws.com")
		var called []string
		for _, y := range s.statements(role) {
			if slices.Contains(y.at("Action").strings(), "lambda:InvokeFunction") {
				called = append(called, y.at("Resource").strings()...)
			}
		}
		p.unless(slices.Equal(called, []string{attribute(x.function, "Arn")}), "%s: the schedule of %s may call %s", role, x.function, called)
	}
	for _, role := range s.of("AWS::IAM::Role") {
		p.unless(used[role] == 1, "%s is used %d times", role, used[role])
	}
	return p
}

func everyLogEnds(s stack) (p problems) {
	groups := s.of("AWS::Logs::LogGroup")
	for function, name := range s.functions() {
		logs := logsOf(function)
		p.unless(s.property(function, "LoggingConfig").at("LogGroup").String() == "!Ref "+logs, "%s writes to %s", function, logs)
		p.unless(s.properties(logs).at("LogGroupName").String() == "!Sub /aws/lambda/${AWS::StackName}-"+name, "%s is not called after %s", logs, function)
		for _, action := range []string{"logs:CreateLogStream", "logs:PutLogEvents"} {
			p.unless(s.may(roleOf(function), action, attribute(logs, "Arn")), "%s: %s, to %s", roleOf(function), action, logs)
		}
	}
	for _, api := range s.of("AWS::Serverless::HttpApi") {
		p.unless(slices.Contains(groups, resourceOf(s.properties(api).at("AccessLogSettings", "DestinationArn"), "Arn")), "%s has no access log", api)
	}
	for _, group := range groups {
		p.unless(s.properties(group).at("RetentionInDays").String() == "!Ref LogRetentionDays", "%s keeps its lines for ever", group)
	}
	return p
}

func theAccessLogHasNothingAboutPeople(s stack) (p problems) {
	harmless := []string{
		"requestTime", "requestId", "routeKey", "status", "responseLatency", "integrationLatency", "integrationStatus", "integrationErrorMessage", "authorizer.error",
	}
	variable := regexp.MustCompile(`\$context\.([A-Za-z.]+)`)
	for _, api := range s.of("AWS::Serverless::HttpApi") {
		for _, found := range variable.FindAllStringSubmatch(s.properties(api).at("AccessLogSettings", "Format").String(), -1) {
			p.unless(slices.Contains(harmless, found[1]), "%s: what is in $context.%s?", api, found[1])
		}
	}
	return p
}

// receivedFrom says whether a function takes messages out of a queue, or Lambda does so for it.
func (s stack) receivedFrom(queue string) bool {
	for function := range s.functions() {
		if s.may(roleOf(function), "sqs:ReceiveMessage", attribute(queue, "Arn")) {
			return true
		}
	}
	return false
}

// alarm is when an alarm rings; what is not said is any.
type alarm struct{ namespace, metric, dimensions, when, missing string }

func everythingHasAnAlarm(s stack) (p problems) {
	there := map[alarm]bool{}
	for _, name := range s.of("AWS::CloudWatch::Alarm") {
		x := s.properties(name)
		when := fmt.Sprintf("%s %s %s in %s × %s s", x.at("Statistic"), x.at("ComparisonOperator"), x.at("Threshold"), x.at("EvaluationPeriods"), x.at("Period"))
		there[alarm{x.at("Namespace").String(), x.at("MetricName").String(), x.at("Dimensions").String(), when, x.at("TreatMissingData").String()}] = true
		p.unless(x.at("AlarmActions").String() == "[!Ref AlarmTopic]", "%s tells nobody", name)
		p.unless(strings.Contains(x.at("AlarmDescription").String(), " First: "), "%s does not say what to do first", name)
	}
	const some = "Sum GreaterThanOrEqualToThreshold 1 in 1 × 300 s"
	var wanted []alarm
	for function := range s.functions() {
		for _, metric := range []string{"Errors", "Throttles"} {
			wanted = append(wanted, alarm{"AWS/Lambda", metric, "[{Name: FunctionName, Value: !Ref " + function + "}]", some, "notBreaching"})
		}
	}
	sources := s.sources()
	for _, queue := range s.of("AWS::SQS::Queue") {
		if !slices.ContainsFunc(sources, func(x source) bool { return resourceOf(x.at("Queue"), "Arn") == queue }) {
			dimensions := "[{Name: QueueName, Value: " + attribute(queue, "QueueName") + "}]"
			if s.receivedFrom(queue) { // a message is there for too short a time to be counted
				wanted = append(wanted, alarm{"AWS/SQS", "NumberOfMessagesReceived", dimensions, some, "notBreaching"})
				continue
			}
			wanted = append(wanted, alarm{"AWS/SQS", "ApproximateNumberOfMessagesVisible", dimensions, "Maximum GreaterThanThreshold 0 in 1 × 300 s", "notBreaching"})
		}
	}
	for _, api := range s.of("AWS::Serverless::HttpApi") {
		wanted = append(wanted, alarm{"AWS/ApiGateway", "5xx", "[{Name: ApiId, Value: !Ref " + api + "}]", some, "notBreaching"})
	}
	const stage = "[{Name: Stage, Value: !Ref Stage}]"
	wanted = append(wanted,
		alarm{"PassareQBO", "OldestDue", stage, "Maximum GreaterThanThreshold 900 in 3 × 300 s", "breaching"}, // nobody measures it: the worst that can be
		alarm{"PassareQBO", "ConnectionsBroken", stage, some, "notBreaching"},
		alarm{"PassareQBO", "DeliveriesQuarantined", stage, some, "notBreaching"},
		alarm{"PassareQBO", "ProofsFailed", stage, some, "notBreaching"},
		alarm{"PassareQBO", "GoodNight", stage, "Sum LessThanThreshold 1 in 1 × 86400 s", "breaching"},
	)
	for _, x := range wanted {
		p.unless(there[x], "there is no alarm %v", x)
	}
	p.unless(slices.Equal(s.of("AWS::SNS::Topic"), []string{"AlarmTopic"}), "there is one topic for alarms")
	return p
}

func arm64AndTheRuntime(s stack) (p problems) {
	for function := range s.functions() {
		for name, value := range map[string]string{"Architectures": "[arm64]", "Runtime": "provided.al2023", "Handler": "bootstrap", "CodeUri": "."} {
			p.unless(s.property(function, name).String() == value, "%s: %s is %s", function, name, value)
		}
		p.unless(s.at("Resources", function, "Metadata", "BuildMethod").String() == "makefile", "%s is built by the Makefile", function)
	}
	return p
}

func secretsAreReadByWhoNeedsThem(s stack) (p problems) {
	const get, put, move, create = "GetSecretValue", "PutSecretValue", "UpdateSecretVersionStage", "CreateSecret"
	needed := map[string]map[string][]string{
		"IngestRole":    {"!Ref WebhookSecret": {get}, "!Ref QuickBooksWebhookSecret": {get}},
		"AdminRole":     {"!Ref AppSecret": {get}, grants: {get, put, move}},
		"ConnectRole":   {"!Ref AppSecret": {get}, grants: {create, get, put, move}},
		"SyncRole":      {"!Ref AppSecret": {get}, grants: {get, put, move}},
		"ReconcileRole": {"!Ref AppSecret": {get}, grants: {get, put, move}},
	}
	for _, role := range s.of("AWS::IAM::Role") {
		given := map[string][]string{}
		for _, x := range s.statements(role) {
			for _, action := range x.at("Action").strings() {
				if name, ok := strings.CutPrefix(action, "secretsmanager:"); ok {
					for _, resource := range x.at("Resource").strings() {
						if strings.Contains(resource, "*") {
							resource = grants // whatever is not named has the grants in it
						}
						given[resource] = append(given[resource], name)
					}
				}
			}
		}
		for _, resource := range []string{"!Ref AppSecret", "!Ref WebhookSecret", "!Ref QuickBooksWebhookSecret", grants} {
			p.unless(slices.Equal(slices.Sorted(slices.Values(given[resource])), slices.Sorted(slices.Values(needed[role][resource]))),
				"%s: %s: may %s, and needs %s", role, resource, given[resource], needed[role][resource])
			delete(given, resource)
		}
		p.unless(len(given) == 0, "%s: %v", role, given)
	}
	return p
}

func secretsHaveNoValueHere(s stack) (p problems) {
	var names []string
	for _, secret := range s.of("AWS::SecretsManager::Secret") {
		x := s.properties(secret)
		p.unless(slices.Equal(x.names(), []string{"Description", "Name"}), "%s has %s: an operator puts the value", secret, x.names())
		names = append(names, x.at("Name").String())
	}
	p.unless(slices.Equal(names, []string{"!Sub ${AWS::StackName}/app", "!Sub ${AWS::StackName}/quickbooks-webhook", "!Sub ${AWS::StackName}/webhook"}), "the secrets are %s", names)
	return p
}

func theTableIsThatOfDynamo(s stack) (p problems) {
	resource, x, want := s.at("Resources", "Table"), s.properties("Table"), dynamo.Table("")
	key := func(schema []types.KeySchemaElement) string {
		var all []string
		for _, k := range schema {
			all = append(all, fmt.Sprintf("{AttributeName: %s, KeyType: %s}", *k.AttributeName, k.KeyType))
		}
		return "[" + strings.Join(all, ", ") + "]"
	}
	var attributes, indexes []string
	for _, a := range want.AttributeDefinitions {
		attributes = append(attributes, fmt.Sprintf("{AttributeName: %s, AttributeType: %s}", *a.AttributeName, a.AttributeType))
	}
	for _, i := range want.GlobalSecondaryIndexes {
		projection := fmt.Sprintf("ProjectionType: %s", i.Projection.ProjectionType)
		if names := i.Projection.NonKeyAttributes; names != nil {
			projection = "NonKeyAttributes: [" + strings.Join(names, ", ") + "], " + projection
		}
		indexes = append(indexes, fmt.Sprintf("{IndexName: %s, KeySchema: %s, Projection: {%s}}", *i.IndexName, key(i.KeySchema), projection))
	}
	for name, value := range map[string]string{
		"AttributeDefinitions":             "[" + strings.Join(attributes, ", ") + "]",
		"BillingMode":                      string(want.BillingMode),
		"DeletionProtectionEnabled":        "!If [ProtectsTable, true, false]",
		"GlobalSecondaryIndexes":           "[" + strings.Join(indexes, ", ") + "]",
		"KeySchema":                        key(want.KeySchema),
		"PointInTimeRecoverySpecification": "{PointInTimeRecoveryEnabled: true}",
		"SSESpecification":                 "{SSEEnabled: true}",
		"TimeToLiveSpecification":          "{AttributeName: " + dynamo.ExpiryAttribute + ", Enabled: true}",
	} {
		p.unless(x.at(name).String() == value, "%s: %s is %s", name, x.at(name), value)
	}
	p.unless(x.at("LocalSecondaryIndexes") == nil, "package dynamo has no local index")
	p.unless(resource.at("DeletionPolicy").String() == "Retain" && resource.at("UpdateReplacePolicy").String() == "Retain", "the table goes with the stack")
	return p
}

func theRoutesAreThoseOfHTTPAPI(s stack, routes map[string]route) (p problems) {
	auth := s.properties("Api").at("Auth")
	p.unless(auth.at("DefaultAuthorizer").String() == "Oidc", "a route that says nothing needs a token")
	const oidc = "{IdentitySource: $request.header.Authorization, JwtConfiguration: {audience: [!Ref OidcAudience], issuer: !Ref OidcIssuer}}"
	p.unless(auth.at("Authorizers", "Oidc").String() == oidc, "the token is one of the issuer, for the audience: %s", auth.at("Authorizers"))
	there := map[string]bool{}
	for _, x := range s.sources() {
		if x.kind != "HttpApi" {
			continue
		}
		name := x.at("Method").String() + " " + x.at("Path").String()
		there[name] = true
		want, known := routes[name]
		p.unless(known, "%s is no route of httpapi", name)
		p.unless(!known || want.function == x.function, "%s is served by %s", name, want.function)
		p.unless(x.at("ApiId").String() == "!Ref Api", "%s: of which API?", name)
		if own := x.at("Auth").String(); want.open {
			p.unless(own == "{Authorizer: NONE}", "%s needs no token", name)
		} else {
			p.unless(own == "", "%s needs a token; not %s", name, own)
		}
	}
	for name := range routes {
		p.unless(there[name], "%s cannot be reached", name)
	}
	for _, name := range s.properties("Api").at("RouteSettings").names() {
		p.unless(there[name], "there are settings of %s, and no such route", name)
	}
	for function := range s.functions() {
		p.unless(s.property(function, "FunctionUrlConfig") == nil, "%s has an address of its own, around the API", function)
	}
	return p
}

func everythingIsLimited(s stack) (p problems) {
	for _, x := range s.sources() {
		switch x.kind {
		case "SQS":
			p.unless(x.at("ScalingConfig", "MaximumConcurrency").String() == "!Ref WorkerConcurrency", "%s has no maximum concurrency", x.function)
		case "ScheduleV2":
			one := s.property(x.function, "ReservedConcurrentExecutions").String() == "!If [ReservesConcurrency, 1, !Ref AWS::NoValue]"
			p.unless(one || x.function != "RetryFunction", "%s: one at a time", x.function)
		case "HttpApi":
			limits := s.properties(strings.TrimPrefix(x.at("ApiId").String(), "!Ref ")).at("DefaultRouteSettings")
			for _, name := range []string{"ThrottlingBurstLimit", "ThrottlingRateLimit"} {
				n, err := strconv.Atoi(limits.at(name).String())
				p.unless(err == nil && n > 0, "%s: %s has no %s", x.function, x.at("Path"), name)
			}
		}
	}
	limit := s.at("Parameters", "WorkerConcurrency")
	p.unless(limit.at("MinValue").String() == "2" && limit.at("MaxValue").String() == "1000", "SQS takes a maximum of 2 to 1000")
	return p
}

func eachFunctionIsTold(s stack) (p problems) {
	values := map[string]string{
		"TABLE_NAME": "!Ref Table", "STAGE": "!Ref Stage", "QUEUE_URL": "!Ref WorkQueue", "DEAD_LETTERS_URL": "!Ref WorkDeadLetters",
		"RECONCILE_QUEUE_URL": "!Ref ReconcileQueue", "SECRET_PREFIX": "!Ref AWS::StackName", "QBO_URL": "!Ref QboUrl",
		"OAUTH_AUTHORIZE_URL": "!Ref OauthAuthorizeUrl", "OAUTH_TOKEN_URL": "!Ref OauthTokenUrl", "OAUTH_REVOKE_URL": "!Ref OauthRevokeUrl",
		"PUBLIC_URL": "!Ref PublicUrl", "OIDC_ISSUER": "!Ref OidcIssuer", "OIDC_AUDIENCE": "!Ref OidcAudience",
		"MONTHLY_READS": "!Ref MonthlyReads",
	}
	for function, name := range s.functions() {
		given := s.environment(function)
		p.unless(given["AWS_SDK_UA_APP_ID"] == name, "%s says in its calls that it is %q", function, given["AWS_SDK_UA_APP_ID"])
		delete(given, "AWS_SDK_UA_APP_ID")
		for _, wanted := range config.Names(name) {
			p.unless(given[wanted] != "" && given[wanted] == values[wanted], "%s: %s is %q, not %q", function, wanted, given[wanted], values[wanted])
			delete(given, wanted)
		}
		p.unless(len(given) == 0, "%s is told what it does not read: %v", function, given)
	}
	return p
}

func namesHaveTheStacks(s stack) (p problems) {
	named := func(n *node, what string) {
		p.unless(n == nil || strings.Contains(n.String(), "AWS::StackName"), "%s is called %s in every stack", what, n)
	}
	for _, resource := range s.at("Resources").names() {
		for _, name := range strings.Fields("Name FunctionName RoleName QueueName TableName LogGroupName TopicName AlarmName") {
			named(s.properties(resource).at(name), resource)
		}
	}
	for function, name := range s.functions() {
		p.unless(s.property(function, "FunctionName").String() == "!Sub ${AWS::StackName}-"+name, "%s is not called after the stack and its folder", function)
	}
	for _, x := range s.sources() {
		if x.kind == "ScheduleV2" {
			p.unless(x.at("Name") != nil, "%s: the schedule %s has no name", x.function, x.name)
			named(x.at("Name"), x.name)
		}
	}
	return p
}

func queuesAreEncrypted(s stack) (p problems) {
	for _, queue := range s.of("AWS::SQS::Queue") {
		p.unless(s.properties(queue).at("SqsManagedSseEnabled").String() == "true", "%s is not encrypted", queue)
	}
	return p
}

func everythingIsDescribed(s stack) (p problems) {
	for _, part := range []string{"Parameters", "Outputs"} {
		for _, name := range s.at(part).names() {
			p.unless(s.at(part, name, "Description").String() != "", "%s of %s has no description", name, part)
		}
	}
	return p
}

func TestTheRunbookHasEveryAlarm(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	s := readTemplate(t, templateText(t))
	for _, alarm := range s.of("AWS::CloudWatch::Alarm") {
		_, name, _ := strings.Cut(s.properties(alarm).at("AlarmName").String(), "${AWS::StackName}-")
		if strings.HasSuffix(name, "-throttles") {
			name = "…-throttles"
		}
		if !strings.Contains(string(readme), "`"+name+"`") {
			t.Errorf("README says nothing of the alarm %s", name)
		}
	}
}
