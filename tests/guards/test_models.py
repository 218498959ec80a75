"""What holds for every model."""

import contextlib
import io

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import models
from django.db.models.deletion import CASCADE
from django.db.models.signals import post_delete, post_save, pre_delete, pre_save

from crm.access.policy import all_policies
from crm.records.models import Record
from tests.guards.tree import OURS

# Models that nothing reaches by themselves, each with the reason.
NO_POLICY = {
    "activity.LogLine": "ActivityLog as the Django admin reads it, which lets administrators in only",
    "access.Stamp": "which tables changed when; holds no content",
    "accounts.LoginFailure": "hashed counters; only the lock-out reads them",
    "records.Alike": "pairs of ids; the queue shows them to whoever may merge both records",
    "records.Different": "pairs of ids; only the search for duplicates reads them",
    "transfer.ExternalId": "keys of other programs; imports read them, they are shown on no page",
    "transfer.ImportRun": "each view asks for the runs of the person who is signed in",
    "transfer.RememberedMapping": "each view asks for the mappings of the person who is signed in",
    "sales.DealTotal": "sums without names; the board adds up those of the deals that its reader sees",
    "jobs.Pulse": "signs of life of processes; read by health alone",
}
LOOKUP_CASCADES: dict[str, str] = {}


def our_models() -> list[type[models.Model]]:
    return [m for m in apps.get_models() if m.__module__.split(".")[0] in OURS and not m._meta.auto_created]


def is_detail(model: type[models.Model], policed: set[type[models.Model]]) -> bool:
    """Tell whether rows exist only as part of a policed one: by a required CASCADE to it."""
    return any(
        isinstance(f, models.ForeignKey)
        and f.remote_field.on_delete is CASCADE
        and not f.null
        and (f.related_model in policed)
        for f in model._meta.get_fields()
        if isinstance(f, models.ForeignKey)
    )


def test_every_model_has_a_policy() -> None:
    """Silence means no, but it must be meant: a policy, a parent that has one, or a reason."""
    policed = set(all_policies())
    silent = [
        m._meta.label for m in our_models() if m not in policed and not is_detail(m, policed) and m._meta.label not in NO_POLICY
    ]
    assert not silent, "No policy, and no reason in NO_POLICY: " + ", ".join(sorted(silent))
    stale = set(NO_POLICY) - {m._meta.label for m in our_models() if m not in policed}
    assert not stale, f"No longer needed in NO_POLICY: {sorted(stale)}"


def test_no_lookup_takes_records_with_it() -> None:
    """Deleting a stage, a tag or a user never deletes business records."""
    wrong = [
        f"{m._meta.label}.{f.name}"
        for m in our_models()
        if issubclass(m, Record)
        for f in m._meta.get_fields()
        if isinstance(f, models.ForeignKey) and f.remote_field.on_delete is CASCADE
        and f"{m._meta.label}.{f.name}" not in LOOKUP_CASCADES
    ]
    assert not wrong, "Records are protected or released, never taken along: " + ", ".join(wrong)


def test_no_receivers_on_saving() -> None:
    """What happens because of a change hangs on a fact, where it is delivered after commit and can be seen."""
    wrong = []
    for name, signal in {"pre_save": pre_save, "post_save": post_save, "pre_delete": pre_delete, "post_delete": post_delete}.items():
        for receiver in signal.receivers:
            function = receiver[1]() if callable(receiver[1]) and not hasattr(receiver[1], "__module__") else receiver[1]
            module = getattr(function, "__module__", "") or ""
            if module.split(".")[0] in OURS:
                wrong.append(f"{module} hears {name}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.django_db
def test_no_migration_is_missing() -> None:
    said = io.StringIO()
    with contextlib.suppress(SystemExit):
        call_command("makemigrations", dry_run=True, verbosity=1, stdout=said)
    assert said.getvalue().strip() == "No changes detected", said.getvalue()
