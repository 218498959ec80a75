"""Hot components as plain template tags."""

from django import template

register = template.Library()
