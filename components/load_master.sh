# What the master of the load fleet runs (components/load_fleet.py). A test is started on the page; when the fleet is
# sent home, Locust ends its run, and then every message's line goes to the bucket: no AWS call while users wait.
samples=/tmp/samples.jsonl
locust -f loadtests/prime_day.py --master --master-bind-port "$WORKERS_PORT" --expect-workers "$WORKERS" \
  --web-host 127.0.0.1 --web-port "$PAGE_PORT" --samples "$samples" &
locust=$!
trap 'kill -TERM "$locust"' TERM INT
wait "$locust"
outcome=$?
# A signal ends a wait before Locust has ended.
while kill -0 "$locust" 2>/dev/null; do
  wait "$locust"
  outcome=$?
done
[ -s "$samples" ] && python - "$samples" <<'PYTHON'
import os, sys, time
import boto3
boto3.client("s3").upload_file(sys.argv[1], os.environ["RESULTS"], time.strftime("%Y-%m-%dT%H%M%SZ.jsonl", time.gmtime()))
PYTHON
exit "$outcome"
