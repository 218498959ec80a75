"""What holds for the whole installation."""

from crm.workspace.models.workspace import ExchangeRate, Workspace

__all__ = ["ExchangeRate", "Workspace"]
