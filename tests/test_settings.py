"""Settings refuse what is wrong or unsafe, by name, before anything starts."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

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
        ("ALLOWED_HOSTS", "*", "ALLOWED_HOSTS"),
        ("ALLOWED_HOSTS", "", "ALLOWED_HOSTS"),
        ("SITE_URL", "http://crm.example.com", "SITE_URL"),
        ("DATABASE_URL", "postgres://rapport:postgres@db/rapport", "DATABASE_URL"),
        ("DATABASE_URL", "postgres://rapport@db/rapport", "DATABASE_URL"),
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


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "eighty"), ("PORT", "0"), ("PORT", "70000"), ("DEBUG", "maybe"), ("RAPPORT_ENV", "staging"),
        ("DATABASE_URL", "mysql://db/x"), ("REDIS_URL", "http://valkey"), ("SITE_URL", "crm.example.com"),
        ("LOG_LEVEL", "LOUD"), ("WEB_THREADS", "0"), ("TRUSTED_PROXY_COUNT", "-1"), ("SECRET_KEY_FILE", "/nowhere/key"),
    ],
)
def test_a_wrong_value_is_refused_by_name(tmp_path: Path, name: str, value: str) -> None:
    done = load(tmp_path, **{name: value})
    assert done.returncode != 0
    assert name in done.stderr.strip().splitlines()[-1]


def test_a_fresh_home_gets_a_secret_of_its_own(tmp_path: Path) -> None:
    assert load(tmp_path).returncode == 0
    key = tmp_path / "secret_key"
    first = key.read_text()
    assert len(first) >= 50
    assert key.stat().st_mode & 0o077 == 0
    load(tmp_path)
    assert key.read_text() == first
