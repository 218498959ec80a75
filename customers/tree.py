"""The tree around a person or company: what stands above, what belongs to it, who it is connected with. Drawn as SVG."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from crm.access.policy import visible_to
from crm.records.entity import entity_of
from customers.models import Company, Customer

ABOVE, BELOW, PEOPLE = 5, 12, 8
WIDTH, ROW, INDENT, BOX = 560, 54, 34, 44


@dataclass
class Node:
    """A box of the tree: what it is, its word, and what hangs below it."""

    title: str
    word: str
    url: str = ""
    below: list["Node"] = field(default_factory=list)
    x: int = 0
    y: int = 0

    @property
    def width(self) -> int:
        """Return how wide the box may be."""
        return WIDTH - self.x

    @property
    def shown(self) -> str:
        """Return as much of the title as there is room for."""
        most = self.width // 9
        return self.title if len(self.title) <= most else f"{self.title[: most - 1]}…"

    @property
    def middle(self) -> int:
        """Return the height of the middle of the box."""
        return self.y + BOX // 2


@dataclass(frozen=True)
class Tree:
    """The boxes from top to bottom, and the lines between them."""

    nodes: list[Node]
    lines: list[str]
    width: int
    height: int


def tree_of(obj: Any, user: Any, relations: Iterable[dict[str, Any]]) -> Tree | None:
    """Return the tree around ``obj`` as far as the user sees it; None where it stands alone. ``relations`` are told from its side."""
    here = Node(str(obj), str(entity_of(obj).label))
    top = here
    if isinstance(obj, Company):
        below = visible_to(user, Company).filter(parent=obj).order_by("sort_key")[:BELOW]
        here.below += [_node(c, _("Subsidiary")) for c in below]
        above = _seen(user, Company, obj.parent_id)
        for _level in range(ABOVE):
            if above is None:
                break
            top = Node(str(above), _("Parent company"), entity_of(above).url(above), [top])
            above = _seen(user, Company, above.parent_id)
    elif (company := _seen(user, Company, obj.company_id)) is not None:
        top = Node(str(company), _("Company"), entity_of(company).url(company), [here])
    here.below += [Node(str(r["other"]), str(r["row"].get_kind_display()), r["url"]) for r in list(relations)[:BELOW]]
    if isinstance(obj, Company):
        people = visible_to(user, Customer).filter(company=obj, archived_at=None).order_by("sort_key")[:PEOPLE]
        here.below += [_node(p, p.job_title or _("Person")) for p in people]
    if top is here and not here.below:
        return None
    return _laid_out(top)


def _laid_out(top: Node) -> Tree:
    nodes: list[Node] = []
    lines: list[str] = []

    def place(node: Node, level: int) -> None:
        node.x, node.y = level * INDENT, len(nodes) * ROW
        nodes.append(node)
        for child in node.below:
            place(child, level + 1)
            lines.append(f"M{node.x + 16} {node.y + BOX}V{child.middle}H{child.x}")

    place(top, 0)
    return Tree(nodes, lines, WIDTH, len(nodes) * ROW)


def _node(obj: Any, word: str) -> Node:
    return Node(str(obj), word, entity_of(obj).url(obj))


def _seen(user: Any, model: type[Any], pk: Any) -> Any:
    return visible_to(user, model).filter(pk=pk).first() if pk else None
