"""What is timed, and what it may cost on two cores with 100,000 customers (one request at a time, then eight at once)."""

import uuid
from collections.abc import Sequence
from typing import Any

import httpx

from crm.operations.bench.measure import Case


def cases(ids: dict[str, Sequence[Any]]) -> list[Case]:
    """Return the cases; ``ids`` has record ids of each kind to walk through, so that no answer is a repeated one."""

    def page(path: str) -> Any:
        return lambda client, n: client.get(path)

    def record(plural: str) -> Any:
        known = ids[plural]
        return lambda client, n: client.get(f"/{plural}/{known[n % len(known)]}")

    def search(client: httpx.Client, n: int) -> httpx.Response:
        return client.get("/search", params={"q": ("northgate", "kestrel linden", "ana falconson", "person77")[n % 4]})

    def create(client: httpx.Client, n: int) -> httpx.Response:
        body = {"first_name": "Bench", "last_name": "Person", "email": f"{uuid.uuid4().hex}@bench.example"}
        return client.post("/api/v1/customers", json=body)

    def move(client: httpx.Client, n: int) -> httpx.Response:
        deals, stages = ids["deals"], ids["stages"]
        return client.put(f"/api/v1/deals/{deals[n % len(deals)]}/stage", json={"stage": str(stages[n // len(deals) % len(stages)])})

    return [
        Case("List of customers", page("/customers"), 25, 50, 60),
        Case("List of deals", page("/deals?layout=table"), 25, 50),
        Case("Customer page", record("customers"), 25, 50, 80),
        Case("Deal page", record("deals"), 25, 50),
        Case("Tasks", page("/tasks"), 25, 50),
        Case("Board", page("/deals"), 35, 70, 40),
        Case("Search", search, 15, 40),
        Case("API list of 20", lambda client, n: client.get("/api/v1/customers"), 8, 20, 200),
        Case("API create", create, 12, 30),
        Case("API stage change", move, 10, 25),
    ]
