#!/usr/bin/env bash
# Server and web app with live reload: the server is built again when a Go file changes.
set -euo pipefail
cd "$(dirname "$0")/.."
export GOFLAGS=${GOFLAGS:--tags=duckdb_arrow} # DuckDB's Arrow interface is behind a tag

export MILLRACE_HOME=${MILLRACE_HOME:-$PWD/.cache/dev}
export MILLRACE_ADMIN_EMAIL=${MILLRACE_ADMIN_EMAIL:-admin@localhost}
export MILLRACE_ADMIN_PASSWORD=${MILLRACE_ADMIN_PASSWORD:-millrace}
mkdir -p "$MILLRACE_HOME"

server=
stop() {
  if [ -n "$server" ]; then
    kill "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
  fi
}
trap 'stop; kill 0' EXIT

echo "Sign in on http://localhost:5173 as $MILLRACE_ADMIN_EMAIL with the password $MILLRACE_ADMIN_PASSWORD"
(cd web && npm run dev) &

stamp() { find cmd internal web/embed.go go.mod -name '*.go' -printf '%T@ %p\n' | sort | md5sum; }
last=
while true; do
  now=$(stamp)
  if [ "$now" != "$last" ]; then
    last=$now
    if go build -o bin/millrace-dev ./cmd/millrace; then
      stop
      ./bin/millrace-dev serve &
      server=$!
    fi
  fi
  sleep 1
done
