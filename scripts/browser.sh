#!/usr/bin/env bash
# Browser tests: over the web app alone with a stand-in server, then over the real binary.
# browser.sh RESULTS
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
results=$(realpath "${1:-.cache/test}")
failed=0

make -s build || exit 1
home=$(mktemp -d)
export MILLRACE_HOME=$home MILLRACE_ADMIN_EMAIL=admin@example.com MILLRACE_ADMIN_PASSWORD=correct-horse-battery
export MILLRACE_CHROMIUM=${MILLRACE_CHROMIUM:-$(command -v chromium)}
./bin/millrace serve --listen 127.0.0.1:0 >"$home/out" 2>"$home/log" &
server=$!
# shellcheck disable=SC2317 # called by the trap
stop() {
  kill "$server" 2>/dev/null
  wait "$server" 2>/dev/null
  rm -rf "$home"
}
trap stop EXIT

base=
for _ in $(seq 300); do
  base=$(sed -n 's/^Millrace is on //p' "$home/out")
  [ -n "$base" ] && break
  kill -0 "$server" 2>/dev/null || break
  sleep 0.1
done
if [ -z "$base" ]; then
  cat "$home/log" >&2
  exit 1
fi

cd web || exit 1
PLAYWRIGHT_JSON_OUTPUT_FILE="$results/browser-mock.json" npx playwright test --config test/e2e/playwright.config.ts --reporter=line,json || failed=1
postgres=$(cd .. && go run ./test/services/cmd start postgres) || postgres=
MILLRACE_E2E_POSTGRES_URL=$postgres MILLRACE_E2E_URL=$base MILLRACE_E2E_EMAIL=$MILLRACE_ADMIN_EMAIL MILLRACE_E2E_PASSWORD=$MILLRACE_ADMIN_PASSWORD \
  PLAYWRIGHT_JSON_OUTPUT_FILE="$results/browser.json" npx playwright test --config test/e2e/playwright.config.ts --reporter=line,json || failed=1
exit $failed
