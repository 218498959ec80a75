"""What can be done with imports."""

from crm.transfer.services.checking import check, discard
from crm.transfer.services.mappings import effective_mapping, settle, suggest
from crm.transfer.services.mending import mend
from crm.transfer.services.receiving import receive, reopen, require_import
from crm.transfer.services.running import carry_out, failed_rows

__all__ = [
    "carry_out",
    "check",
    "discard",
    "effective_mapping",
    "failed_rows",
    "mend",
    "receive",
    "reopen",
    "require_import",
    "settle",
    "suggest",
]
