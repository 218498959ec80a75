# syntax=docker/dockerfile:1
# Three stages: packages, front end, and a small image that runs as an ordinary user.

FROM python:3.13-slim AS packages
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/rapport
COPY deploy/requirements.lock /tmp/requirements.lock
RUN /opt/rapport/bin/pip install --require-hashes -r /tmp/requirements.lock

FROM packages AS frontend
WORKDIR /build
COPY . .
RUN SECRET_KEY=only-for-the-build RAPPORT_ENV=development RAPPORT_HOME=/tmp/home \
        /opt/rapport/bin/python manage.py build_ui \
    && rm -rf node_modules \
    && RAPPORT_ENV=development RAPPORT_HOME=/tmp/home \
        /opt/rapport/bin/python manage.py collectstatic --no-input --verbosity 0 \
    && mv /tmp/home/static /srv-static

FROM python:3.13-slim AS rapport
ENV PATH=/opt/rapport/bin:$PATH \
    PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=crm.settings RAPPORT_ENV=production BIND=0.0.0.0 PORT=8000 RAPPORT_HOME=/var/lib/rapport
RUN useradd --system --uid 10001 --user-group --home-dir /var/lib/rapport --create-home rapport
COPY --from=packages /opt/rapport /opt/rapport
COPY --from=frontend --chown=root:root /build /srv/rapport
COPY --from=frontend --chown=rapport:rapport /srv-static /var/lib/rapport/static
WORKDIR /srv/rapport
USER rapport
VOLUME ["/var/lib/rapport/media"]
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/health/live', timeout=4)"]
CMD ["python", "-m", "crm.operations.web"]
