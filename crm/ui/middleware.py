"""The middleware of this package, under the names the settings use."""

from crm.ui.origin import HtmxMiddleware, LocaleFromProfileMiddleware, OriginMiddleware

__all__ = ["HtmxMiddleware", "LocaleFromProfileMiddleware", "OriginMiddleware"]
