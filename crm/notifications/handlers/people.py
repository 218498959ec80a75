"""What people are told when something happens."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import override

from crm.accounts.models import User
from crm.activity.facts import Heard, reacts_to
from crm.activity.intention import current_intention
from crm.jobs.models import Job
from crm.jobs.registry import when_finished
from crm.jobs.words import how_it_ended, where_it_led
from crm.lib.text import in_sentence
from crm.notifications.service import notify
from crm.notifications.topics import sees
from crm.realtime.push import push
from crm.records.entity import Entity, all_entities
from crm.records.events import CommentWritten, NoteWritten, RecordChanged, RecordCreated
from crm.records.mentions import mentioned_in
from crm.records.models import Comment, Note


def _assigns(fact: RecordCreated | RecordChanged, about: Any) -> bool:
    """Tell whether the record got an owner by it who did not take it."""
    declared = all_entities().get(fact.entity)
    if declared is None or not declared.owner or (isinstance(fact, RecordChanged) and declared.owner not in fact.fields):
        return False
    acting = current_intention()
    owner = getattr(about, f"{declared.owner}_id", None)
    return owner is not None and (acting is None or owner != acting.origin.user_id)


@reacts_to(RecordCreated, RecordChanged, name="notifications.assigned", when=_assigns)
def tell_assigned(heard: Heard) -> None:
    """Tell the new owner of a record, unless they took it themselves."""
    declared = all_entities()[heard.fact.entity]
    obj = declared.model._default_manager.filter(pk=heard.fact.record_id).first()
    owner = getattr(obj, declared.owner or "", None)
    if obj is None or not isinstance(owner, User):
        return
    actor = _actor(heard)
    with override(owner.language):
        sentence = _("%(name)s assigned this %(what)s to you.") if actor else _("This %(what)s was assigned to you.")
        text = sentence % {"name": actor, "what": _word(declared)}
    _tell(owner, "assigned", text, declared, obj.pk, actor, heard)


@reacts_to(CommentWritten, name="notifications.commented")
def tell_of_comment(heard: Heard) -> None:
    """Tell the people mentioned in a comment, and the owner of the record."""
    declared = all_entities().get(heard.fact.entity)
    comment = Comment.objects.filter(pk=heard.fact.comment_id).first()
    if declared is None or comment is None or comment.deleted_at is not None:
        return
    author = comment.author
    mentioned = list(User.objects.active().filter(pk__in=[str(pk) for pk in heard.fact.mentioned]))
    for user in mentioned:
        with override(user.language):
            text = _("%(name)s mentioned you in a comment.") % {"name": author}
        _tell(user, "mentioned", text, declared, heard.fact.record_id, author, heard)
    obj = declared.model._default_manager.filter(pk=heard.fact.record_id).first()
    owner = getattr(obj, declared.owner, None) if obj is not None and declared.owner else None
    if isinstance(owner, User) and owner not in mentioned:
        with override(owner.language):
            text = _("%(name)s commented.") % {"name": author}
        _tell(owner, "commented", text, declared, heard.fact.record_id, author, heard)


@reacts_to(NoteWritten, name="notifications.noted")
def tell_of_note(heard: Heard) -> None:
    """Tell the people mentioned in a note, as far as they see the record."""
    declared = all_entities().get(heard.fact.entity)
    note = Note.objects.select_related("author").filter(pk=heard.fact.note_id, is_private=False).first()
    if declared is None or note is None:
        return
    for user in mentioned_in(note.content):
        with override(user.language):
            text = _("%(name)s mentioned you in a note.") % {"name": note.author}
        _tell(user, "mentioned", text, declared, heard.fact.record_id, note.author, heard)


@when_finished
def tell_job_ended(job: Job) -> None:
    """Tell the user whose job has ended, and move its progress bar to the end."""
    if job.user is None:
        return
    push(f"user:{job.user_id}", "job.done", {"job": str(job.pk)})
    with override(job.user.language):
        text = how_it_ended(job)
    url = where_it_led(job)
    notify(user=job.user, kind="job_finished", text=text, url=url, key=f"job:{job.pk}:{job.state}")


def _tell(
    user: User, kind: str, text: str, declared: Entity, pk: Any, actor: User | None, heard: Heard
) -> None:
    """Tell ``user`` of a record, if they may see it."""
    if sees(user, declared.name, pk):
        notify(
            user=user, kind=kind, text=text, url=declared.url(pk), about=(declared.name, pk), actor=actor,
            key=f"{kind}:{heard.entry.id}",
        )


def _actor(heard: Heard) -> User | None:
    return User.objects.filter(pk=heard.entry.user_id).first() if heard.entry.user_id else None


def _word(declared: Entity) -> str:
    return in_sentence(declared.label)

