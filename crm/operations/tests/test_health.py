"""Probes: live, ready, metrics."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone

from crm.jobs.models import Job
from crm.operations import health


@pytest.fixture(autouse=True)
def _asked_afresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "REMEMBERED", -1.0)
    monkeypatch.setattr(connection, "close", lambda: None)


def test_live_needs_nothing(client: Client) -> None:
    answer = client.get("/health/live")
    assert answer.status_code == 200
    assert answer.json() == {"status": "live"}
    assert answer["Cache-Control"] == "no-store"


@pytest.mark.django_db
def test_ready_names_what_is_degraded(client: Client) -> None:
    answer = client.get("/health/ready", headers={"host": "10.1.2.3"})
    assert answer.status_code == 200
    found = answer.json()
    assert found["parts"]["database"] == "ok"
    assert found["missing"] == []
    assert "beat" in found["degraded"]


@pytest.mark.django_db
def test_ready_tells_how_long_jobs_wait(client: Client) -> None:
    Job.objects.create(kind="x", queue="low", due_at=timezone.now() - timedelta(seconds=90))
    assert client.get("/health/ready").json()["oldest_job_seconds"]["low"] >= 90


@pytest.mark.django_db
def test_ready_is_503_and_names_what_is_missing(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> bool:
        raise OperationalError("gone")

    monkeypatch.setattr(health, "_is_migrated", away)
    answer = client.get("/health/ready")
    assert answer.status_code == 503
    assert answer.json()["missing"] == ["database"]
    assert b"gone" not in answer.content


@pytest.mark.django_db
def test_unapplied_migrations_are_named(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_is_migrated", lambda: False)
    answer = client.get("/health/ready")
    assert answer.status_code == 503
    assert answer.json()["missing"] == ["migrations"]


@pytest.mark.django_db
def test_metrics_are_for_this_machine_or_the_token(client: Client, settings: Any) -> None:
    assert client.get("/metrics", REMOTE_ADDR="127.0.0.1").status_code == 200
    assert client.get("/metrics", REMOTE_ADDR="203.0.113.9").status_code == 404
    # What comes through a proxy of this machine comes from elsewhere.
    assert client.get("/metrics", REMOTE_ADDR="127.0.0.1", headers={"X-Forwarded-For": "127.0.0.1"}).status_code == 404
    settings.METRICS_TOKEN = "let-me-see"
    assert client.get("/metrics", REMOTE_ADDR="203.0.113.9", headers={"Authorization": "Bearer let-me-see"}).status_code == 200
    assert client.get("/metrics", REMOTE_ADDR="203.0.113.9", headers={"Authorization": "Bearer wrong"}).status_code == 404
    settings.METRICS_TOKEN = ""
    assert client.get("/metrics", REMOTE_ADDR="203.0.113.9", headers={"Authorization": "Bearer "}).status_code == 404
