"""The roles that every installation starts with, and what they may do."""

from dataclasses import dataclass, field

OWNED = ("customer", "company", "deal", "task", "interaction", "note", "document")
EVERYDAY = ("view", "create", "change", "delete")
ACTIONS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("customer", "company", "deal"), (*EVERYDAY, "assign", "export", "import", "merge", "share")),
    **dict.fromkeys(("task", "interaction"), (*EVERYDAY, "assign", "export", "import")),
    **dict.fromkeys(("note", "document"), EVERYDAY),
    "product": (*EVERYDAY, "export", "import"),
    "tag": EVERYDAY,
    "pipeline": EVERYDAY,
    "user": (*EVERYDAY, "export", "import", "manage"),
    "team": (*EVERYDAY, "import"),
    "role": EVERYDAY,
    "custom_field": EVERYDAY,
    "settings": ("view", "change"),
    "saved_view": (*EVERYDAY, "share"),
    "report": (*EVERYDAY, "export"),
    "audit": ("view", "export"),
    "job": ("view", "manage"),
}
"""The rows of the matrix and the actions that mean something in each."""

SCOPES_BY_OWNER = frozenset({*OWNED, "saved_view", "report", "audit", "job"})
"""Rows with an owner, where a scope between none and all makes sense."""


@dataclass(frozen=True)
class RoleStart:
    """A built-in role as it starts."""

    code: str
    name: str
    description: str
    is_admin: bool = False
    cells: dict[str, dict[str, str]] = field(default_factory=dict)


def _same(scope: str, *actions: str) -> dict[str, str]:
    return dict.fromkeys(actions, scope)


_VIEWS = {"product": _same("all", "view"), "pipeline": _same("all", "view"), "tag": _same("all", "view")}
_OWN_VIEWS = {"saved_view": _same("own", *EVERYDAY), "job": _same("own", "view")}

ROLES = (
    RoleStart("ADMIN", "Administrator", "Everything, settings and people included.", is_admin=True),
    RoleStart(
        "SALES_MANAGER", "Sales manager", "Leads a team: sees and works what the team and the teams below own.",
        cells={
            **{e: _same("tree", *EVERYDAY, "assign", "export", "import", "merge", "share") for e in ("customer", "company", "deal")},
            **{e: _same("tree", *EVERYDAY, "assign", "export", "import") for e in ("task", "interaction")},
            **{e: _same("tree", *EVERYDAY) for e in ("note", "document")},
            "product": _same("all", "view", "create", "change", "export"),
            "tag": _same("all", *EVERYDAY),
            "pipeline": _same("all", "view"),
            "saved_view": {**_same("own", *EVERYDAY), "share": "own"},
            "report": _same("tree", *EVERYDAY, "export"),
            "audit": _same("tree", "view"),
            "job": _same("own", "view"),
        },
    ),
    RoleStart(
        "SALES_REP", "Sales representative", "Works own customers, companies and deals.",
        cells={
            **{e: _same("own", *EVERYDAY, "export", "import") for e in ("customer", "company", "deal", "task", "interaction")},
            **{e: _same("own", *EVERYDAY) for e in ("note", "document")},
            **_VIEWS,
            "tag": _same("all", "view", "create"),
            **_OWN_VIEWS,
            "report": _same("own", *EVERYDAY, "export"),
        },
    ),
    RoleStart(
        "SUPPORT", "Support", "Sees every customer and company; works own tasks and interactions.",
        cells={
            **{e: _same("all", "view") for e in ("customer", "company")},
            **{e: _same("own", *EVERYDAY) for e in ("task", "interaction", "note", "document")},
            **_VIEWS,
            **_OWN_VIEWS,
        },
    ),
    RoleStart(
        "MARKETING", "Marketing", "Sees and exports every customer and company, and tags them.",
        cells={
            **{e: _same("all", "view", "export") for e in ("customer", "company")},
            **{e: _same("own", *EVERYDAY) for e in ("task", "interaction", "note", "document")},
            **_VIEWS,
            "tag": _same("all", *EVERYDAY),
            **_OWN_VIEWS,
            "report": _same("own", *EVERYDAY, "export"),
        },
    ),
    RoleStart("NEWCOMER", "Newcomer", "Has registered; may do nothing until someone gives another role."),
    RoleStart(
        "READ_ONLY", "Read only", "Sees everything of the business and changes nothing.",
        cells={
            **{e: _same("all", "view") for e in (*OWNED, "product", "pipeline", "tag", "report")},
            "job": _same("own", "view"),
        },
    ),
)
