#!/usr/bin/env bash
# Makes sure that programs are there: need.sh PROGRAM…
# What Debian's packages bring is installed; for the rest it says what to install.
set -euo pipefail

# find PROGRAM: whether it is there, in the places where Debian puts servers too.
find_program() {
  command -v "$1" >/dev/null 2>&1 && return 0
  case "$1" in
    postgres) compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || command -v initdb >/dev/null 2>&1 ;;
    mariadbd) [ -x /usr/sbin/mariadbd ] ;;
    rabbitmq-server) [ -x /usr/lib/rabbitmq/bin/rabbitmq-server ] ;;
    unixodbc) header sqlext.h ;;
    psqlodbc) odbcinst -q -d -n 'PostgreSQL Unicode' >/dev/null 2>&1 ;;
    *) return 1 ;;
  esac
}

# header FILE: whether the C compiler finds it.
header() {
  echo "#include <$1>" | gcc -E -x c - >/dev/null 2>&1
}

package_of() {
  case "$1" in
    postgres) echo postgresql ;;
    mariadbd) echo mariadb-server ;;
    redis-server) echo redis-server ;;
    rabbitmq-server) echo rabbitmq-server ;;
    chromium) echo chromium ;;
    unixodbc) echo unixodbc-dev ;;
    psqlodbc) echo odbc-postgresql ;;
    gcc | g++ | make | git | curl | shellcheck) echo "$1" ;;
    *) return 1 ;;
  esac
}

missing=()
for program in "$@"; do
  find_program "$program" && continue
  if ! package=$(package_of "$program"); then
    echo "$program was not found: install $program (Go 1.26 and Node.js 20 or newer are needed)" >&2
    exit 1
  fi
  missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

run=()
if [ "$(id -u)" != 0 ]; then
  if ! command -v sudo >/dev/null 2>&1 || ! sudo -n true 2>/dev/null; then
    echo "missing: ${missing[*]}. Install with: apt-get install ${missing[*]}" >&2
    exit 1
  fi
  run=(sudo)
fi
if ! command -v apt-get >/dev/null 2>&1; then
  echo "missing: ${missing[*]}. Install them with this system's package manager." >&2
  exit 1
fi
echo "installing ${missing[*]}" >&2
{ "${run[@]}" apt-get update -qq && DEBIAN_FRONTEND=noninteractive "${run[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}"; } >&2
