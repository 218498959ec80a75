"""The font of a first page: Inter's Latin letters with the weights, signs and features that we use, cut from its package."""

import logging
from io import BytesIO
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont
from fontTools.varLib import instancer

SOURCE = "node_modules/@fontsource-variable/inter/files/inter-latin-wght-normal.woff2"
WEIGHTS = (400, 700)
FEATURES = ("kern", "tnum", "mark", "ccmp")
"""What is left out: contextual alternates (``calt``) alone weigh four kilobytes, a fifth of the rest."""
SIGNS: tuple[tuple[int, int], ...] = (
    (0x0000, 0x00FF), (0x0131, 0x0131), (0x0152, 0x0153), (0x02BB, 0x02BC), (0x02C6, 0x02C6), (0x02DA, 0x02DA), (0x02DC, 0x02DC),
    (0x0304, 0x0304), (0x0308, 0x0308), (0x0329, 0x0329), (0x2000, 0x206F), (0x20AC, 0x20AC), (0x2122, 0x2122), (0x2190, 0x2193),
    (0x2212, 0x2212), (0x2215, 0x2215), (0xFEFF, 0xFEFF), (0xFFFD, 0xFFFD),
)
"""Letters of Western Europe, typographic signs, and the arrows; what else there is has files of its own (``fonts.css``)."""


def cut(source: Path, target: Path) -> None:
    """Write the part of a variable font that a first page needs, as WOFF2."""
    logging.getLogger("fontTools").setLevel(logging.WARNING)
    narrowed = BytesIO()
    instancer.instantiateVariableFont(TTFont(source), {"wght": WEIGHTS}).save(narrowed)
    font = TTFont(narrowed)
    options = subset.Options()
    options.layout_features = list(FEATURES)
    options.flavor = "woff2"
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=[sign for first, last in SIGNS for sign in range(first, last + 1)])
    cutter.subset(font)
    target.parent.mkdir(parents=True, exist_ok=True)
    subset.save_font(font, target, options)
