"""The envelope: every success and every error has one shape, in JSON and in XML."""

import pytest

pytestmark = pytest.mark.django_db


def test_a_record_from_birth_to_trash(api, rep):
    client = api(rep)
    made = client.post("/api/v1/customers", {"first_name": "Ada", "last_name": "Byron", "email": "ada@example.com"})
    assert made.status_code == 201, made.content
    body = made.json()
    assert body["success"] is True
    data = body["data"]
    assert made["Location"].endswith(data["id"])
    assert {"id", "created_at", "updated_at", "version", "custom"} <= data.keys()
    assert data["assigned_user"] == {"id": str(rep.pk), "name": rep.name}
    assert data["created_at"].endswith("Z")
    assert data["lifetime_value"] == "0.00"
    address = f"/api/v1/customers/{data['id']}"
    again = client.get(address)
    assert again.json()["data"] == data
    put = client.put(address, data)
    assert put.status_code == 200, put.content
    changed = client.patch(address, {"status": "CUSTOMER", "tags": ["vip"]})
    assert changed.json()["data"]["tags"] == ["vip"]
    assert changed.json()["data"]["version"] == 2
    listed = client.get("/api/v1/customers?status=CUSTOMER&tags=vip&assigned_user=me").json()
    assert [r["id"] for r in listed["data"]] == [data["id"]]
    assert listed["metadata"]["pagination"] == {
        "page": 1, "limit": 20, "total": 1, "pages": 1, "next": None, "previous": None,
    }
    assert client.delete(address).status_code == 204
    assert client.get(address).status_code == 404
    assert client.post(f"{address}/restore").status_code == 200
    assert client.get(address).status_code == 200


def test_every_operation_documents_what_any_address_may_answer(api):
    paths = api(None).get("/api/v1/schema").json()["paths"]
    operations = [(path, method, o) for path, item in paths.items() for method, o in item.items()]
    assert len(operations) > 300
    bare = [(path, method) for path, method, o in operations if not {"400", "405", "406", "414", "429", "500", "503"} <= set(o["responses"])]
    assert bare == []
    assert len({o["operationId"] for _p, _m, o in operations}) == len(operations)
