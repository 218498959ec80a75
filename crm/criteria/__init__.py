"""Criteria: which records? One JSON tree, one compiler to SQL, one sentence in words."""

from crm.criteria.compiler import compile_criteria, matches
from crm.criteria.operators import COUNTS, MEASURES, Operator, operators_of
from crm.criteria.tree import VERSION, upgrades, validate
from crm.criteria.unknown import Unknown, unknown_to
from crm.criteria.vocabulary import Askable, Related, Type, Vocabulary, ask_about, vocabulary_of
from crm.criteria.words import describe, in_parts

__all__ = [
    "COUNTS",
    "MEASURES",
    "VERSION",
    "Askable",
    "Operator",
    "Related",
    "Type",
    "Unknown",
    "Vocabulary",
    "ask_about",
    "compile_criteria",
    "describe",
    "in_parts",
    "matches",
    "operators_of",
    "unknown_to",
    "upgrades",
    "validate",
    "vocabulary_of",
]
