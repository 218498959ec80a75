"""What can be done with imports."""

from crm.transfer.services.checking import check, discard
from crm.transfer.services.mappings import answered, effective_mapping, is_remembered, settle, suggest
from crm.transfer.services.mending import mend
from crm.transfer.services.receiving import importable_by, open_another_way, receive, reopen, require_import
from crm.transfer.services.running import carry_out, failed_rows

__all__ = [
    "answered",
    "carry_out",
    "check",
    "discard",
    "effective_mapping",
    "failed_rows",
    "importable_by",
    "is_remembered",
    "mend",
    "open_another_way",
    "receive",
    "reopen",
    "require_import",
    "settle",
    "suggest",
]
