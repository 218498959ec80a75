"""A year of a small sales team, invented from a seed and dated back from now."""

import random
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone
from django.utils.text import slugify

from communications.models import Interaction
from crm.accounts.models import User
from crm.demo import words
from crm.demo.dating import Chronicle, backdate
from crm.records.events import RecordCreated
from crm.records.models import Tag
from customers.models import Company, Customer, CustomerContact
from sales.models import Goal, Product
from tasks.events import TaskCompleted
from tasks.models import Task

SEED = 20260117
PLANS = ("soon", "today", "none", "late", "later")


def plan_for(number: int) -> str:
    """Return what is planned for the open deal of that number, so that a board shows every kind."""
    return PLANS[number % len(PLANS)]


class Story:
    """Makes companies, people, conversations and tasks; ``crm.demo.deals`` adds the deals."""

    def __init__(self, team: dict[str, User], chronicle: Chronicle) -> None:
        self.team = team
        self.chronicle = chronicle
        self.random = random.Random(SEED)  # noqa: S311
        self.now = timezone.now()
        self.sellers = [team["rep"], team["rep2"], team["rep"], team["rep2"], team["manager"], team["manager2"]]
        self.companies: list[Company] = []
        self.people: list[Customer] = []
        self.products: list[Product] = []
        self.born: dict[Any, datetime] = {}

    def ago(self, days: float) -> datetime:
        """Return a moment in working hours about so many days ago."""
        day = self.now - timedelta(days=days)
        moment = day.replace(hour=self.random.randint(8, 17), minute=self.random.randrange(60), second=0, microsecond=0)
        return min(moment, self.now - timedelta(minutes=self.random.randint(5, 90)))

    def tell_all(self) -> None:
        """Make everything but the deals."""
        self.tags = [Tag.objects.get_or_create(name=n, defaults={"hue": h})[0] for n, h in words.TAGS]
        self.products = Product.objects.bulk_create(
            Product(code=c, name=n, family=f, price=p, currency="USD", unit="piece") for c, n, f, p in words.PRODUCTS
        )
        self.make_companies()
        self.make_people()

    def make_companies(self) -> None:
        """Make the companies, parents first."""
        by_name: dict[str, Company] = {}
        for number, (name, domain, industry, employees, city, country, parent) in enumerate(words.COMPANIES):
            company = Company(
                name=name,
                domain=f"{domain}.example",
                website=f"https://{domain}.example",
                email=f"hello@{domain}.example",
                industry=industry,
                employees=employees,
                annual_revenue=Decimal(employees * self.random.randint(80, 260)) * 1000,
                address={"city": city, "country": country},
                source=self.random.choice(words.SOURCES),
                parent=by_name.get(parent),
                assigned_user=by_name[parent].assigned_user if parent else self.sellers[number % len(self.sellers)],
            )
            company.created_by = company.assigned_user
            by_name[name] = company
            self.born[company.pk] = self.ago(self.random.randint(200, 370))
        self.companies = list(by_name.values())
        Company.objects.bulk_create(c for c in self.companies if c.parent is None)
        Company.objects.bulk_create(c for c in self.companies if c.parent is not None)
        self._settle(Company, self.companies)

    def make_people(self) -> None:
        """Make two to five people at each company, and a few on their own."""
        names = [(first, last) for first in words.FIRST_NAMES for last in words.LAST_NAMES]
        self.random.shuffle(names)
        contacts = []
        for company in [*self.companies, *[None] * 12]:
            for place in range(self.random.randint(2, 5) if company else 1):
                first, last = names.pop()
                domain = company.domain if company else "mail.example"
                person = Customer(
                    first_name=first,
                    last_name=last,
                    email=f"{slugify(first)}.{slugify(last)}@{domain}",
                    phone=f"+4930{self.random.randint(1_000_000, 9_999_999)}",
                    company=company,
                    job_title=self.random.choice(words.JOBS) if company else "",
                    status=self._status(company, place),
                    source=self.random.choice(words.SOURCES),
                    score=self.random.randint(5, 95),
                    address=dict(company.address) if company else {},
                    assigned_user=company.assigned_user if company else self.random.choice(self.sellers),
                )
                person.created_by = person.assigned_user
                self.people.append(person)
                since = (self.now - self.born[company.pk]).days if company else 180
                self.born[person.pk] = self.ago(self.random.randint(1, max(2, since)))
                contacts.append(CustomerContact(customer=person, kind="EMAIL", value=person.email or "", is_primary=True))
                contacts.append(CustomerContact(customer=person, kind="PHONE", value=person.phone, is_primary=True))
        Customer.objects.bulk_create(self.people)
        CustomerContact.objects.bulk_create(contacts)
        tagged = [
            Customer.tags.through(customer_id=person.pk, tag_id=self.random.choice(self.tags).pk)
            for person in self.people
            if self.random.random() < 0.3
        ]
        Customer.tags.through.objects.bulk_create(tagged)
        self._settle(Customer, self.people)

    def _status(self, company: Company | None, place: int) -> str:
        if company is None:
            return "LEAD"
        if place == 0:
            return "CUSTOMER" if self.random.random() < 0.6 else "PROSPECT"
        return self.random.choice(["LEAD", "PROSPECT", "PROSPECT", "CUSTOMER", "INACTIVE"])

    def _settle(self, model: Any, records: list[Any]) -> None:
        """Date the records back, and tell that they were made."""
        backdate(model, {r.pk: (self.born[r.pk], self.born[r.pk]) for r in records})
        for record in records:
            event = RecordCreated(entity=str(model._meta.model_name), record_id=record.pk)
            company = getattr(record, "company_id", None)
            self.chronicle.tell(
                event, at=self.born[record.pk], about=record, user=record.assigned_user, subjects=[company]
            )

    def people_of(self, company: Company) -> list[Customer]:
        """Return the people who work at a company."""
        return [p for p in self.people if p.company_id == company.pk]

    # -- what was said and what is to be done ------------------------------------------------------

    def talk(self, deals: list[Any]) -> None:
        """Make the conversations of the year: along the deals, and some without one."""
        made: list[Interaction] = []
        for deal, first_day, last_day in deals:
            for _ in range(self.random.randint(2, 5)):
                at = self.ago(self.random.uniform(min(first_day, last_day), max(first_day, last_day)))
                made.append(self._interaction(deal.customer, at, deal.assigned_user, deal))
        for person in self.random.sample(self.people, 60):
            at = self.ago(self.random.uniform(0, 300))
            made.append(self._interaction(person, at, person.assigned_user, None))
        Interaction.objects.bulk_create(made)
        backdate(Interaction, {i.pk: (i.completed_at, i.completed_at) for i in made if i.completed_at})
        for i in made:
            assert i.completed_at is not None
            self.chronicle.tell(
                RecordCreated(entity="interaction", record_id=i.pk), at=i.completed_at, about=i, user=i.user,
                subjects=[i.customer_id, i.company_id, i.deal_id],
            )

    def _interaction(self, person: Customer, at: datetime, user: Any, deal: Any) -> Interaction:
        kind = self.random.choice(["EMAIL", "EMAIL", "CALL", "CALL", "MEETING", "SMS", "WEBSITE"])
        return Interaction(
            type_id=kind,
            subject=self.random.choice(words.TOPICS),
            content=self.random.choice(words.SAID),
            direction=self.random.choice(["INBOUND", "OUTBOUND"]),
            customer=person,
            company=person.company,
            deal=deal,
            user=user,
            completed_at=at,
            duration_seconds=self.random.randint(3, 55) * 60 if kind in ("CALL", "MEETING") else None,
            created_by=user,
        )

    def plan(self, deals: list[Any]) -> None:
        """Make the tasks: what was done for each deal, and what comes next: late, today, planned, or nothing at all."""
        made: list[Task] = []
        open_deals = 0
        for deal, first_day, last_day in deals:
            made.append(self._task(deal, self.random.uniform(max(last_day, 5), max(first_day, 6))))
            if deal.is_open:
                due = self._when(plan_for(open_deals))
                open_deals += 1
                if due is not None:
                    made.append(self._task(deal, due))
        for person in (self.team["admin"], *dict.fromkeys(self.sellers)):
            mine = [deal for deal, _first, _last in deals if deal.is_open and deal.assigned_user == person]
            for title, kind, when in words.ERRANDS:
                if when != "soon" or self.random.random() < 0.6:
                    about = self.random.choice(mine or [deal for deal, _first, _last in deals])
                    made.append(self._errand(person, about, title, kind, self._when(when)))
        routine = self._errand(self.team["manager"], None, "Go through the pipeline with the team", "MEETING", self._when("soon"))
        routine.repeat = Task.Repeat.WEEKLY
        made.append(routine)
        Task.objects.bulk_create(made)
        backdate(Task, {t.pk: (t.begun, t.completed_at or t.begun) for t in made})  # type: ignore[attr-defined]
        for t in made:
            subjects = [t.customer_id, t.company_id, t.deal_id]
            self.chronicle.tell(
                RecordCreated(entity="task", record_id=t.pk), at=t.begun, about=t, user=t.assigned_user,  # type: ignore[attr-defined]
                subjects=subjects,
            )
            if t.completed_at:
                done = TaskCompleted(
                    task_id=t.pk, owner_id=t.assigned_user_id, customer_id=t.customer_id, deal_id=t.deal_id, outcome=t.outcome
                )
                self.chronicle.tell(done, at=t.completed_at, about=t, user=t.assigned_user, subjects=subjects)

    def _when(self, plan: str) -> datetime | None:
        """Return a moment that a plan means; today it always lies ahead."""
        if plan == "today":
            midnight = self.now.replace(hour=23, minute=50, second=0, microsecond=0)
            return min(midnight, (self.now + timedelta(minutes=self.random.choice([45, 90, 150]))).replace(second=0, microsecond=0))
        days = {"late": (-4, -1), "soon": (1, 8), "later": (9, 25)}.get(plan)
        if days is None:
            return None
        day = self.now + timedelta(days=self.random.randint(*days))
        return day.replace(hour=self.random.randint(8, 16), minute=self.random.choice([0, 30]), second=0, microsecond=0)

    def _task(self, deal: Any, when: float | datetime) -> Task:
        """Return a task of a deal: done so many days ago, or due at a moment."""
        title, kind = self.random.choice(words.TASKS)
        open_due = when if isinstance(when, datetime) else None
        due = open_due or self.ago(float(when))  # type: ignore[arg-type]
        task = Task(
            title=title,
            type=kind,
            priority=self.random.choice(["LOW", "MEDIUM", "MEDIUM", "HIGH", "URGENT"]),
            status=self.random.choice(["PENDING", "PENDING", "IN_PROGRESS"]) if open_due else "COMPLETED",
            due_date=due,
            completed_at=None if open_due else due,
            outcome="" if open_due else "Done.",
            customer=deal.customer,
            company=deal.company,
            deal=deal,
            assigned_user=deal.assigned_user,
            created_by=deal.assigned_user,
        )
        task.begun = min(due, self.now) - timedelta(days=self.random.uniform(0.3, 6))  # type: ignore[attr-defined]
        return task

    def _errand(self, person: User, deal: Any, title: str, kind: str, due: datetime | None) -> Task:
        """Return an open task of a person, about a deal's people but no step of the deal."""
        task = Task(
            title=title, type=kind, priority="MEDIUM", status="PENDING", due_date=due, customer=deal.customer if deal else None,
            company=deal.company if deal else None, assigned_user=person, created_by=person,
        )
        task.begun = min(due or self.now, self.now) - timedelta(days=self.random.uniform(0.3, 3))  # type: ignore[attr-defined]
        return task

    def aim(self) -> None:
        """Set goals for those who sell."""
        for number, person in enumerate(dict.fromkeys(self.sellers)):
            Goal.objects.create(user=person, amount=Decimal((650_000, 550_000, 180_000, 160_000)[number % 4]))
