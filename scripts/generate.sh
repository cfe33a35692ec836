#!/usr/bin/env bash
# Writes the generated files: the API's description, the web app's types of it, and the reference.
# With --check it changes nothing and fails when one of them is not up to date.
set -euo pipefail
cd "$(dirname "$0")/.."
export GOFLAGS=${GOFLAGS:--tags=duckdb_arrow} # DuckDB's Arrow interface is behind a tag

root=$PWD
if [ "${1:-}" = --check ]; then
  root=$(mktemp -d)
  trap 'rm -rf "$root"' EXIT
fi
mkdir -p "$root/web/src/services"
go run ./cmd/millrace reference "$root"
web/node_modules/.bin/openapi-typescript "$root/api/openapi.yaml" --output "$root/web/src/services/openapi.gen.ts" >/dev/null

if [ "$root" != "$PWD" ]; then
  stale=0
  while IFS= read -r file; do
    if ! diff -u "$file" "$root/$file"; then
      echo "$file is not up to date: run make generate" >&2
      stale=1
    fi
  done < <(cd "$root" && find . -type f)
  exit $stale
fi
