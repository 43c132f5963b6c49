#!/usr/bin/env bash
# Runs the README's story as it is written: its bash blocks, in order, in one shell and an empty folder, and compares what
# they print with its text blocks, where "…" stands for anything. `curfew`, curl, jq and python3 must be on the PATH.
# CURFEW_LISTEN and CURFEW_ADMIN_LISTEN choose the addresses; without them two free ports are used.
set -euo pipefail

readme=$(cd "$(dirname "$0")/.." && pwd)/README.md
folder=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$folder"' EXIT

free_ports() {
  python3 -c 'import socket
held = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
print(*(listener.getsockname()[1] for listener in held))'
}

# blocks LANGUAGE: the story's blocks of that language, one after another.
blocks() {
  awk -v fence="\`\`\`$1" '
    /<!-- story:begin -->/ { story = 1 }
    /<!-- story:end -->/ { story = 0 }
    $0 == "```" { inside = 0 }
    inside { print }
    story && $0 == fence { inside = 1 }' "$readme"
}

read -r port admin_port <<<"$(free_ports)"
listen=${CURFEW_LISTEN:-127.0.0.1:$port}
admin_listen=${CURFEW_ADMIN_LISTEN:-127.0.0.1:$admin_port}
for name in "${!CURFEW_@}"; do unset "$name"; done
export CURFEW_LISTEN=$listen CURFEW_ADMIN_LISTEN=$admin_listen CURFEW_PUBLIC_URL=http://$listen TMPDIR=$folder

mkdir "$folder/empty"
{
  cat <<'PREAMBLE'
set -euo pipefail
trap 'kill $(jobs -p) 2>/dev/null || true' EXIT
PREAMBLE
  blocks bash
} >"$folder/story.sh"
blocks text >"$folder/expected"
if [ ! -s "$folder/expected" ]; then
  echo "readme: no story in $readme" >&2
  exit 1
fi

if ! (cd "$folder/empty" && timeout 120 bash "$folder/story.sh") >"$folder/printed" 2>"$folder/errors"; then
  echo "readme: the story failed after printing:" >&2
  cat "$folder/printed" "$folder/errors" >&2
  [ ! -e "$folder/empty/server.log" ] || tail -n 20 "$folder/empty/server.log" >&2
  exit 1
fi

python3 - "$folder/expected" "$folder/printed" <<'PYTHON'
import re, sys
expected, printed = (open(path, encoding="utf-8").read() for path in sys.argv[1:])
lines = [".+" if line == "…" else "[^\n]*".join(map(re.escape, line.split("…"))) for line in expected.splitlines()]
if not re.fullmatch("\n".join(lines) + "\n", printed, re.DOTALL):
    sys.exit(f"readme: it says\n{expected}\nbut the story printed\n{printed}")
PYTHON
echo "readme: the story ran as written"
