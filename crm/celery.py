"""The Celery application: workers and beat. What is to be done stands in PostgreSQL (``crm.jobs``)."""

import os

import django
from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")
django.setup()

# The schedule reads the models, which are there only now.
from crm.jobs.schedule import BEAT_SCHEDULE  # noqa: E402

app = Celery("rapport")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.beat_schedule = BEAT_SCHEDULE
app.autodiscover_tasks(related_name="jobs")
