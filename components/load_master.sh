# What the master of the load fleet runs (components/load_fleet.py). A test is started on the page; when the fleet is
# sent home, Locust ends its run, and then its report goes to the bucket: no AWS call while users wait. Figures only:
# lines of single messages would be more than one master can take from a whole fleet.
results=/tmp/results
locust -f loadtests/prime_day.py --master --master-bind-port "$WORKERS_PORT" --expect-workers "$WORKERS" \
  --web-host 127.0.0.1 --web-port "$PAGE_PORT" --results "$results" &
locust=$!
trap 'kill -TERM "$locust"' TERM INT
wait "$locust"
outcome=$?
# A signal ends a wait before Locust has ended.
while kill -0 "$locust" 2>/dev/null; do
  wait "$locust"
  outcome=$?
done
[ -s "$results/run.json" ] && python - "$results" <<'PYTHON'
import os, pathlib, sys, time
import boto3
s3, when = boto3.client("s3"), time.strftime("%Y-%m-%dT%H%M%SZ", time.gmtime())
for file in pathlib.Path(sys.argv[1]).iterdir():
    s3.upload_file(str(file), os.environ["RESULTS"], f"{when}/{file.name}")
PYTHON
exit "$outcome"
