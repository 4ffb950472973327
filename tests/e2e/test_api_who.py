"""Who may ask for what: users and groups on the unix socket, tokens on TCP, and what becomes of those who may not."""

import os
import re
import shutil
import signal

import pytest

from conftest import FOREVER, TokenFile, add_slow, curl, wait_until

NOBODY = 65534
BURST = 10  # failed authentications at once before they are limited

READ, OPERATE, DESTROY = "read", "operate", "destroy"
ASKED = [  # what, and the class it needs
    ("GET", "/current", READ), ("GET", "/status", READ), ("GET", "/history", READ), ("GET", "/jobs", READ),
    ("GET", "/backups", READ), ("GET", "/metrics", READ), ("GET", "/plan", READ), ("GET", "/healthz", READ),
    ("GET", "/readyz", READ), ("GET", "/openapi.yaml", READ), ("HEAD", "/current", READ),
    ("GET", "/denials", OPERATE), ("HEAD", "/denials", OPERATE), ("POST", "/backup", OPERATE),
    ("POST", "/upgrade", OPERATE), ("POST", "/upgrade?dry_run=true", OPERATE),
    ("DELETE", f"/jobs/{'0' * 16}", OPERATE),
    ("POST", "/downgrade?dry_run=true", DESTROY), ("POST", "/stamp?target=head&dry_run=true", DESTROY),
]
LADDER = ["none", READ, OPERATE, DESTROY]


def may(access, needed):
    return LADDER.index(access) >= LADDER.index(needed)


def expect_judged(http, access, **identity):
    """Every request of the table is let in or refused as this class demands."""
    for method, path, needed in ASKED[::2] if access == "none" else ASKED:  # within what is not limited yet
        answer = curl(http, method, path, **identity)
        if may(access, needed):
            assert answer.status in (200, 404), (method, path, answer)
            continue
        assert answer.status == 403, (method, path, answer)
        if method != "HEAD":
            assert answer.json["code"] == "forbidden", (method, path, answer)


# Users and groups


def open_to_all(started):
    """The socket's own mode is the first gate; here only the second is looked at."""
    started.address.parent.chmod(0o711)
    started.address.chmod(0o666)


@pytest.fixture
def as_others():
    """Skips where nobody else can be impersonated."""
    if os.getuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("asking as another user needs root and setpriv")


@pytest.mark.parametrize("config, identity, access", [
    ("", {}, READ),
    ("read = *", {}, READ),
    ("read = root", {}, "none"),
    ("read = daemon, 7", {}, "none"),
    ("read = root\noperate = nobody", {}, OPERATE),
    ("operate = daemon, nobody", {}, OPERATE),
    ("destroy = 65534", {}, DESTROY),
    ("operate = *", {}, OPERATE),
    ("read = root\noperate = @daemon", {}, "none"),
    ("read = root\noperate = @daemon", {"gid": 1}, OPERATE),
    ("read = root\ndestroy = @1", {"groups": [7, 1]}, DESTROY),
    ("read = root, @daemon", {"groups": [1]}, READ),
    ("read = root\noperate = daemon", {"groups": [1]}, "none"),
], ids=lambda value: value.replace("\n", "; ") if isinstance(value, str) else None)
def test_a_user_may_what_the_configuration_says(daemon, as_others, config, identity, access):
    started = daemon(config=f"[http]\n{config}\n")
    open_to_all(started)
    expect_judged(started.http, access, uid=NOBODY, **identity)


def test_root_may_everything(daemon, as_others):
    started = daemon(config="[http]\nread = nobody\n")
    expect_judged(started.http, DESTROY, uid=0)


def test_the_daemons_own_user_may_everything(daemon):
    started = daemon(config="[http]\nread = nobody\n")
    expect_judged(started.http, DESTROY)


@pytest.mark.parametrize("key, value", [
    ("read", "nosuchuser"), ("operate", "@nosuchgroup"), ("destroy", "root, nosuchuser")])
def test_a_user_that_nobody_is_stops_the_start(daemon, key, value):
    started = daemon(config=f"[http]\n{key} = {value}\n", wait=None)
    assert started.wait_exit() == 78
    assert key in started.log and "nosuch" in started.log


@pytest.mark.parametrize("key", ["users", "groups"])
def test_keys_that_are_gone_are_unknown(daemon, key):
    started = daemon(config=f"[http]\n{key} = root\n", wait=None)
    assert started.wait_exit() == 78 and f"unknown key '{key}'" in started.log


# What a refusal says


def test_a_refusal_says_what_is_needed_and_where_that_is_configured(daemon, tmp_path):
    tokens = TokenFile(tmp_path / "tokens")
    reader = tokens.add("grafana", READ)
    started = daemon("--tcp", "127.0.0.1:0", "--token-file", tokens.path)
    problem = started.tcp(reader).post("/downgrade").json
    assert problem["code"] == "forbidden" and "destroy" in problem["detail"] + problem["hint"]
    assert "token" in problem["hint"]


def test_a_user_is_told_the_configuration_key(daemon, as_others):
    started = daemon()
    open_to_all(started)
    problem = curl(started.http, "POST", "/downgrade", uid=NOBODY).json
    assert problem["code"] == "forbidden" and re.search(r"\bdestroy\b", problem["hint"])
    assert started.http.get("/current").json["verdict"] == "equal"


# Tokens


@pytest.fixture
def tokens(tmp_path):
    return TokenFile(tmp_path / "tokens")


@pytest.mark.parametrize("access", [READ, OPERATE, DESTROY])
def test_a_token_may_what_its_class_says(daemon, tokens, access):
    secret = tokens.add("someone", access)
    started = daemon("--tcp", "127.0.0.1:0", "--token-file", tokens.path)
    expect_judged(started.tcp(secret), access)
    assert secret not in started.log


@pytest.mark.parametrize("authorization", [
    None, "", "Bearer", "Bearer ", "Bearer x", "Basic dXNlcjpwYXNz", "bearer", "Bearer " + "0" * 64,
    "Bearer schemad_" + "0" * 64, "Bearer {secret}x", "Bearer x{secret}", "{secret}", "Bearer {upper}",
])
def test_without_the_right_token_nothing_is_told(daemon, tokens, authorization):
    secret = tokens.add("ci", DESTROY)
    started = daemon("--tcp", "127.0.0.1:0", "--token-file", tokens.path)
    headers = {}
    if authorization is not None:
        headers["Authorization"] = authorization.format(secret=secret, upper=secret.upper())
    for method, path in [("GET", "/current"), ("POST", "/backup"), ("GET", "/nowhere"), ("GET", "/events")]:
        answer = started.tcp().request(method, path, headers=headers)
        assert (answer.status, answer.json["code"]) == (401, "unauthorized"), (path, answer)
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert secret not in started.log


def test_reading_over_tcp_can_be_opened(daemon, tokens):
    secret = tokens.add("ci", OPERATE)
    started = daemon("--tcp", "127.0.0.1:0", "--token-file", tokens.path, config="[http]\ntcp_read = open\n")
    stranger = started.tcp()
    for method, path, needed in ASKED:
        answer = stranger.request(method, path)
        assert answer.status == (200 if needed == READ else 401), (method, path, answer)
    assert started.tcp(secret).post("/backup").status == 200
    assert started.tcp("schemad_" + "0" * 64).get("/current").status == 401, "a wrong token is refused even then"


def test_without_tokens_tcp_is_for_open_reading_only(daemon):
    closed = daemon("--tcp", "127.0.0.1:0")
    assert closed.tcp().get("/current").status == 401
    closed.stop()
    opened = daemon("--tcp", "127.0.0.1:0", config="[http]\ntcp_read = open\n")
    assert (opened.tcp().get("/current").status, opened.tcp().post("/backup").status) == (200, 401)


def test_a_token_on_the_unix_socket_is_ignored(daemon):
    http = daemon().http
    assert http.get("/current", headers={"Authorization": "Bearer nonsense"}).status == 200


# Other doors


@pytest.mark.parametrize("headers, reason", [
    ({"Origin": "http://example.org"}, "origin"), ({"Origin": "null"}, "origin"),
    ({"Sec-Fetch-Site": "cross-site"}, "origin"), ({"Host": "example.org"}, "host"),
    ({"Host": "127.0.0.1.example.org"}, "host"),
])
def test_browsers_and_rebound_names_stay_outside(daemon, tokens, headers, reason):
    secret = tokens.add("ci", OPERATE)
    started = daemon("--tcp", "127.0.0.1:0", "--token-file", tokens.path)
    for method in ("GET", "POST"):
        answer = started.tcp(secret).request(method, "/current" if method == "GET" else "/backup", headers=headers)
        assert answer.status == 403, answer
    denials = wait_until(lambda: started.http.get("/denials").json["denials"], "the denials")
    assert {denial["reason"] for denial in denials} == {reason}


# Too many failures


def test_guessing_is_slowed_down_and_the_right_token_is_not(daemon, tokens):
    secret = tokens.add("ci", READ)
    started = daemon("--tcp", "127.0.0.1:0", "--token-file", tokens.path)
    guesser, known = started.tcp("schemad_" + "f" * 64), started.tcp(secret)
    answers = [guesser.get("/current") for _ in range(BURST + 5)]
    statuses = [answer.status for answer in answers]
    assert statuses[:BURST] == [401] * BURST and statuses[-1] == 429, statuses
    limited = answers[-1]
    assert limited.json["code"] == "too-many-failures" and int(limited.headers["Retry-After"]) >= 1
    assert {known.get("/current").status for _ in range(BURST)} == {200}
    assert started.tcp().get("/current").status == 429, "no token is a failure too"
    assert started.http.get("/current").status == 200, "the unix socket has nothing to do with it"
    wait_until(lambda: guesser.get("/current").status == 401, "the next attempt, a second later", timeout=5)
    refused = re.search(r'^schemad_http_denied_total\{reason="token"\} (\d+)$', known.get("/metrics").text, re.M)
    assert int(refused.group(1)) >= BURST + 6
    assert len([line for line in started.log.splitlines() if "token" in line]) < BURST + 10, "nor is the log flooded"


# Denials


def reasons(http):
    return [(denial["reason"], denial["actor"], denial["method"], denial["path"])
            for denial in http.get("/denials").json["denials"]]


def test_refusals_are_kept_over_restarts_and_listed_newest_first(daemon, tokens):
    secret = tokens.add("grafana", READ)
    options = ["--tcp", "127.0.0.1:0", "--token-file", tokens.path]
    started = daemon(*options)
    assert started.http.get("/denials").json == {"denials": []}
    started.tcp().get("/jobs?limit=7")
    wait_until(lambda: len(reasons(started.http)) == 1, "the first")
    started.tcp(secret).post("/downgrade?target=base")
    wait_until(lambda: len(reasons(started.http)) == 2, "the second")
    for _ in range(5):
        started.tcp(secret).post("/stamp?target=base")
    expected = [("access", "token grafana", "POST", "/stamp"), ("access", "token grafana", "POST", "/downgrade"),
                ("token", "tcp", "GET", "/jobs")]
    wait_until(lambda: reasons(started.http) == expected and repeated(started.http) == 4, "the rest")
    first = started.http.get("/denials").json["denials"][0]
    assert list(first) == ["at", "reason", "actor", "method", "path", "repeated"]
    assert len(started.http.get("/denials?limit=2").json["denials"]) == 2
    before = started.http.get("/denials").body
    started.stop()
    again = daemon(*options)
    assert again.http.get("/denials").body == before
    assert started.http.get("/denials?limit=0").status == 400


def repeated(http):
    return http.get("/denials").json["denials"][0]["repeated"]


def test_a_refused_user_is_named(daemon, as_others):
    started = daemon(config="[http]\nread = root\n")
    open_to_all(started)
    assert curl(started.http, "GET", "/current", uid=NOBODY).status == 403
    denial = wait_until(lambda: started.http.get("/denials").json["denials"], "the denial")[0]
    assert denial["reason"] in ("peer", "access") and denial["actor"].startswith(f"uid {NOBODY}")


# Rotation


def test_tokens_are_changed_without_a_restart(daemon, tokens, history, notify):
    old = tokens.add("old", OPERATE)
    started = daemon("--tcp", "127.0.0.1:0", "--token-file", tokens.path, scripts=history, notify=notify)
    add_slow(history, FOREVER)
    job = started.tcp(old).submit("/upgrade")
    started.http.wait_for_script("bbbb")
    new = tokens.add("new", DESTROY)
    tokens.revoke("old")
    started.signal(signal.SIGHUP)
    notify.wait_for("RELOADING=1")
    notify.wait_for("READY=1", count=2)
    assert [started.tcp(secret).get("/current").status for secret in (old, new)] == [401, 200]
    assert started.http.get(f"/jobs/{job}").json["state"] == "running", "what was begun goes on"
    tokens.path.write_text("new:destroy:sha256:oops\n", encoding="utf-8")
    started.signal(signal.SIGHUP)
    notify.wait_for("READY=1", count=3)
    assert started.tcp(new).get("/current").status == 200, "a bad file changes nothing"
    assert f"{tokens.path}:1" in started.log
    tokens.path.chmod(0o644)
    started.signal(signal.SIGHUP)
    notify.wait_for("READY=1", count=4)
    assert started.tcp(new).get("/current").status == 200


@pytest.mark.parametrize("text, mode, words", [
    ("schemad_" + "0" * 64, 0o600, ":1"), ("ci:" + "0" * 64, 0o600, ":1"),
    ("\n# x\nci:admin:sha256:" + "0" * 64, 0o600, ":3"),
    ("ci:read:sha256:" + "0" * 63, 0o600, ":1"), ("ci:read:md5:" + "0" * 64, 0o600, ":1"),
    ("ci:none:sha256:" + "0" * 64, 0o600, ":1"), ("c i:read:sha256:" + "0" * 64, 0o600, ":1"),
    ("ci:read:sha256:" + "0" * 64, 0o640, ""),
], ids=["bare secret", "no digest", "no such class", "short digest", "other digest", "class none", "odd name", "mode"])
def test_a_bad_token_file_stops_the_start_and_is_not_quoted(daemon, tmp_path, text, mode, words):
    path = tmp_path / "tokens"
    path.write_text(text + "\n", encoding="utf-8")
    path.chmod(mode)
    started = daemon("--tcp", "127.0.0.1:0", "--token-file", path, wait=None)
    assert started.wait_exit() == 78
    assert f"{path}{words}" in started.log and "0" * 60 not in started.log


def test_a_token_of_the_command_line_opens_the_door(daemon, schemadctl, tmp_path):
    """From its making to its end, as an operator does it."""
    path = tmp_path / "tokens"
    made = schemadctl("token", "create", "deploy", "--access", "destroy", "--file", path)
    assert made.exit_code == 0, made
    secret = made.out.strip()
    started = daemon("--tcp", "127.0.0.1:0", "--token-file", path)
    assert started.tcp(secret).post("/downgrade").json["actor"] == "token deploy"
    assert schemadctl("token", "revoke", "deploy", "--file", path).exit_code == 0
    started.signal(signal.SIGHUP)
    wait_until(lambda: started.tcp(secret).get("/current").status == 401, "the token to be worth nothing", timeout=5)
