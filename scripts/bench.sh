#!/usr/bin/env bash
# Measures each hot path beside its peer or limit: a tenth of the size, or bench.sh --full. Other arguments go to
# the command, which explains them with -help.
set -euo pipefail
cd "$(dirname "$0")/.."
export GOFLAGS=${GOFLAGS:--tags=duckdb_arrow} # DuckDB's Arrow interface is behind a tag

./scripts/need.sh go gcc g++ postgres
mkdir -p .cache/bench
go build -o .cache/bench/bench ./bench
go build -o .cache/bench/millrace ./cmd/millrace
exec .cache/bench/bench -millrace .cache/bench/millrace -dir .cache/bench -results bench/RESULTS.md "$@"
