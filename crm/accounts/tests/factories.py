"""Users, roles and teams for tests."""

from typing import Any

import factory
from django.contrib.auth.models import Group
from factory.django import DjangoModelFactory

from crm.accounts.models import FieldRight, Role, RolePermission, Team, User


class RoleFactory(DjangoModelFactory[Role]):
    """A role that allows nothing; ``RoleFactory(may={("customer", "view"): "own"})`` allows that."""

    class Meta:
        model = Role
        skip_postgeneration_save = True

    code = factory.Sequence(lambda n: f"ROLE_{n}")
    name = factory.Sequence(lambda n: f"Role {n}")

    @factory.post_generation
    def may(self: Any, create: bool, extracted: Any, **kwargs: Any) -> None:
        """Fill cells of the matrix: ``{(entity, action): scope}``."""
        for (entity, action), scope in (extracted or {}).items():
            RolePermission.objects.create(role=self, entity=entity, action=action, scope=scope)

    @factory.post_generation
    def fields(self: Any, create: bool, extracted: Any, **kwargs: Any) -> None:
        """Set field rights: ``{(entity, field): level}``."""
        for (entity, name), level in (extracted or {}).items():
            FieldRight.objects.create(role=self, entity=entity, field=name, level=level)


class TeamFactory(DjangoModelFactory[Team]):
    """A team with the group that carries its shares."""

    class Meta:
        model = Team

    name = factory.Sequence(lambda n: f"Team {n}")
    group = factory.LazyAttribute(lambda o: Group.objects.get_or_create(name=o.name)[0])


class UserFactory(DjangoModelFactory[User]):
    """An active user with a role of its own that allows nothing, and no password."""

    class Meta:
        model = User

    email = factory.Sequence(lambda n: f"user{n}@rapport.example")
    first_name = factory.Sequence(lambda n: f"User{n}")
    last_name = "Example"
    role = factory.SubFactory(RoleFactory)
    password = "!"
