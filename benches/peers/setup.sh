#!/usr/bin/env bash
# Installs what verifying SAML responses is compared with, once, and prints where it is: `benches/peers/setup.sh node-saml`
# prints the folder with its modules, `benches/peers/setup.sh pysaml2` an interpreter that has it. Fails with one sentence if
# that can't be had here. Nothing is installed into the system.
#   CURFEW_BENCH_PEERS   where to keep them (default: the user's cache folder)
set -eu
cd "$(dirname "$0")"
home=${CURFEW_BENCH_PEERS:-${XDG_CACHE_HOME:-$HOME/.cache}/curfew-bench-peers-1}
fail() { printf '%s\n' "$*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

case ${1:-} in
  node-saml)
    folder="$home/node-saml"
    have node || fail 'node is not installed'
    # The lock file has the versions of everything; scripts of packages are not run.
    if ! cmp -s package-lock.json "$folder/package-lock.json" || [ ! -d "$folder/node_modules/@node-saml" ]; then
      have npm || fail 'npm is not installed'
      rm -rf "$folder"
      mkdir -p "$folder"
      cp package.json package-lock.json "$folder"
      (cd "$folder" && npm ci --ignore-scripts --no-audit --no-fund >npm.log 2>&1) ||
        { rm -f "$folder/package-lock.json"; fail 'npm could not install @node-saml/node-saml'; }
    fi
    echo "$folder"
    ;;
  pysaml2)
    python="$home/pysaml2/bin/python"
    have xmlsec1 || fail 'the program xmlsec1 is not installed'
    if ! "$python" -c 'import saml2' 2>/dev/null; then
      have python3 || fail 'python3 is not installed'
      mkdir -p "$home"
      python3 -m venv "$home/pysaml2" >&2 || fail 'python3 -m venv failed'
      "$python" -m pip install --quiet --disable-pip-version-check --no-deps -r requirements.txt >&2 ||
        fail 'pip could not install pysaml2'
    fi
    echo "$python"
    ;;
  *) fail 'say node-saml or pysaml2' ;;
esac
