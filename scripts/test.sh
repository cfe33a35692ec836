#!/usr/bin/env bash
# Runs every test and ends with one line of totals. What is missing is installed or named.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
export GOFLAGS=${GOFLAGS:--tags=duckdb_arrow} # DuckDB's Arrow interface is behind a tag

./scripts/need.sh go node gcc g++ git postgres mariadbd redis-server rabbitmq-server chromium || exit 1
make -s web bin/gotestsum || exit 1

# The store that stands in for Azure. Where it cannot be had, the tests that need it say so and count as skipped.
azurite=test/services/azurite
if [ ! -x $azurite/node_modules/.bin/azurite-blob ]; then
  npm ci --prefix $azurite --omit=optional --no-audit --no-fund --silent || echo "Azurite could not be installed" >&2
fi

# The server that stands in for DynamoDB, in the same way.
dynalite=test/services/dynalite
if [ ! -x $dynalite/node_modules/.bin/dynalite ]; then
  npm ci --prefix $dynalite --no-audit --no-fund --silent || echo "Dynalite could not be installed" >&2
fi

# The parsers that read the SQL of dialects, in the same way.
if [ ! -d test/dialects/node_modules/node-sql-parser ]; then
  npm ci --prefix test/dialects --omit=optional --no-audit --no-fund --silent || echo "the parsers of SQL could not be installed" >&2
fi

# The driver manager of ODBC and a driver that stands in for Teradata's, in the same way.
odbc=
if ./scripts/need.sh unixodbc psqlodbc; then odbc=1; else echo "unixODBC could not be installed: the tests of Teradata's connections are left out" >&2; fi

results=.cache/test
rm -rf "$results"
mkdir -p "$results"
failed=0

step() { printf '\n== %s\n' "$*"; }
# shellcheck disable=SC2317 # called by the trap
stop_services() { go run ./test/services/cmd stop || true; }
trap stop_services EXIT

# The servers that tests share are started once; tests find them.
step "services"
go run ./test/services/cmd start >/dev/null || exit 1

# Packages whose parts run concurrently are tested with the race detector.
concurrent='/internal/(access|alert|api|app|connection|connector/state|delivery|engine/(monitor|sequence|storage|timetable|sync/(run|watch))|httpx|jobs|quota|tunnel)$'
all=$(go list ./...) || exit 1
racy=$(grep -E "$concurrent" <<<"$all")
plain=$(grep -vE "$concurrent" <<<"$all")

# Binaries that nobody debugs are linked faster without symbols, and `make check` has vetted the code.
fast="-timeout 20m -vet=off -ldflags=-s"

step "Go"
# shellcheck disable=SC2086 # a list of packages
./bin/gotestsum --format pkgname --format-hide-empty-pkg --jsonfile "$results/go.json" -- $fast $plain || failed=1

step "Go, with the race detector"
# shellcheck disable=SC2086 # a list of packages
./bin/gotestsum --format pkgname --format-hide-empty-pkg --jsonfile "$results/race.json" -- -race $fast $racy || failed=1

if [ -n "$odbc" ]; then
  step "Go, with ODBC"
  # shellcheck disable=SC2086 # flags
  GOFLAGS=-tags=duckdb_arrow,teradata ./bin/gotestsum --format pkgname --format-hide-empty-pkg --jsonfile "$results/odbc.json" -- -race $fast ./internal/source/teradata/... || failed=1
fi

step "web: unit tests"
(cd web && npx vitest run --reporter=default --reporter=json --outputFile.json="../$results/unit.json") || failed=1

step "web: browser tests"
./scripts/browser.sh "$results" || failed=1

step "totals"
node scripts/totals.mjs "$results" || failed=1
exit $failed
