"""What can be done with deals."""

from sales.services.deals import move_deal, reopen_deal

__all__ = ["move_deal", "reopen_deal"]
