"""Records: every business noun is declared once, and everything reads that declaration."""
