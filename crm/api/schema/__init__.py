"""The OpenAPI document, and the declarations that it is made from."""

from crm.api.schema.operations import Operation, Parameter, describe

__all__ = ["Operation", "Parameter", "describe"]
