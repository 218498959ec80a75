"""Settings refuse what is wrong or unsafe, by name, before anything starts."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from crm import embedded, env

ROOT = Path(__file__).resolve().parents[1]
SAFE = {
    "RAPPORT_ENV": "production",
    "SECRET_KEY": "Zk3-a9Qw_7xLm2" * 5,
    "ALLOWED_HOSTS": "crm.example.com",
    "SITE_URL": "https://crm.example.com",
    "DATABASE_URL": "postgres://rapport:pw@db/rapport",
    "REDIS_URL": "redis://valkey:6379/0",
}


def load(home: Path, **changes: str) -> subprocess.CompletedProcess[str]:
    """Import the settings in a process of its own."""
    environment = {"PATH": os.environ["PATH"], "RAPPORT_HOME": str(home), "RAPPORT_DOTENV": "off"} | changes
    return subprocess.run(
        [sys.executable, "-c", "from crm import settings; print(settings.PRODUCTION)"],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60,
    )


def test_safe_production_settings_are_taken(tmp_path: Path) -> None:
    done = load(tmp_path, **SAFE)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "True"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("DEBUG", "1", "DEBUG"),
        ("SECRET_KEY", "", "SECRET_KEY"),
        ("SECRET_KEY", "short", "SECRET_KEY"),
        ("SECRET_KEY", "a" * 60, "SECRET_KEY"),
        ("SECRET_KEY", "django-insecure-" + "Zk3-a9Qw_7xLm2" * 4, "SECRET_KEY"),
        ("ALLOWED_HOSTS", "*", "ALLOWED_HOSTS"),
        ("ALLOWED_HOSTS", "", "ALLOWED_HOSTS"),
        ("SITE_URL", "http://crm.example.com", "SITE_URL"),
        ("DATABASE_URL", "postgres://rapport:postgres@db/rapport", "DATABASE_URL"),
        ("DATABASE_URL", "postgres://rapport@db/rapport", "DATABASE_URL"),
        ("DATABASE_URL", "postgres://crm-user:crm-user@db/rapport", "DATABASE_URL"),
        ("DATABASE_URL", "postgres://rapport:ChangeMe@db/rapport", "DATABASE_URL"),
        ("DATABASE_URL", "", "DATABASE_URL"),
        ("REDIS_URL", "", "REDIS_URL"),
        ("RAPPORT_DEMO_PASSWORD", "something", "RAPPORT_DEMO_PASSWORD"),
        ("RAPPORT_FAULTS", "idempotency", "RAPPORT_FAULTS"),
    ],
)
def test_production_refuses_what_is_unsafe(tmp_path: Path, name: str, value: str, said: str) -> None:
    done = load(tmp_path, **SAFE | {name: value})
    assert done.returncode != 0
    last = done.stderr.strip().splitlines()[-1]
    assert said in last, last
    assert "ImproperlyConfigured" in last


NONSENSE = {"number": "x", "flag": "maybe", "one_of": "zzz", "url": "gopher://x", "hosts": "http://x/", "origins": "crm.example.com"}
"""A value that each reader refuses."""
ALSO = [
    ("PORT", "0"), ("PORT", "70000"), ("WEB_THREADS", "0"), ("TRUSTED_PROXY_COUNT", "-1"), ("SITE_URL", "crm.example.com"),
    ("SITE_URL", "https://example.com/crm"), ("SITE_URL", "https://"), ("DATABASE_URL", "postgres://u:a/b@db/rapport"),
    ("DATABASE_URL", "postgres://u:p@db/rapport?sslmod=require"), ("ALLOWED_HOSTS", "crm.example.com:443"),
    ("CORS_ALLOWED_ORIGINS", "https://crm.example.com/"), ("DEFAULT_PHONE_REGION", "Germany"), ("EMAIL_BACKEND", "smtp"),
    ("EMAIL_BACKEND", "nowhere.mail.Backend"), ("DEFAULT_FROM_EMAIL", "Rapport"), ("SECRET_KEY_FILE", "/nowhere/key"),
]
_TRY = """
import json, os, runpy, sys
from django.core.exceptions import ImproperlyConfigured
said = []
for name, value in json.load(sys.stdin):
    os.environ[name] = value
    try:
        runpy.run_path("crm/settings.py")
        said.append("")
    except ImproperlyConfigured as error:
        said.append(str(error))
    del os.environ[name]
print(json.dumps(said))
"""


def nonsense() -> list[tuple[str, str]]:
    """Return a wrong value for every setting whose reader can tell."""
    return [
        (node.args[0].value, NONSENSE[node.func.attr])
        for node in ast.walk(ast.parse((ROOT / "crm" / "settings.py").read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in NONSENSE
        and isinstance(node.func.value, ast.Name) and node.func.value.id == "env"
        and isinstance(node.args[0], ast.Constant) and isinstance(node.args[0].value, str)
    ]


def test_a_wrong_value_is_refused_by_name(tmp_path: Path) -> None:
    cases = [c for c in nonsense() if c[0] != "RAPPORT_DOTENV"] + ALSO
    assert len(cases) > 45
    environment = {"PATH": os.environ["PATH"], "RAPPORT_HOME": str(tmp_path), "RAPPORT_DOTENV": "off"}
    done = subprocess.run(
        [sys.executable, "-c", _TRY], cwd=ROOT, env=environment, input=json.dumps(cases), capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    refusals = dict(zip(cases, json.loads(done.stdout), strict=True))
    assert {case: said for case, said in refusals.items() if case[0] not in said} == {}


def test_no_token_may_live_longer_than_ten_minutes(tmp_path: Path) -> None:
    """A longer life is refused, not cut in silence."""
    done = load(tmp_path, JWT_ACCESS_SECONDS="3600")
    assert done.returncode != 0
    assert "JWT_ACCESS_SECONDS" in done.stderr
    assert load(tmp_path, JWT_ACCESS_SECONDS="600").returncode == 0


def test_a_command_tells_a_wrong_setting_in_one_line(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "RAPPORT_HOME": str(tmp_path), "RAPPORT_DOTENV": "off", "PORT": "eighty"}
    done = subprocess.run([sys.executable, "manage.py", "check"], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert done.stderr == "A setting is wrong. PORT: “eighty” is not a whole number.\n"


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("NAME=plain", "plain"), ("NAME=", ""), ('NAME=""', ""), ("  NAME = spaced  ", "spaced"), ("export NAME=shell", "shell"),
        ('NAME="two words"', "two words"), ("NAME='it is # this'", "it is # this"), ("NAME=a b c", "a b c"),
        ("NAME=value # a remark", "value"), ('NAME="value" # a remark', "value"), ("NAME= # a remark", ""), ("NAME=a#b", "a#b"),
        ("NAME=a=b==", "a=b=="), ("\ufeffNAME=marked", "marked"), ("NAME=first\nNAME=last", "last"), ("NAME=windows\r\n", "windows"),
        ("# NAME=remark\n\nNAME=Zoë", "Zoë"),
    ],
)
def test_a_file_of_settings_is_read_as_compose_reads_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, value: str
) -> None:
    file = tmp_path / ".env"
    file.write_bytes(line.encode())
    monkeypatch.setattr(os, "environ", {})
    env.load_dotenv(file)
    assert os.environ == {"NAME": value}


@pytest.mark.parametrize("line", [b"PORT", b"1NAME=x", b"A B=x", b'NAME="open', b"=x", b"NAME=\xff"])
def test_a_line_that_means_nothing_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: bytes) -> None:
    (tmp_path / ".env").write_bytes(b"OTHER=1\n" + line)
    monkeypatch.setattr(os, "environ", {})
    with pytest.raises(ImproperlyConfigured, match=r"\.env"):
        env.load_dotenv(tmp_path / ".env")
    assert os.environ == {}


def test_the_real_environment_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("NAME=file")
    monkeypatch.setattr(os, "environ", {"NAME": "real"})
    env.load_dotenv(tmp_path / ".env")
    env.load_dotenv(tmp_path / "nowhere")
    assert os.environ == {"NAME": "real"}


def test_a_database_url_says_how_its_server_proves_itself(tmp_path: Path) -> None:
    found = embedded.database("postgres://me:p%2Fw@db.example.com:6432/crm?sslmode=verify-full&sslrootcert=/etc/ca.pem", tmp_path)
    assert found["OPTIONS"] == {"sslmode": "verify-full", "sslrootcert": "/etc/ca.pem"}
    assert (found["HOST"], found["PORT"], found["NAME"], found["PASSWORD"]) == ("db.example.com", "6432", "crm", "p/w")


def test_a_fresh_home_gets_a_secret_of_its_own(tmp_path: Path) -> None:
    assert load(tmp_path).returncode == 0
    key = tmp_path / "secret_key"
    first = key.read_text()
    assert len(first) >= 50
    assert key.stat().st_mode & 0o077 == 0
    load(tmp_path)
    assert key.read_text() == first
