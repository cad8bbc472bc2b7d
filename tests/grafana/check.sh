#!/bin/sh
# check.sh FOLDER: whether the dashboard is one for Grafana, by the types that Grafana publishes. In
# FOLDER is what npm has installed; without that nothing is looked at, which is said.
set -eu
cd "$(dirname "$0")"
folder=$1

[ -e "$folder/ready" ] || { echo "not run: npm could not install Grafana's types"; exit 0; }
cp written.ts "$folder"
{
	echo 'import type { WrittenDashboard } from "./written";'
	echo 'export const dashboard: WrittenDashboard ='
	cat ../../packaging/grafana/nexus-worker.json
} >"$folder/dashboard.ts"
cd "$folder"
exec node_modules/.bin/tsc --noEmit --strict --skipLibCheck --moduleResolution node dashboard.ts
