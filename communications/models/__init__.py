"""What was said: interactions with customers, on every channel."""

from communications.models.interaction import CallLog, Interaction, InteractionType, MeetingNote

__all__ = ["CallLog", "Interaction", "InteractionType", "MeetingNote"]
