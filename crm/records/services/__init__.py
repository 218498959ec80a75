"""What can be done with any record."""

from crm.records.services.cleaning import clean
from crm.records.services.records import (
    archive_record,
    create_record,
    delete_record,
    restore_record,
    unarchive_record,
    update_record,
)

__all__ = [
    "archive_record",
    "clean",
    "create_record",
    "delete_record",
    "restore_record",
    "unarchive_record",
    "update_record",
]
