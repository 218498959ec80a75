"""What is timed, and what it may cost on two cores with 100,000 customers (one request at a time, then eight at once)."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from crm.operations.bench.measure import Case, Client

WORDS = ("northgate", "kestrel linden", "ana falconson", "person77")


@dataclass
class Known:
    """Records to walk through, so that no answer is a repeated one, and where each deal stands."""

    customers: Sequence[Any]
    deals: Sequence[Any]
    stages: Sequence[Any]
    standing: dict[Any, Any] = field(default_factory=dict)

    def next_stage(self, deal: Any) -> Any:
        """Return the stage after the one that a deal stands in, so that every move is one."""
        at = self.stages.index(self.standing[deal]) if self.standing[deal] in self.stages else -1
        self.standing[deal] = self.stages[(at + 1) % len(self.stages)]
        return self.standing[deal]


def cases(known: Known) -> list[Case]:
    """Return the cases."""

    def page(path: str) -> Any:
        return lambda client, n: client.get(path)

    def record(plural: str, of: Sequence[Any]) -> Any:
        return lambda client, n: client.get(f"/{plural}/{of[n % len(of)]}")

    def search(client: Client, n: int) -> bytes:
        return client.get(f"/search?{urlencode({'q': WORDS[n % 4]})}")

    def create(client: Client, n: int) -> bytes:
        body = {"first_name": "Bench", "last_name": "Person", "email": f"{uuid.uuid4().hex}@bench.example"}
        return client.send("POST", "/api/v1/customers", body)

    def move(client: Client, n: int) -> bytes:
        deal = known.deals[n % len(known.deals)]
        return client.send("PUT", f"/api/v1/deals/{deal}/stage", {"stage": str(known.next_stage(deal))})

    return [
        Case("List of customers", page("/customers"), 25, 50, 60),
        Case("List of deals", page("/deals?layout=table"), 25, 50),
        Case("Customer page", record("customers", known.customers), 25, 50, 80),
        Case("Deal page", record("deals", known.deals), 25, 50),
        Case("Tasks", page("/tasks"), 25, 50),
        Case("Board", page("/deals?layout=board&lanes="), 35, 70, 40),
        Case("Search", search, 15, 40),
        Case("Home", page("/"), 25, 50),
        Case("Palette", page("/palette?q=falcon"), 15, 40),
        Case("List of companies", page("/companies"), 25, 50),
        Case("List of interactions", page("/interactions"), 25, 50),
        Case("Customers by company", page("/customers?sort=company"), 25, 50),
        Case("Customers grouped by owner", page("/customers?group=assigned_user"), 25, 50),
        Case("Board by close month", page("/deals?layout=board&lanes=month"), 35, 70),
        Case("Forecast", page("/deals?layout=forecast"), 35, 70),
        Case("As a rep: list of customers", page("/customers"), 25, 50),
        Case("As a rep: board", page("/deals?layout=board&lanes="), 35, 70),
        Case("As a rep: search", search, 15, 40),
        Case("As a rep: home", page("/"), 25, 50),
        Case("As a rep: tasks", page("/tasks"), 25, 50),
        Case("API list of 20", page("/api/v1/customers"), 8, 20, 200),
        Case("API create", create, 12, 30),
        Case("API stage change", move, 10, 25),
    ]
