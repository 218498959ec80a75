"""The architecture, drawn from the code: C4 context, containers and components in Mermaid.

``manage.py diagrams`` writes ``docs/architecture.md``; a test holds it current.
"""

import ast
from pathlib import Path

from django.apps import apps
from django.utils.module_loading import autodiscover_modules

from crm.activity.facts import all_facts, reactions_of
from crm.jobs.registry import QUEUES
from crm.operations import programs
from crm.records.entity import all_entities
from crm.records.fields import Kind

PLATFORM = "crm"
NOT_DRAWN = {"crm.testing", "crm.settings", "crm.urls", "crm.env", "crm.asgi", "crm.celery", "crm.adminsite"}
PURPOSES = {
    "web": "pages, API and live sockets",
    "worker": "short jobs and mail",
    "worker-bulk": "imports, exports and slow jobs",
    "relay": "hands committed facts to their reactions",
    "beat": "writes the jobs whose time has come",
}


def page(base: Path) -> str:
    """Return the whole of ``docs/architecture.md``."""
    # Whoever asks, and whatever is loaded by then: every fact and every reaction is known.
    autodiscover_modules("events", "handlers", "jobs")
    parts = [
        "# Architecture",
        "This page is made from the code by `manage.py diagrams` (`make docs`); edit the code, not the page.",
        "## Context",
        "Who uses Rapport, and what it talks to.",
        _fenced(context()),
        "## Containers",
        "The processes that `make run` starts; `docker-compose.yml` starts the same ones, with a proxy in front.",
        _fenced(containers(base)),
        "## Components",
        "The packages; an arrow means “imports”. Arrows that follow from others are left out. Imports point down.",
        _fenced(components(base)),
        "## Entities",
        "The nouns and their links, from their declarations.",
        _fenced(entities()),
        "## Facts and reactions",
        "What is announced, and who hears it.",
        facts(),
    ]
    return "\n\n".join(parts) + "\n"


def context() -> str:
    """Return the people around the system and the systems beside it."""
    return "\n".join(
        [
            "C4Context",
            '  Person(team, "Sales, marketing, support", "work with customers and deals in the browser")',
            '  Person(admin, "Administrator", "governs people, roles and settings")',
            '  System_Ext(scripts, "Scripts and other systems", "use the REST API")',
            f'  System(rapport, "Rapport", "{len(all_entities())} kinds of records, one log, one API")',
            '  System_Ext(mail, "Mail server", "carries invitations and messages")',
            '  Rel(team, rapport, "HTML, HTMX, WebSocket")',
            '  Rel(admin, rapport, "HTML")',
            '  Rel(scripts, rapport, "JSON, XML")',
            '  Rel(rapport, mail, "SMTP")',
        ]
    )


def containers(base: Path) -> str:
    """Return the processes, read from what the supervisor starts."""
    lines = ["C4Container", '  Person(people, "People and scripts")', '  System_Boundary(rapport, "Rapport") {']
    running = programs.application(base=base, logs=base)
    for program in running:
        lines.append(f'    Container({_id(program.name)}, "{program.name}", "Python", "{PURPOSES[program.name]}")')
    lines += [
        '    ContainerDb(postgres, "PostgreSQL", "18", "rows, log, jobs, outbox, sessions")',
        '    ContainerDb(valkey, "Valkey", "9", "cache, wake-ups, live channels; nothing promised")',
        "  }",
        '  Rel(people, web, "HTTP, WebSocket")',
    ]
    for program in running:
        lines.append(f'  Rel({_id(program.name)}, postgres, "SQL")')
        lines.append(f'  Rel({_id(program.name)}, valkey, "RESP")')
    lines.append(f"  %% queues: {', '.join(QUEUES)}")
    return "\n".join(lines)


# -- components -----------------------------------------------------------------------------------


def imports(base: Path) -> dict[str, set[str]]:
    """Return which package imports which, tests and migrations aside."""
    names = sorted({c.name for c in apps.get_app_configs() if (base / c.name.replace(".", "/")).is_dir()})
    known = set(names) | {f"crm.{p.parent.name}" for p in (base / PLATFORM).glob("*/__init__.py")}
    known -= NOT_DRAWN
    found: dict[str, set[str]] = {name: set() for name in sorted(known)}
    for name in found:
        for path in sorted((base / name.replace(".", "/")).rglob("*.py")):
            if {"tests", "migrations"} & set(path.relative_to(base).parts):
                continue
            for module in _imported(path):
                target = _package(module, known)
                if target and target != name:
                    found[name].add(target)
    return {name: targets for name, targets in found.items() if targets or any(name in t for t in found.values())}


def _imported(path: Path) -> list[str]:
    modules = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            modules += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            modules.append(node.module)
            modules += [f"{node.module}.{alias.name}" for alias in node.names]
    return modules


def _package(module: str, known: set[str]) -> str | None:
    parts = module.split(".")
    return next((name for name in (".".join(parts[:2]), parts[0]) if name in known), None)


def components(base: Path) -> str:
    """Return the packages and their imports, without the arrows that follow from others."""
    graph = imports(base)
    reach: dict[str, set[str]] = {}

    def below(name: str, trail: frozenset[str] = frozenset()) -> set[str]:
        if name not in reach:
            direct = graph.get(name, set()) - trail
            reach[name] = direct | {far for near in direct for far in below(near, trail | {name})}
        return reach[name]

    lines = ["flowchart TD"]
    for group, inside in (("domains", False), ("platform", True)):
        lines.append(f"  subgraph {group}")
        lines += [f'    {_id(name)}["{name}"]' for name in graph if name.startswith("crm.") == inside]
        lines.append("  end")
    for name, targets in graph.items():
        for target in sorted(targets):
            if not any(target in below(other) for other in targets - {target}):
                lines.append(f"  {_id(name)} --> {_id(target)}")
    return "\n".join(lines)


# -- entities, facts ------------------------------------------------------------------------------


def entities() -> str:
    """Return the entities and the links between them."""
    known = all_entities()
    lines = ["erDiagram"]
    for name in sorted(known):
        lines.append(f"  {name} {{")
        lines += [
            f"    {field.kind.lower()} {field.name}"
            for field in known[name].fields
            if field.writable and not field.computed and field.kind not in (Kind.LINK, Kind.USER)
        ]
        lines.append("  }")
    for name in sorted(known):
        for field in known[name].fields:
            target = "user" if field.kind == Kind.USER else field.link if field.kind == Kind.LINK else ""
            if target in known and not field.computed:
                lines.append(f'  {name} }}o--{"||" if field.required else "o|"} {target} : "{field.name}"')
    return "\n".join(lines)


def facts() -> str:
    """Return a table of the facts with who hears them."""
    lines = ["| fact | heard by |", "| --- | --- |"]
    for name in sorted(all_facts()):
        heard = sorted({reaction.name for reaction in reactions_of(name)})
        lines.append(f"| `{name}` | {', '.join(f'`{h}`' for h in heard) or 'nobody yet'} |")
    return "\n".join(lines)


def _id(name: str) -> str:
    return name.replace(".", "_").replace("-", "_")


def _fenced(diagram: str) -> str:
    return f"```mermaid\n{diagram}\n```"
