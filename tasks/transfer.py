"""What tasks lend to imports: the words that other programs use for their state, weight and kind."""

from crm.transfer.adapters import Adapter, register


def _words(**of: str) -> dict[str, str]:
    return {phrase: value for value, text in of.items() for phrase in text.split(", ")}


class TaskTransfer(Adapter):
    """A task without an id is known by its title, its day and whom it is about."""

    entity = "task"
    nouns = ("to do", "todo", "case", "ticket")
    files = ("activities", "to dos")
    essential = ("due_date", "priority", "status", "type")
    natural = ("due_date", "customer", "company", "deal")
    meanings = {
        "status": _words(
            PENDING="not started, open, new, todo, to do, planned, deferred, waiting, waiting on someone else, scheduled, offen, neu, nicht begonnen, "
                    "pendiente, a faire, da fare, not done, incomplete, upcoming",
            IN_PROGRESS="in progress, started, working, active, doing, in arbeit, in bearbeitung, en cours, en curso, in corso",
            COMPLETED="completed, complete, done, closed, finished, held, erledigt, abgeschlossen, fertig, termine, fait, completado, "
                      "hecho, completato, true, yes",
            CANCELLED="cancelled, canceled, not held, rejected, abgebrochen, storniert, annule, cancelado, annullato",
        ),
        "priority": _words(
            LOW="low, lowest, minor, niedrig, gering, basse, baja, bassa, none", MEDIUM="normal, medium, moderate, default, mittel, moyenne, normale, media",
            HIGH="high, important, major, hoch, wichtig, haute, alta", URGENT="urgent, critical, highest, immediate, very high, dringend, kritisch, urgente",
        ),
        "type": _words(
            FOLLOW_UP="call, e mail, email, phone call, follow up, followup, to do, todo, task, anruf, appel, other, linkedin, letter",
            MEETING="meeting, event, appointment, visit, lunch, besprechung, treffen, termin, rendez vous, reunion", DEMO="demo, demonstration, presentation",
            PROPOSAL="proposal, quote, offer, angebot", CONTRACT="contract, signature, vertrag", SUPPORT="support, case, ticket, issue, service",
        ),
    }


register(TaskTransfer())
