"""What the API can do with tasks beyond reading and writing them."""

from typing import Any

from crm.api.concurrency import check_match
from crm.api.schema import describe
from crm.api.schema.operations import IF_MATCH
from crm.api.schema.shapes import integer, nullable, optional, shape, text
from crm.api.viewsets import RecordView, record_of
from tasks.services.tasks import complete_task, reopen_task

VERSION = optional(integer(1, 2_147_483_647, "The version that was read; contested fields are refused with 412."))


class CompleteView(RecordView):
    """The end of a task."""

    entity_name = "task"

    @describe(
        "Complete a task", body=shape(outcome=optional(nullable(text(max_length=500))), version=VERSION), body_required=False,
        answer=record_of, parameters=(IF_MATCH,), errors=(400, 403, 404, 409, 412),
    )
    def put(self, request: Any, id: Any) -> Any:
        """Mark the task as done; doing it again changes nothing."""
        body = self.body()
        task = self.get_object(id)
        version = check_match(request, task, {}, request.user) or body.get("version")
        return self.respond(
            complete_task(task=task, actor=request.user, outcome=body.get("outcome"), version=version)
        )


class ReopenView(RecordView):
    """A task that is not done after all."""

    entity_name = "task"

    @describe(
        "Reopen a task", body=shape(version=VERSION), body_required=False, answer=record_of, parameters=(IF_MATCH,),
        errors=(400, 403, 404, 409, 412),
    )
    def put(self, request: Any, id: Any) -> Any:
        """Open the task again; an open one stays as it is."""
        body = self.body()
        task = self.get_object(id)
        version = check_match(request, task, {}, request.user) or body.get("version")
        return self.respond(reopen_task(task=task, actor=request.user, version=version))
