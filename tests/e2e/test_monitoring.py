"""What docs/monitoring gives to operators, held against the tools that read it and a real daemon's /metrics."""

import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
from contextlib import closing

import pytest
import tools
from conftest import ROOT, VERSIONS, Http, TokenFile, program, slow_sql, wait_until, write_script

yaml = pytest.importorskip("yaml")

MONITORING = ROOT / "docs/monitoring"
README = (MONITORING / "README.md").read_text(encoding="utf-8")


def block(name):
    """The fenced block that follows `<!-- name -->`."""
    return re.search(rf"<!-- {re.escape(name)} -->\n+```\w*\n(.*?)```", README, re.S).group(1)


def promtool(*words, **options):
    tools.need(tools.PROMTOOL)
    run = subprocess.run([tools.PROMTOOL, *words], capture_output=True, text=True, timeout=60, check=False, **options)
    said = run.stdout + run.stderr
    assert run.returncode == 0, said
    return said


# ---- /metrics ----


@pytest.fixture
def site(daemon, scripts, database, tmp_path):
    """site(*options) starts a daemon with its own copy of the scripts, and TCP."""
    for script in VERSIONS.glob("*.sql"):
        (scripts / script.name).write_bytes(script.read_bytes())
    some = TokenFile(tmp_path / "tokens")
    some.add("somebody", "read")

    def start(*options, tokens=some.path):
        started = daemon(*options, "--tcp", "127.0.0.1:0", "--token-file", tokens, scripts=scripts)
        started.database, started.scripts = database, scripts
        return started

    return start


def add_script(running, sql):
    write_script(running.scripts, "5e8c83c1a2b3", sql, revises="c7f8a9b0d1e2")
    running.signal(signal.SIGHUP)
    wait_until(lambda: running.http.get("/current").json["pending"] == 1, "the new script to be seen")


def empty(site):
    return site("--upgrade-to", "none")


def behind(site):
    running = empty(site)
    assert running.http.post("/upgrade?target=9e9e70a4a06b").status == 200
    return running


def at_head_with_a_backup(site):
    running = site()
    assert running.http.post("/backup").status == 200
    return running


def after_a_failure(site):
    running = site()
    add_script(running, "CREATE TABLE users (x);")
    assert running.http.post("/upgrade", headers={"Idempotency-Key": "a"}).status == 422
    assert running.http.post("/upgrade", headers={"Idempotency-Key": "a"}).status == 422
    return running


def with_denials(site):
    running = site()
    assert running.tcp().post("/upgrade").status == 401
    assert running.http.get("/current", headers={"Origin": "https://example.org"}).status == 403
    assert running.http.get("/nowhere").status == 404
    return running


def running_a_script(site):
    running = site()
    add_script(running, slow_sql(10**12))
    running.http.submit("/upgrade")
    running.http.wait_for_script("5e8c83c1a2b3")
    return running


def unreadable(site):
    running = site()
    with closing(sqlite3.connect(running.database)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'a\\b\"c'")
        connection.commit()
    return running


STATES = [empty, behind, at_head_with_a_backup, after_a_failure, with_denials, running_a_script, unreadable]


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_promtool_finds_nothing_in_the_metrics(site, state):
    answer = state(site).http.get("/metrics")
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4"
    assert promtool("check", "metrics", input=answer.text) == ""


def samples(text):
    """{name with labels: value}"""
    lines = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in lines}


def test_what_is_running_is_said(site):
    said = site().http.get("/metrics").text
    assert re.search(r'^schemad_build_info{version="\d+\.\d+\.\d+",sqlite="3\.[\d.]+",libmicrohttpd="0\.[\d.]+"} 1$', said, re.M)


def test_what_the_metrics_say_of_a_failure(site):
    said = samples(after_a_failure(site).http.get("/metrics").text)
    assert said["schemad_last_run_success"] == 0
    assert said['schemad_last_run_info{verb="upgrade",outcome="failed"}'] == 1
    assert said["schemad_pending_revisions"] == 1 and said['schemad_verdict{verdict="behind"}'] == 1
    assert said["schemad_idempotent_replays_total"] == 1
    assert said['schemad_http_requests_total{method="POST",route="/upgrade",status="422"}'] == 2
    assert said['schemad_revision_info{revision="c7f8a9b0d1e2"}'] == 1


def test_what_is_not_known_is_not_said(site):
    said = {name.partition("{")[0] for name in samples(empty(site).http.get("/metrics").text)}
    absent = {"schemad_last_run_success", "schemad_last_backup_bytes", "schemad_run_progress_ratio",
              "schemad_revision_info", "schemad_database_bytes"}
    assert "schemad_ready" in said and said & absent == set()


def names_of(running):
    types = re.findall(r"^# TYPE (\w+) (\w+)$", running.http.get("/metrics").text, re.M)
    parts = {"histogram": ("_bucket", "_sum", "_count"), "summary": ("_sum", "_count")}
    return {name + part for name, kind in types for part in parts.get(kind, ("",))}


def names_used(text):
    return set(re.findall(r"\bschemad_\w+", text))


@pytest.fixture
def metrics(site):
    """The names of a daemon that has done everything once, and runs something."""
    running = at_head_with_a_backup(site)
    running.tcp().get("/current")
    add_script(running, slow_sql(10**12))
    running.http.submit("/upgrade")
    running.http.wait_for_script("5e8c83c1a2b3")
    return names_of(running)


@pytest.mark.parametrize("name", ["alerts.yml", "alerts_test.yml", "dashboard.json", "README.md"])
def test_every_metric_that_is_named_exists(metrics, name):
    used = names_used((MONITORING / name).read_text(encoding="utf-8"))
    whole = {re.sub("_(bucket|sum|count)$", "", metric) for metric in metrics}
    assert used and used - metrics - whole == set()


def test_every_metric_but_counters_of_ourselves_is_shown_or_watched(metrics):
    text = "".join((MONITORING / name).read_text(encoding="utf-8") for name in ("alerts.yml", "dashboard.json"))
    shown = names_used(text)
    assert {m for m in metrics if not m.endswith(("_sum", "_count"))} - shown == set()


# ---- Alerts ----


ALERTS = [rule for group in yaml.safe_load((MONITORING / "alerts.yml").read_text(encoding="utf-8"))["groups"]
          for rule in group["rules"]]


def test_promtool_takes_the_rules():
    assert f"SUCCESS: {len(ALERTS)} rules found" in promtool("check", "rules", MONITORING / "alerts.yml")


def test_the_rules_ring_when_they_should_and_only_then():
    promtool("test", "rules", "alerts_test.yml", cwd=MONITORING)


def test_every_alert_is_tested_and_says_what_to_do():
    tested = (MONITORING / "alerts_test.yml").read_text(encoding="utf-8")
    for rule in ALERTS:
        assert re.search(rf'alertname(: |="){rule["alert"]}\b', tested), rule["alert"]
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert set(rule["annotations"]) == {"summary", "description"}


def test_commands_in_annotations_exist():
    help_text = subprocess.run([program("schemadctl"), "--help"], capture_output=True, text=True, check=True).stdout
    commands = {c for rule in ALERTS for c in re.findall(r'"schemadctl (\w+)', rule["annotations"]["description"])}
    assert len(commands) > 5 and [c for c in sorted(commands) if not re.search(rf"\b{c}\b", help_text)] == []


# ---- Dashboard ----

# What Grafana's own model of a dashboard does not keep is not in that model: misspelt, or gone.
ROUND_TRIP = """
import json, sys
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard
register_default_plugins()
print(JSONEncoder().encode(Dashboard.from_json(json.load(sys.stdin))))
"""


def dashboard():
    return json.loads((MONITORING / "dashboard.json").read_text(encoding="utf-8"))


def as_grafana_reads_it(model):
    tools.need(tools.PYTHON)
    run = subprocess.run([tools.PYTHON, "-c", ROUND_TRIP], input=json.dumps(model), capture_output=True, text=True,
                         timeout=60, check=False)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def lost(before, after, where="$"):
    """What is not in `after` as it was."""
    if isinstance(before, dict) and isinstance(after, dict):
        for name, value in before.items():
            yield from lost(value, after.get(name, "nothing"), f"{where}.{name}")
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (one, other) in enumerate(zip(before, after)):
            yield from lost(one, other, f"{where}[{index}]")
    elif before != after:
        yield f"{where}: {before!r} became {after!r}"


def test_the_dashboard_is_what_grafana_takes():
    assert list(lost(dashboard(), as_grafana_reads_it(dashboard()))) == []


def test_a_slip_in_the_dashboard_would_be_found():
    model = dashboard()
    model["refesh"] = model.pop("refresh")
    model["panels"][1]["gridPos"]["width"] = 4
    model["panels"][1]["targets"][0]["query"] = "up"
    assert len(list(lost(model, as_grafana_reads_it(model)))) == 3


def panels():
    return [panel for panel in dashboard()["panels"] if panel["type"] != "row"]


def test_panels_do_not_overlap_and_ask_the_chosen_source():
    model, taken = dashboard(), set()
    assert model["schemaVersion"] >= 36 and model["templating"]["list"][0]["type"] == "datasource"
    assert len({panel["id"] for panel in model["panels"]}) == len(model["panels"])
    for panel in model["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert at["x"] + at["w"] <= 24 and not cells & taken, panel["title"]
        taken |= cells
    for panel in panels():
        assert panel["targets"] and all(t["datasource"]["uid"] == "${datasource}" for t in panel["targets"])


def queries():
    """Every query, with the dashboard's variables filled in."""
    for panel in panels():
        for target in panel["targets"]:
            yield panel["title"], target["expr"].replace("$job", "schemad").replace("$instance", ".+")


# ---- Prometheus itself ----


class Prometheus:
    """A real one that scrapes as the README says, every second."""

    def __init__(self, directory, port, secret):
        (directory / "secret").write_text(secret, encoding="utf-8")
        config = (block("prometheus.yml").replace("127.0.0.1:8420", f"127.0.0.1:{port}")
                  .replace("/etc/prometheus/schemad.secret", str(directory / "secret"))
                  .replace("/etc/prometheus/rules/schemad", str(MONITORING)).replace("15s", "1s"))
        (directory / "prometheus.yml").write_text(config, encoding="utf-8")
        promtool("check", "config", directory / "prometheus.yml")
        with closing(socket.create_server(("127.0.0.1", 0))) as free:
            address = free.getsockname()
        self.http = Http(address)
        with open(directory / "log", "wb") as log:
            self.process = subprocess.Popen(
                [tools.PROMETHEUS, f"--config.file={directory}/prometheus.yml", f"--storage.tsdb.path={directory}/data",
                 f"--web.listen-address=127.0.0.1:{address[1]}", "--log.level=warn"], stdout=log, stderr=log)

    def data(self, path):
        try:
            answer = self.http.get(f"/api/v1/{path}")
        except ConnectionRefusedError:
            return None
        return answer.json["data"] if answer.status == 200 else None

    def query(self, text):
        return self.http.post("/api/v1/query", headers={"Content-Type": "application/x-www-form-urlencoded"},
                              body="query=" + text.replace("%", "%25").replace("+", "%2B").replace("&", "%26")).json

    def end(self):
        self.process.terminate()
        self.process.wait(30)


@pytest.fixture
def prometheus(site, tmp_path):
    """A Prometheus that has seen a daemon which ran something, twice."""
    tools.need(tools.PROMETHEUS, tools.PROMTOOL)
    secret = subprocess.run(["bash", "-euc", block("token") + "cat prometheus.secret"], cwd=tmp_path, check=True,
                            env={**os.environ, "PATH": f"{program('schemadctl').parent}:{os.environ['PATH']}"},
                            capture_output=True, text=True, timeout=30).stdout
    running = site(tokens=tmp_path / "content.tokens")
    assert running.http.post("/backup").status == 200
    add_script(running, slow_sql(10**12))
    running.http.submit("/upgrade")
    running.http.wait_for_script("5e8c83c1a2b3")
    started = Prometheus(tmp_path, running.port, secret.strip())
    yield started
    started.end()


def test_prometheus_scrapes_as_the_readme_says(prometheus):
    def scraped():
        targets = (prometheus.data("targets") or {}).get("activeTargets", [])
        return targets and targets[0]["lastScrape"] > "2" and targets[0]

    target = wait_until(scraped, "Prometheus to scrape")
    assert (target["health"], target["lastError"]) == ("up", "")
    rules = prometheus.data("rules")["groups"][0]["rules"]
    assert [rule["name"] for rule in rules] == [rule["alert"] for rule in ALERTS]
    wait_until(lambda: prometheus.query('rate(schemad_http_requests_total{route="/metrics"}[1m])')["data"]["result"],
               "two samples")
    # A rate of what happened only once is empty.
    rates = re.compile(r"rate\(|increase\(")
    for title, query in queries():
        answer = prometheus.query(query)
        assert answer["status"] == "success", (title, answer)
        assert answer["data"]["result"] or rates.search(query), f"{title} shows nothing: {query}"


def test_the_way_over_the_unix_socket(site, tmp_path):
    running = site()
    subprocess.run(["bash", "-euc", block("textfile")], check=True, timeout=30,
                   env={**os.environ, "TEXTFILE_DIRECTORY": str(tmp_path), "SCHEMAD_SOCKET": str(running.address)})
    assert promtool("check", "metrics", input=(tmp_path / "schemad.prom").read_text(encoding="utf-8")) == ""
