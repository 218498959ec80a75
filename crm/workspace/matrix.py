"""The roles that every installation starts with, and what they may do."""

from dataclasses import dataclass, field

from crm.access.rights import SCOPES

OWNED = ("customer", "company", "deal", "task", "interaction", "note", "document")
EVERYDAY = ("view", "create", "change", "delete")
GOVERNED = ("create", "change", "delete")
ACTIONS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("customer", "company", "deal"), (*EVERYDAY, "assign", "export", "import", "merge", "share")),
    **dict.fromkeys(("task", "interaction"), (*EVERYDAY, "assign", "export", "import")),
    **dict.fromkeys(("note", "document"), (*EVERYDAY, "export")),
    "product": (*EVERYDAY, "export", "import"),
    **dict.fromkeys(("tag", "pipeline"), GOVERNED),
    "user": (*GOVERNED, "import", "manage"),
    "team": (*GOVERNED, "import"),
    **dict.fromkeys(("role", "custom_field"), GOVERNED),
    "settings": ("change",),
    "saved_view": ("share",),
    "report": ("view",),
    "audit": ("view", "export", "manage"),
    "job": ("view", "manage"),
}
"""The rows of the matrix and the actions that mean something in each."""

READ_BY_ALL = frozenset({"tag", "pipeline", "user", "team", "role", "custom_field", "settings"})
"""What everybody who signs in reads, since every page needs it; views of one's own are one's own."""

SCOPES_BY_OWNER = frozenset({*OWNED, "audit", "job"})
"""Rows with an owner, where a scope between none and all makes sense."""

WHETHER = frozenset({"create", "import", "manage"})
"""Actions that one may do or not, whatever the scope is called: there is no record yet whose owner could count."""

UNCONDITIONAL = frozenset({"import", "manage"})
"""Actions that are not done to one record, so that no condition can be asked of it."""


def scopes_of(entity: str) -> tuple[str, ...]:
    """Return the scopes that mean something for a row. Views are shared with nobody, with the team, or with all."""
    if entity == "saved_view":
        return ("none", "team", "all")
    return SCOPES if entity in SCOPES_BY_OWNER else ("none", "all")


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


_EVERYBODY = {"product": _same("all", "view"), "report": _same("all", "view"), "job": _same("own", "view")}
_SHARES_VIEWS = {"saved_view": _same("all", "share")}

ROLES = (
    RoleStart("ADMIN", "Administrator", "Everything, settings and people included.", is_admin=True),
    RoleStart(
        "SALES_MANAGER", "Sales manager", "Leads a team: sees and works what the team and the teams below own.",
        cells={
            **{e: _same("tree", *EVERYDAY, "assign", "export", "import", "merge", "share") for e in ("customer", "company", "deal")},
            **{e: _same("tree", *EVERYDAY, "assign", "export", "import") for e in ("task", "interaction")},
            **{e: _same("tree", *EVERYDAY) for e in ("note", "document")},
            "product": _same("all", "view", "create", "change", "export"),
            "tag": _same("all", *GOVERNED),
            **_SHARES_VIEWS,
            "report": _same("all", "view"),
            "audit": _same("tree", "view"),
            "job": _same("own", "view"),
        },
    ),
    RoleStart(
        "SALES_REP", "Sales representative", "Works own customers, companies and deals.",
        cells={
            **{e: _same("own", *EVERYDAY, "export", "import") for e in ("customer", "company", "deal", "task", "interaction")},
            **{e: _same("own", *EVERYDAY) for e in ("note", "document")},
            **_EVERYBODY,
            "tag": _same("all", "create"),
            **_SHARES_VIEWS,
        },
    ),
    RoleStart(
        "SUPPORT", "Support", "Sees every customer and company; works own tasks and interactions.",
        cells={
            **{e: _same("all", "view") for e in ("customer", "company")},
            **{e: _same("own", *EVERYDAY) for e in ("task", "interaction", "note", "document")},
            **_EVERYBODY,
            **_SHARES_VIEWS,
        },
    ),
    RoleStart(
        "MARKETING", "Marketing", "Sees and exports every customer and company, and tags them.",
        cells={
            **{e: _same("all", "view", "export") for e in ("customer", "company")},
            **{e: _same("own", *EVERYDAY) for e in ("task", "interaction", "note", "document")},
            **_EVERYBODY,
            "tag": _same("all", *GOVERNED),
            **_SHARES_VIEWS,
        },
    ),
    RoleStart("NEWCOMER", "Newcomer", "Has registered; may do nothing until someone gives another role."),
    RoleStart(
        "READ_ONLY", "Read only", "Sees everything of the business and changes nothing.",
        cells={
            **{e: _same("all", "view") for e in OWNED},
            **_EVERYBODY,
        },
    ),
)
