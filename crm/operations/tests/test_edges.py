"""What stands at the edge: files that must not be there, and the headers of files that are."""

import pytest
from django.test import Client
from django.test.utils import override_settings

GUARDS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


@pytest.mark.django_db
@pytest.mark.parametrize(
    "path",
    [
        "/.env", "/.git/HEAD", "/.git/config", "/backup.sql", "/dump.sql.gz", "/manage.py", "/media/", "/media/../.env",
        "/static/", "/static/../manage.py", "/static/%2e%2e/manage.py", "/static/..%2fmanage.py", "/static/nothing.css",
        "/var/secret_key", "/docker-compose.yml", "/phpinfo.php", "/server-status", "/wp-login.php", "/robots.txt.bak",
    ],
)
def test_no_stray_file_is_served(client: Client, path: str) -> None:
    answer = client.get(path)
    # A stranger is led to the sign-in where a page might be; what matters is that nothing comes out.
    assert answer.status_code in (302, 400, 404), path
    assert b"SECRET" not in answer.content
    assert b"ref: refs" not in answer.content
    for name, value in GUARDS.items():
        assert answer.headers.get(name) == value, name
    assert "Content-Security-Policy" in answer.headers


@pytest.mark.django_db
def test_files_of_the_front_end_are_guarded_too(client: Client) -> None:
    answer = client.get("/static/admin/css/base.css")
    assert answer.status_code == 200
    for name, value in GUARDS.items():
        assert answer.headers.get(name) == value, name
    assert "Set-Cookie" not in answer.headers


@pytest.mark.django_db
@override_settings(SECURE_HSTS_SECONDS=31_536_000, SECURE_HSTS_INCLUDE_SUBDOMAINS=True)
@pytest.mark.parametrize("path", ["/account/sign-in", "/nowhere", "/health/live", "/static/admin/css/base.css", "/api/v1/customers"])
def test_browsers_are_told_to_keep_to_https(client: Client, path: str) -> None:
    answer = client.get(path, secure=True)
    assert "max-age=31536000; includeSubDomains" in answer.headers["Strict-Transport-Security"]
