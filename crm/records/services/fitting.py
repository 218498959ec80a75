"""What a role may make: a condition on “create” (A15) is asked of the record once it stands."""

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _

from crm.access.policy import SYSTEM, policy_of
from crm.access.rights import rights_of
from crm.criteria import describe
from crm.lib.errors import Denied, Detail, Invalid
from crm.records.entity import Entity


def require_fit(declared: Entity, pks: Iterable[Any], actor: Any) -> None:
    """Refuse unless the new records fulfil the condition under which the actor may make any."""
    if actor is not SYSTEM and policy_of(declared.model).unfit(actor, pks):
        said = why_unfit(declared, actor)
        raise Denied(said, details=[Detail("", said)])


def why_unfit(declared: Entity, actor: Any) -> str:
    """Return the sentence that tells which records the actor may make."""
    condition = rights_of(actor).cell(policy_of(declared.model).entity, "create").condition
    try:
        words = describe(condition, declared.model, actor)
    except Invalid:
        return _("Your role makes none of these: the condition of its permission cannot be read any more.")
    return _("Your role makes these only where: %(condition)s.") % {"condition": words}
