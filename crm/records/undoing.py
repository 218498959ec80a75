"""What follows from an undo for records: open lists and pages are told, and custom fields are read again."""

from crm.access import stamps
from crm.activity.facts import publish
from crm.activity.undo import UndoCount, after_undo
from crm.records.customfields import STAMP
from crm.records.entity import entity_of, has_entity
from crm.records.events import RecordsBulkChanged
from crm.records.models import CustomField


def tell_lists(counts: list[UndoCount]) -> None:
    """Publish one fact for each entity whose records went back."""
    for c in counts:
        number = c.removed + c.changed + c.restored
        if number and c.model is CustomField:
            stamps.bump(STAMP)
        if number and has_entity(c.model):
            name = entity_of(c.model).name
            publish(RecordsBulkChanged(entity=name, count=number, operation="undo"), entity=name)


after_undo(tell_lists)
