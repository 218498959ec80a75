"""The files of an installation in containers say the same as the code, and keep its promises."""

import ast
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings

from crm.api.schema.document import Generator
from crm.jobs.registry import QUEUES
from crm.operations import programs

ROOT = Path(__file__).resolve().parents[1]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = [name for name, service in SERVICES.items() if service["image"] == "rapport:latest"]
CADDYFILE = (ROOT / "deploy" / "Caddyfile").read_text(encoding="utf-8")
EXAMPLE = (ROOT / "deploy" / "example.env").read_text(encoding="utf-8")
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
OPERATIONS = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
OF_COMPOSE = {"SITE_ADDRESS", "SITE_TLS", "POSTGRES_PASSWORD", "VALKEY_PASSWORD"}
"""What only docker-compose.yml reads."""
OF_PYTHON = {"TMPDIR"}
READERS = {"text", "flag", "number", "words", "one_of", "path", "url", "secret", "hosts", "origins"}


def read_by_settings() -> set[str]:
    """Return the names of all variables that crm/settings.py reads."""
    tree = ast.parse((ROOT / "crm" / "settings.py").read_text(encoding="utf-8"))
    return {
        node.args[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in READERS
        and isinstance(node.func.value, ast.Name) and node.func.value.id == "env"
        and isinstance(node.args[0], ast.Constant) and isinstance(node.args[0].value, str)
    }


def in_table() -> set[str]:
    """Return the names in the first column of the table of settings."""
    section = OPERATIONS.partition("\n## Settings\n")[2].partition("\n## ")[0]
    cells = re.findall(r"^\| (`[^|]*) \|", section, re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`([A-Z_]+)`", cell)}


def test_the_table_of_settings_is_whole() -> None:
    named, read = in_table(), read_by_settings() - {"RAPPORT_FAULTS"}
    assert read - named == set(), "not in docs/operations.md"
    assert named - read == set(), "in docs/operations.md, and read nowhere"


def test_compose_sets_only_what_is_read() -> None:
    known = read_by_settings() | OF_PYTHON
    for name in OURS:
        assert set(SERVICES[name]["environment"]) <= known, name
        assert SERVICES[name]["env_file"] == ".env"
    named = set(re.findall(r"^#? ?([A-Z_]+)=", EXAMPLE, re.MULTILINE))
    assert named <= read_by_settings() | OF_COMPOSE
    asked = set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "docker-compose.yml").read_text(encoding="utf-8")))
    assert asked <= named, "docker-compose.yml asks for what example.env does not mention"


def test_what_has_no_safe_default_is_asked_for() -> None:
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    for name in ("SECRET_KEY", "SITE_ADDRESS", "POSTGRES_PASSWORD", "VALKEY_PASSWORD"):
        assert f"${{{name}:?Set {name} in .env" in text
        assert re.search(rf"^{name}=$", EXAMPLE, re.MULTILINE), f"{name} has a value in example.env"


def test_containers_run_what_the_supervisor_runs(tmp_path: Path) -> None:
    ours = {p.name: p.arguments for p in programs.application(base=ROOT, logs=tmp_path / "log")}
    assert f'CMD ["python", "-m", "{ours.pop("web")[0]}"]' in DOCKERFILE
    assert "command" not in SERVICES["web"]
    assert SERVICES["relay"]["command"] == ["python", "manage.py", *ours.pop("relay")[1:]]
    for name, arguments in ours.items():
        command = ["/tmp/beat" if word == str(tmp_path / "run" / "beat") else word for word in arguments]
        assert SERVICES[name]["command"] == command, name
    queues = [q for name in ("worker", "worker-bulk") for q in SERVICES[name]["command"][SERVICES[name]["command"].index("--queues") + 1].split(",")]
    assert sorted(queues) == sorted(QUEUES)


def test_every_part_has_a_health_check_of_its_own() -> None:
    seen = [part for name in OURS for part in SERVICES[name].get("healthcheck", {}).get("test", [])[5:]]
    assert sorted(seen) == sorted([*(f"worker:{q}" for q in QUEUES), "beat", "relay"])
    assert "HEALTHCHECK" in DOCKERFILE
    for name, service in SERVICES.items():
        assert "healthcheck" in service or name == "web", name


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_containers_have_no_rights_to_spare(name: str) -> None:
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["logging"]["options"]["max-size"]
    assert "privileged" not in service
    assert service.get("read_only") or name == "postgres"
    assert ("ports" in service) == (name == "caddy")
    assert re.search(r":(\d|latest$)", service["image"])
    assert service["restart"] == ("no" if name == "migrate" else "unless-stopped")
    if name in OURS:
        assert "cap_add" not in service


def test_the_servers_can_be_reached_by_ours_alone() -> None:
    assert COMPOSE["networks"]["data"] == {"internal": True}
    assert {name for name, service in SERVICES.items() if "data" in service["networks"]} == {"postgres", "valkey", *OURS}
    assert SERVICES["postgres"]["networks"] == SERVICES["valkey"]["networks"] == ["data"]


def test_whoever_writes_a_file_shares_the_volume_with_whoever_reads_it() -> None:
    for name in OURS:
        assert SERVICES[name]["volumes"] == SERVICES["web"]["volumes"], name
    for mounted in ("/var/lib/rapport/media", "/var/lib/rapport/outbox"):
        assert any(volume.endswith(f":{mounted}") for volume in SERVICES["web"]["volumes"])
        # Made with its owner before it is mounted on: otherwise the volume is root's, and nothing can be uploaded.
        assert mounted in DOCKERFILE.partition("install -d")[2].partition("COPY")[0]


def test_the_image_runs_as_an_ordinary_user_and_holds_no_secret() -> None:
    last = DOCKERFILE.split("\nFROM ")[-1]
    assert "\nUSER rapport\n" in last
    assert "ARG " not in DOCKERFILE
    assert "SECRET" not in DOCKERFILE
    assert "--require-hashes -r /tmp/requirements.lock" in DOCKERFILE
    # Fetched from a registry before anything is built: an image that we do not need.
    assert "syntax=" not in DOCKERFILE


def test_the_lock_of_the_image_is_a_part_of_the_whole_one() -> None:
    def pinned(path: str) -> set[str]:
        return set(re.findall(r"^([a-z0-9-]+==\S+)", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE))

    assert pinned("deploy/requirements.lock") < pinned("requirements.lock")


# -- the proxy --------------------------------------------------------------------------------------


def takes_files() -> re.Pattern[str]:
    found = re.search(r"\(takes-files\) \{\s+path_regexp (\S+)\s+\}", CADDYFILE)
    assert found
    return re.compile(found[1])


@pytest.mark.django_db
def test_the_proxy_lets_files_through_wherever_they_are_sent_and_nowhere_else() -> None:
    paths = Generator().get_schema(public=True)["paths"]
    files = {
        path for path, acts in paths.items()
        if "multipart/form-data" in str(acts.get("post", {}).get("requestBody", {}).get("content", {}))
    }
    assert len(files) > 10
    pages = {"/imports/new", "/documents/on/customer/{id}", "/documents/{id}/replace"}
    takes = takes_files()
    for path in files | pages:
        assert takes.search(path.replace("{id}", "01a227df-3d2e-7053-99c7-c2faceafea2d")), path
    for path in [*(set(paths) - files), "/account/sign-in", "/customers/new"]:
        assert not takes.search(path.replace("{id}", "01a227df-3d2e-7053-99c7-c2faceafea2d")), path


def test_the_proxy_refuses_only_what_rapport_refuses_too() -> None:
    limits = [int(n) * 2**20 for n in re.findall(r"max_size (\d+)MiB", CADDYFILE)]
    assert limits[0] > settings.MAX_UPLOAD_BYTES > settings.MAX_DOCUMENT_BYTES > limits[1] > settings.DATA_UPLOAD_MAX_MEMORY_SIZE


def test_figures_and_readiness_are_not_for_the_world() -> None:
    assert "@inside path /metrics /health/ready" in CADDYFILE
    assert "respond @inside" in CADDYFILE


def test_caddy_takes_the_caddyfile() -> None:
    caddy = os.environ.get("CADDY") or shutil.which("caddy")
    if not caddy:
        pytest.skip("There is no Caddy here (name it by CADDY=…).")
    version = subprocess.run([caddy, "version"], capture_output=True, text=True, check=False).stdout.lstrip("v").split(" ")[0]
    if tuple(int(n) for n in re.findall(r"\d+", version)[:2]) < (2, 8):
        pytest.skip(f"This Caddy is too old: {version.strip()}.")
    for tls in ("", "tls internal"):
        done = subprocess.run(
            [caddy, "validate", "--adapter", "caddyfile", "--config", str(ROOT / "deploy" / "Caddyfile")],
            capture_output=True, text=True, check=False, env={**os.environ, "SITE_ADDRESS": "crm.example.com", "SITE_TLS": tls},
        )
        assert done.returncode == 0, done.stderr
