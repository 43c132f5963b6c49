#!/usr/bin/env bash
# Makes the Python environment of this identity provider, once, and prints the path of its interpreter.
#   CURFEW_PYSAML2_VENV   where to keep it (default: the user's cache folder)
# It deliberately installs nothing into the system.
set -eu
venv=${CURFEW_PYSAML2_VENV:-${XDG_CACHE_HOME:-$HOME/.cache}/curfew-pysaml2-1}
python="$venv/bin/python"
if ! "$python" -W ignore -c 'import saml2.server' 2>/dev/null; then
  command -v python3 >/dev/null || { echo 'python3 is missing: install the package python3' >&2; exit 1; }
  python3 -m venv "$venv" >&2 || { echo 'python3 -m venv failed: install the package python3-venv' >&2; exit 1; }
  "$python" -m pip install --quiet --disable-pip-version-check pysaml2==7.5.5 cryptography==50.0.2 >&2
fi
echo "$python"
