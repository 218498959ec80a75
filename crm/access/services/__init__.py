"""What can be done with access: share a record, take a share back."""

from crm.access.services.shares import Share, share_record, shares_of, unshare_record

__all__ = ["Share", "share_record", "shares_of", "unshare_record"]
