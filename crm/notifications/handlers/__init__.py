"""What open pages and people are told when something happens."""

from crm.notifications.handlers import pages, people

__all__ = ["pages", "people"]
