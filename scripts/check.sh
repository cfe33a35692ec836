#!/usr/bin/env bash
# What must hold before a commit: formatting, vet, linters, types, generated files.
set -euo pipefail
cd "$(dirname "$0")/.."
export GOFLAGS=${GOFLAGS:--tags=duckdb_arrow} # DuckDB's Arrow interface is behind a tag

step() { printf '\n== %s\n' "$*"; }

./scripts/need.sh go node gcc g++ git shellcheck
make -s web bin/golangci-lint

step "gofmt"
unformatted=$(gofmt -l bench cmd internal test web/*.go)
if [ -n "$unformatted" ]; then
  printf 'not formatted (run gofmt -w):\n%s\n' "$unformatted" >&2
  exit 1
fi

step "go vet"
go vet ./...
go vet -tags=duckdb_arrow,failpoints ./cmd/...
if echo '#include <sqlext.h>' | gcc -E -x c - >/dev/null 2>&1; then
  go vet -tags=duckdb_arrow,teradata ./internal/source/teradata/... ./internal/app
else
  echo "not vetted: the code with the tag teradata, for want of unixODBC's headers (apt-get install unixodbc-dev)"
fi

step "golangci-lint"
./bin/golangci-lint run ./...

step "shell scripts"
shellcheck scripts/*.sh .ci/run

step "web: types and lint"
(cd web && npm run check)

step "generated files"
./scripts/generate.sh --check
