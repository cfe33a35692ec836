# Everything that a developer or an operator does with the source. Each target installs what it needs.

# DuckDB's Arrow interface is behind a build tag. TAGS has more of them: teradata, for a build that reads Teradata over ODBC.
TAGS ?=
comma := ,
export GOFLAGS := -tags=duckdb_arrow$(if $(TAGS),$(comma)$(TAGS))
GOLANGCI_VERSION := v2.15.0
GOTESTSUM_VERSION := v1.13.0
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)
ARGS ?=

.PHONY: help demo test chaos check bench dev build web generate lint-go lint-web lint-files clean screenshots

help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-12s %s\n", $$1, $$2}'

demo: build ## Build, start with sample data, run two syncs twice, and leave the web app open (ARGS=--once to exit)
	./bin/millrace demo $(ARGS)

test: ## Run all tests: Go, web and browser
	./scripts/test.sh

chaos: ## Run 200 random histories in which everything fails that can, and 5 with real processes
	@./scripts/need.sh go gcc g++ postgres
	MILLRACE_TEST_CHAOS=200 MILLRACE_TEST_CHAOS_PROCESSES=5 go test -timeout 60m -run 'TestHistories|TestChaos$$' ./test/chaos ./test/e2e

check: ## Formatting, vet, linters, types, and that generated files are up to date
	./scripts/check.sh

bench: ## Run each hot path beside its peer or limit, and print the ratios
	./scripts/bench.sh $(ARGS)

dev: web/node_modules/.package-lock.json ## Server and web app with live reload on http://localhost:5173
	./scripts/dev.sh

build: web ## Build bin/millrace with the web app inside (TAGS=teradata to read Teradata)
	@./scripts/need.sh go gcc g++ $(if $(findstring teradata,$(TAGS)),unixodbc)
	go build -ldflags '$(LDFLAGS)' -o bin/millrace ./cmd/millrace

web: web/dist/index.html

web/node_modules/.package-lock.json: web/package-lock.json
	@./scripts/need.sh node
	cd web && npm ci --no-audit --no-fund
	@touch $@

WEB_SOURCES := $(shell find web/src web/public web/index.html web/vite.config.ts web/tsconfig.json -type f 2>/dev/null)

web/dist/index.html: web/node_modules/.package-lock.json $(WEB_SOURCES)
	cd web && npm run build
	@touch $@

generate: ## Write the generated files anew: the API's description and clients' types, and the reference
	./scripts/generate.sh

screenshots: build ## Draw every page of the web app into web/screenshots
	./scripts/screenshots.sh

bin/golangci-lint: Makefile
	GOFLAGS= GOBIN=$(CURDIR)/bin go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	@touch $@

bin/gotestsum: Makefile
	GOFLAGS= GOBIN=$(CURDIR)/bin go install gotest.tools/gotestsum@$(GOTESTSUM_VERSION)
	@touch $@

clean: ## Remove what was built
	rm -rf bin .cache web/dist/assets web/dist/index.html web/node_modules
