"""The OpenAPI 3.1 document: drf-spectacular walks our own registry of routes and our own declarations."""

import re
from typing import Any

from django.urls import get_resolver
from drf_spectacular.generators import EndpointEnumerator, SchemaGenerator
from drf_spectacular.openapi import AutoSchema as SpectacularAutoSchema
from drf_spectacular.plumbing import ResolvedComponent

from crm.api.errors import CODES
from crm.api.routes import all_routes
from crm.api.schema import shapes
from crm.api.schema.examples import example_of
from crm.api.schema.operations import IF_MATCH, Operation, Parameter
from crm.api.schema.shapes import COMPONENT, DOCUMENTED, READ_ONLY, REFUSAL, Schema

PREFIX = "/api/v1/"
_PLACEHOLDER = re.compile(r"{([a-z_]+)}")
_VERBS = {"GET": "get", "POST": "create", "PUT": "replace", "PATCH": "change", "DELETE": "delete"}
_REASONS = {
    400: "A value, a parameter or the body is not valid; `details` names each.",
    401: "Nobody is signed in, or the token is not valid.",
    403: "The caller may not do this.",
    404: "There is no such record for this caller.",
    405: "The address does not know this method.",
    406: "`Accept` names no form that we have.",
    409: "A unique value or the state stands in the way, or the idempotency key was used for another request.",
    412: "Someone changed the same thing in the meantime.",
    413: "The body is too large.",
    414: "The address is longer than 64 KB: the server refuses it before it is read, without a body.",
    415: "The body is not of a media type that this address reads.",
    423: "The record is locked by a running operation.",
    429: "The quota is used up; `Retry-After` tells when to try again.",
    500: "Something went wrong on our side.",
    503: "The database is not available or took too long; `Retry-After` tells when to try again.",
}
_BEFORE_US = frozenset({414})
"""What the server answers by itself."""
_ALSO = {202: "It goes on in the background: this is the job."}
_HEADERS: dict[str, Schema] = {
    "X-RateLimit-Limit": {"schema": {"type": "integer"}, "description": "Calls a minute."},
    "X-RateLimit-Remaining": {"schema": {"type": "integer"}, "description": "Calls left."},
    "X-RateLimit-Reset": {"schema": {"type": "integer"}, "description": "Seconds until the quota is whole again."},
    "X-Request-ID": {"schema": {"type": "string"}, "description": "Names this request in our logs."},
}


class Endpoints(EndpointEnumerator):
    """Lists the declared routes."""

    def get_api_endpoints(self, patterns: Any = None, prefix: str = "") -> list[Any]:
        """Return path, pattern, method and view of every operation."""
        # Reading the URL conf is what makes every app declare its routes.
        _ = get_resolver().url_patterns
        return [
            (PREFIX + route.path, route.path, method, route.view) for route in all_routes() for method in route.methods
        ]


class Generator(SchemaGenerator):
    """Makes the document."""

    endpoint_inspector_cls = Endpoints

    def coerce_path(self, path: str, method: str, view: Any) -> str:
        """Keep the path as it is declared."""
        return path


class AutoSchema(SpectacularAutoSchema):
    """Describes an operation from its ``@describe``."""

    def get_operation(
        self, path: str, path_regex: str, path_prefix: str, method: str, registry: Any
    ) -> dict[str, Any] | None:
        """Return the operation object of a method; None leaves it out."""
        self.registry, self.path, self.method = registry, path, method.upper()
        operation: Operation | None = self.view.operation(method)
        if operation is None:
            return None
        public = operation.public or not _needs_identity(self.view)
        found: dict[str, Any] = {
            "operationId": self._id(),
            "summary": str(operation.summary),
            "tags": [operation.tag or path.removeprefix(PREFIX).split("/")[0]],
            "parameters": self._all_parameters(operation),
            "responses": self._responses(operation, public),
            "security": [{}] if public else [{"bearer": []}, {"session": []}],
        }
        if operation.description:
            found["description"] = str(operation.description)
        body = operation.body_schema(self.view)
        if body is not None:
            content = {operation.body_type: {"schema": self._shared(body)}}
            if getattr(self.view, "action", "") == "create" and "properties" in body:
                example = example_of(self.view.entity, body)
                if example is not None and operation.body_type == "application/json":
                    content[operation.body_type]["example"] = example
            found["requestBody"] = {"required": operation.body_required, "content": content}
        return found

    def _id(self) -> str:
        words = [w for w in re.split(r"[/{}_-]+", self.path.removeprefix(PREFIX)) if w]
        action = getattr(self.view, "action", "") or ""
        verb = action if action in ("list", "retrieve") else _VERBS[self.method]
        return "_".join([*words, verb])

    def _all_parameters(self, operation: Operation) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for name in _PLACEHOLDER.findall(self.path):
            schema = shapes.uuid() if name == "id" or name.endswith("_id") else shapes.text(min_length=1, max_length=200)
            found.append({"name": name, "in": "path", "required": True, "schema": schema})
        guards = (IF_MATCH,) if self.view.guarded(self.method) else ()
        found.extend(_parameter(p) for p in (*operation.all_parameters(self.view), *guards))
        return found

    def _responses(self, operation: Operation, public: bool) -> dict[str, Any]:
        headers = _headers()
        answers: dict[str, Any] = {}
        schema = operation.answer_schema(self.view)
        done: dict[str, Any] = {"description": str(operation.summary), "headers": dict(headers)}
        if schema is not None:
            enveloped = self._enveloped(schema, operation.many)
            done["content"] = {t: {"schema": enveloped} for t in ("application/json", "application/xml")}
            if self.method == "GET":
                done["headers"]["ETag"] = {"schema": {"type": "string"}, "description": "Names this state."}
                answers["304"] = {"description": "Nothing changed since `If-None-Match`.", "headers": dict(headers)}
        for media_type, content in operation.files.items():
            done.setdefault("content", {})[media_type] = {"schema": content}
        answers[str(operation.status)] = done
        for status, other in operation.also.items():
            content = {t: {"schema": self._enveloped(other, False)} for t in ("application/json", "application/xml")}
            answers[str(status)] = {"description": _ALSO[status], "headers": dict(headers), "content": content}
        has_body = operation.body_schema(self.view) is not None
        statuses = {405, 406, 429, 500, 503, *operation.errors}
        # Any address refuses parameters that it does not know, and what is too long to be one.
        statuses |= {400, 414}
        if not public:
            statuses |= {401, 403}
        if "{" in self.path:
            statuses.add(404)
        if self.view.guarded(self.method):
            statuses.add(412)
        if has_body or self.method in ("POST", "PUT", "PATCH"):
            statuses |= {413, 415}
        if self.method == "POST" and not public:
            statuses.add(409)
        for status in sorted(statuses):
            answers.setdefault(str(status), {"$ref": f"#/components/responses/Refused{status}"})
        return answers

    def _enveloped(self, schema: Schema, many: bool) -> Schema:
        inner = self._shared(schema)
        data = {"type": "array", "items": inner} if many else inner
        metadata: Schema = {"type": "object"}
        if many or schema.get("type") == "array":
            metadata = {
                "type": "object", "properties": {"pagination": {"$ref": "#/components/schemas/Pagination"}},
                "required": ["pagination"],
            }
        return {
            "type": "object",
            "properties": {"success": {"const": True}, "data": data, "metadata": metadata},
            "required": ["success", "data", "metadata"],
        }

    def _shared(self, schema: Any) -> Any:
        """Keep the schemas of entities among the components, and refer to them."""
        if isinstance(schema, list):
            return [self._shared(inner) for inner in schema]
        if not isinstance(schema, dict):
            return schema
        if DOCUMENTED in schema:
            return self._shared(schema[DOCUMENTED])
        name = schema.get(COMPONENT)
        plain = {k: self._shared(v) for k, v in schema.items() if k not in (COMPONENT, READ_ONLY, REFUSAL)}
        if not name:
            return plain
        title = {"title": plain.pop("title")} if "title" in plain else {}
        component = ResolvedComponent(name=name, type=ResolvedComponent.SCHEMA, schema=plain, object=name)
        self.registry.register_on_missing(component)
        return {**component.ref, **title}


def _headers() -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in _HEADERS}


def _refusal(status: int) -> dict[str, Any]:
    if status in _BEFORE_US:
        return {"description": _REASONS[status]}
    more = _headers()
    if status in (429, 503):
        more["Retry-After"] = {"schema": {"type": "integer"}, "description": "Seconds to wait."}
    if status == 405:
        more["Allow"] = {"schema": {"type": "string"}, "description": "The methods that there are."}
    reference = {"$ref": "#/components/schemas/Error"}
    content = {t: {"schema": reference} for t in ("application/json", "application/xml")}
    return {"description": _REASONS[status], "headers": more, "content": content}


def _needs_identity(view: Any) -> bool:
    return any(p.__name__ == "IsAuthenticated" for p in view.permission_classes)


def _parameter(parameter: Parameter) -> dict[str, Any]:
    made: dict[str, Any] = {"name": parameter.name, "in": parameter.where, "schema": parameter.schema}
    if parameter.description:
        made["description"] = parameter.description
    if parameter.required:
        made["required"] = True
    return made


def finish(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Add what all operations share: the error, the pagination, and the ways to sign in."""
    components = result.setdefault("components", {})
    components.setdefault("schemas", {}).update({"Error": _error(), "Pagination": _pagination()})
    components["responses"] = {f"Refused{status}": _refusal(status) for status in _REASONS}
    components["headers"] = _HEADERS
    components["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
        "session": {"type": "apiKey", "in": "cookie", "name": "session", "description": "With `X-CSRFToken` on writes."},
    }
    result["info"]["description"] = (
        "Every answer is an envelope; every error has one shape. Records that the caller may not see do not exist. "
        "Besides the filters that are listed, fields take the look-ups `ne`, `gt`, `gte`, `lt`, `lte`, `in`, `isnull`, "
        "`contains`, `icontains`, `startswith`, `istartswith`, `endswith`, `iendswith` and `iexact` as their kind "
        "allows, and a link leads on to the fields of its target (`company__name__icontains`)."
    )
    return result


def _error() -> Schema:
    detail = shapes.shape(field={"type": "string"}, message={"type": "string"})
    error = {
        "type": "object",
        "properties": {
            "code": {"type": "string", "examples": sorted(set(CODES.values()))},
            "message": {"type": "string"},
            "details": shapes.listing(detail),
            "request_id": {"type": "string"},
            "fields": {"type": "object", "description": "On 412: both values of each contested field."},
            "version": {"type": ["integer", "null"], "description": "On 412: the version that is stored now."},
            "retry_after": {"type": "integer", "description": "On 429: seconds to wait."},
        },
        "required": ["code", "message", "details", "request_id"],
    }
    return {
        "type": "object", "properties": {"success": {"const": False}, "error": error}, "required": ["success", "error"],
    }


def _pagination() -> Schema:
    link: Schema = {"type": ["string", "null"]}
    pages = shapes.shape(
        page=shapes.integer(1), limit=shapes.integer(1), total=shapes.integer(0), pages=shapes.integer(0), next=link,
        previous=link, total_is_estimate=shapes.optional(shapes.boolean()),
    )
    cursors = shapes.shape(limit=shapes.integer(1, 200), next_cursor=link, previous_cursor=link, next=link, previous=link)
    return {"anyOf": [pages, cursors]}
