"""Fault drills: an installation of its own is started, hurt, and watched while it recovers (``make drills``)."""
