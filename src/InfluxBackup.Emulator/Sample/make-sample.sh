#!/usr/bin/env bash
# Makes sample.tar.gz: runs a real influxd (1.6.7 was used) on free loopback ports with a directory of its own, writes points,
# has them flushed to TSM files, and packs those files with meta.db. Needs influxd, curl, awk, tar.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
http=${HTTP_PORT:-18186}
rpc=${RPC_PORT:-18188}
cat > "$work/influxdb.conf" <<CONF
reporting-disabled = true
bind-address = "127.0.0.1:$rpc"
[meta]
  dir = "$work/meta"
[data]
  dir = "$work/data"
  wal-dir = "$work/wal"
[monitor]
  store-enabled = false
[http]
  bind-address = "127.0.0.1:$http"
  log-enabled = false
CONF
influxd run -config "$work/influxdb.conf" > "$work/log" 2>&1 &
server=$!
trap 'kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; rm -rf "$work"' EXIT
until curl -sf "http://127.0.0.1:$http/ping"; do sleep 0.2; done

query() { curl -sf -o /dev/null "http://127.0.0.1:$http/query?db=demo" --data-urlencode "q=$1"; }
write() { curl -sf --url-query "db=$1" --url-query "rp=$2" "http://127.0.0.1:$http/write?precision=s" --data-binary @-; }
# A backup of a shard makes the server flush its cache into a TSM file.
flush() { influxd backup -portable -host "127.0.0.1:$rpc" "$work/flush" > "$work/backup.log" 2>&1; rm -rf "$work/flush"; }

query 'CREATE DATABASE "demo" WITH DURATION INF REPLICATION 1 SHARD DURATION 1d NAME "daily"'
query 'CREATE RETENTION POLICY "long term" ON "demo" DURATION INF REPLICATION 1 SHARD DURATION 52w'
query 'CREATE DATABASE "Wetter Köln"'
query 'CREATE RETENTION POLICY "Messwerte für später" ON "Wetter Köln" DURATION INF REPLICATION 1 SHARD DURATION 7d'
query 'CREATE USER "grafana" WITH PASSWORD '"'sample'"
query 'GRANT READ ON "demo" TO "grafana"'
query 'CREATE CONTINUOUS QUERY "cpu_1h" ON "demo" BEGIN SELECT mean("usage") AS "usage" INTO "demo"."long term"."cpu_1h" FROM "demo"."daily"."cpu" GROUP BY time(1h), * END'

start=1493596800 # 2017-05-01T00:00:00Z, a Monday
for part in 0 1; do # two flushes, so that shards have more than one file
  awk -v s=$start -v p=$part 'BEGIN { srand(7 + p)
    for (d = 0; d < 4; d++) for (m = p * 720; m < p * 720 + 720; m += 5) { t = s + d * 86400 + m * 60
      for (h = 1; h <= 3; h++) {
        printf "cpu,host=web0%d,region=eu-%s usage=%.2f,idle=%di,busy=%s %d\n", h, (h % 2 ? "west" : "north"), 20 + 15 * sin(m / 230) + 5 * rand(), 60 + int(20 * rand()), (rand() > 0.8 ? "true" : "false"), t
        if (m % 60 == 0) printf "log,host=web0%d message=\"deploy %d of release 1.%d finished\" %d\n", h, m / 60, d, t }
    } }' | write demo daily
  awk -v s=$start -v p=$part 'BEGIN { for (d = p * 200; d < p * 200 + 200; d++) for (h = 1; h <= 3; h++)
    printf "cpu_1h,host=web0%d usage=%.2f %d\n", h, 25 + 10 * sin(d / 30), s - d * 86400 }' | write demo 'long term'
  awk -v s=$start -v p=$part 'BEGIN { srand(11 + p); for (d = p * 7; d < p * 7 + 7; d++) for (m = 0; m < 1440; m += 60)
    printf "temperature,ort=Köln\\ Süd,fühler=außen wert=%.1f,feuchte=%di,zustand=\"gültig\" %d\n", 12 + 6 * sin((m - 480) / 230) + rand(), 50 + int(30 * rand()), s + d * 86400 + m * 60 }' | write 'Wetter Köln' 'Messwerte für später'
  flush
done
# A delete over flushed points leaves a tombstone beside each TSM file that holds some of them.
query "DELETE FROM \"log\" WHERE \"host\" = 'web02' AND time < '2017-05-02T00:00:00Z'"

kill "$server"; wait "$server" || true
cd "$work"
find data meta -type f \( -name '*.tsm' -o -name '*.tombstone' -o -name meta.db \) | LC_ALL=C sort > files
tar --format=pax --pax-option=delete=atime,delete=ctime --owner=0 --group=0 --numeric-owner -cf - -T files | gzip -9n > "$here/sample.tar.gz"
tar -tvzf "$here/sample.tar.gz"
