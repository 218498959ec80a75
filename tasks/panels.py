"""What tasks bring to the pages of others: the next step on a deal's card."""

from tasks.selectors import next_steps

__all__ = ["next_steps"]
