#!/usr/bin/env bash
# Draws every page of the web app, light and dark, wide and narrow, into web/screenshots.
set -euo pipefail
cd "$(dirname "$0")/.."
./scripts/need.sh node chromium
export MILLRACE_CHROMIUM=${MILLRACE_CHROMIUM:-$(command -v chromium)}
cd web
MILLRACE_SHOTS=${MILLRACE_SHOTS:-screenshots} npm run screenshots
