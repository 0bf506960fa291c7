#!/usr/bin/env bash
# Checks the import directions between rooms with depguard.
#
# depguard reads its configuration from the working directory and matches files by
# absolute path, so a pattern for data/ would match a whole clone under /data. Each room
# therefore has a configuration of its own, .depguard/ROOM/.depguard.yaml, without path patterns,
# and is checked from there.
set -euo pipefail
cd "$(dirname "$0")/../.."
go="${GO:-go}"
module=$("$go" list -m)

status=0
for config in .depguard/*/.depguard.yaml; do
	room=$(basename "$(dirname "$config")")
	if [ -z "$(find "$room" -name '*.go' -print -quit 2>/dev/null)" ]; then
		echo "imports: no Go files in $room/, though $config is about it" >&2
		status=1
		continue
	fi
	(cd "$(dirname "$config")" && "$go" tool depguard "$module/$room/...") || status=1
done
exit $status
