"""Colour tokens: OKLCH in, hex and WCAG contrast out.

The palette is written here and nowhere else; ``write`` makes ``static/src/css/tokens.css`` of it, and refuses
to when a pair that must be readable is not.
"""

import math
from pathlib import Path

Colour = tuple[float, float, float] | str


def _rgb(lightness: float, chroma: float, hue: float) -> tuple[float, float, float]:
    angle = math.radians(hue)
    a, b = chroma * math.cos(angle), chroma * math.sin(angle)
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    middle = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * middle + 1.7076147010 * short,
    )


def _encode(value: float) -> float:
    value = min(1.0, max(0.0, value))
    return 12.92 * value if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055


def as_hex(colour: Colour) -> str:
    """Return the nearest sRGB colour: chroma is taken back, hue and lightness stay."""
    if isinstance(colour, str):
        return colour
    lightness, chroma, hue = colour
    while True:
        rgb = _rgb(lightness, chroma, hue)
        if chroma <= 0 or all(-0.0005 <= v <= 1.0005 for v in rgb):
            break
        chroma -= 0.002
    return "#" + "".join(f"{round(_encode(v) * 255):02x}" for v in rgb)


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Return the WCAG contrast ratio of two hex colours."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


LIGHT: dict[str, Colour] = {
    "canvas": (0.966, 0.0045, 95),
    "surface": "#ffffff",
    "sunken": (0.979, 0.003, 95),
    "raised": "#ffffff",
    "hover": (0.957, 0.004, 95),
    "pressed": (0.932, 0.005, 95),
    "line": (0.918, 0.005, 95),
    "line-strong": (0.868, 0.006, 95),
    "control": (0.64, 0.01, 225),
    "text": (0.245, 0.014, 225),
    "muted": (0.455, 0.014, 225),
    "subtle": (0.535, 0.013, 225),
    "accent": (0.468, 0.082, 192),
    "accent-hover": (0.415, 0.074, 192),
    "on-accent": "#ffffff",
    "accent-soft": (0.953, 0.022, 192),
    "accent-line": (0.855, 0.05, 192),
    "accent-text": (0.425, 0.075, 192),
    "focus": (0.56, 0.1, 192),
    "spark": (0.775, 0.135, 62),
    "selected": (0.966, 0.018, 192),
    "success": (0.5, 0.115, 152),
    "success-soft": (0.955, 0.028, 152),
    "success-text": (0.43, 0.1, 152),
    "warning": (0.76, 0.145, 72),
    "warning-soft": (0.962, 0.036, 85),
    "warning-text": (0.45, 0.095, 65),
    "danger": (0.545, 0.18, 26),
    "danger-soft": (0.953, 0.025, 22),
    "danger-text": (0.48, 0.165, 27),
    "info": (0.52, 0.13, 255),
    "info-soft": (0.953, 0.022, 255),
    "info-text": (0.45, 0.125, 257),
    "on-solid": "#ffffff",
    "scrim": (0.2, 0.02, 225),
}
DARK: dict[str, Colour] = {
    "canvas": (0.158, 0.007, 225),
    "surface": (0.198, 0.008, 225),
    "sunken": (0.178, 0.007, 225),
    "raised": (0.238, 0.01, 225),
    "hover": (0.245, 0.01, 225),
    "pressed": (0.285, 0.012, 225),
    "line": (0.275, 0.01, 225),
    "line-strong": (0.345, 0.012, 225),
    "control": (0.535, 0.014, 225),
    "text": (0.945, 0.005, 95),
    "muted": (0.765, 0.009, 225),
    "subtle": (0.672, 0.01, 225),
    "accent": (0.735, 0.108, 190),
    "accent-hover": (0.79, 0.105, 190),
    "on-accent": (0.185, 0.025, 200),
    "accent-soft": (0.285, 0.042, 195),
    "accent-line": (0.4, 0.062, 192),
    "accent-text": (0.815, 0.098, 188),
    "focus": (0.735, 0.115, 190),
    "spark": (0.8, 0.13, 65),
    "selected": (0.25, 0.032, 195),
    "success": (0.745, 0.145, 152),
    "success-soft": (0.28, 0.048, 152),
    "success-text": (0.825, 0.12, 152),
    "warning": (0.81, 0.14, 78),
    "warning-soft": (0.295, 0.048, 75),
    "warning-text": (0.85, 0.11, 82),
    "danger": (0.705, 0.16, 25),
    "danger-soft": (0.285, 0.065, 25),
    "danger-text": (0.8, 0.11, 22),
    "info": (0.725, 0.12, 252),
    "info-soft": (0.285, 0.055, 255),
    "info-text": (0.815, 0.085, 252),
    "on-solid": (0.185, 0.02, 225),
    "scrim": (0.08, 0.01, 225),
}
# The ten hues of categories, and slate for what has none.
HUES = {
    "coral": 25, "apricot": 58, "amber": 85, "olive": 122, "green": 152,
    "teal": 190, "sky": 228, "blue": 262, "violet": 300, "pink": 350,
}
for _name, _hue in HUES.items():
    LIGHT |= {f"{_name}-soft": (0.938, 0.03, _hue), f"{_name}-ink": (0.435, 0.105, _hue), _name: (0.64, 0.135, _hue)}
    DARK |= {f"{_name}-soft": (0.3, 0.05, _hue), f"{_name}-ink": (0.85, 0.085, _hue), _name: (0.72, 0.13, _hue)}
LIGHT |= {"slate-soft": (0.932, 0.005, 225), "slate-ink": (0.435, 0.014, 225), "slate": (0.62, 0.012, 225)}
DARK |= {"slate-soft": (0.3, 0.012, 225), "slate-ink": (0.85, 0.01, 225), "slate": (0.66, 0.012, 225)}


def pairs() -> list[tuple[str, str, float]]:
    """Return what must be readable on what: foreground, background, least ratio."""
    grounds = ("canvas", "surface", "sunken", "raised", "hover")
    found = [(ink, ground, 4.5) for ink in ("text", "muted", "subtle") for ground in grounds]
    found += [(ink, ground, 4.5) for ink in ("text", "muted") for ground in ("selected", "pressed")]
    found += [("on-accent", "accent", 4.5), ("on-accent", "accent-hover", 4.5)]
    found += [("accent-text", ground, 4.5) for ground in ("surface", "canvas", "accent-soft", "selected")]
    for tone in ("success", "warning", "danger", "info"):
        found += [(f"{tone}-text", ground, 4.5) for ground in ("surface", f"{tone}-soft", "canvas")]
    for tone in ("danger", "success", "info"):
        found += [("on-solid", tone, 4.5), (tone, "surface", 3.0)]
    found += [("control", ground, 3.0) for ground in ("surface", "sunken", "canvas")]
    found += [("focus", ground, 3.0) for ground in ("surface", "canvas", "sunken", "raised")]
    for hue in (*HUES, "slate"):
        found += [(f"{hue}-ink", f"{hue}-soft", 4.5), (hue, "surface", 3.0)]
    return found


def unreadable() -> list[str]:
    """Return a sentence for each pair under its ratio, in either theme."""
    found = []
    for theme, palette in (("light", LIGHT), ("dark", DARK)):
        for ink, ground, least in pairs():
            ratio = contrast(as_hex(palette[ink]), as_hex(palette[ground]))
            if ratio < least:
                found.append(f"{ink} on {ground} ({theme}): {ratio:.2f}, needs {least}")
    return found


def css() -> str:
    """Return the style sheet of the tokens, light and dark."""
    light, dark = (
        "\n".join(f"  --{name}: {as_hex(colour)};" for name, colour in palette.items()) for palette in (LIGHT, DARK)
    )
    light = f"  color-scheme: light;\n{light}\n  --shadow-rgb: 38 44 46; --shadow-k: 1;"
    dark = f"  color-scheme: dark;\n{dark}\n  --shadow-rgb: 0 0 0; --shadow-k: 3.2;"
    return (
        "/* Written by crm/ui/build/tokens.py: change the OKLCH values there. */\n"
        f":root, html[data-theme='light'] {{\n{light}\n}}\n"
        f"@media (prefers-color-scheme: dark) {{ :root:not([data-theme='light']) {{\n{dark}\n}} }}\n"
        f"html[data-theme='dark'] {{\n{dark}\n}}\n"
    )


def write(file: Path) -> None:
    """Write the style sheet; refuse when something would be unreadable."""
    bad = unreadable()
    if bad:
        raise ValueError("Too little contrast: " + "; ".join(bad))
    if not file.is_file() or file.read_text(encoding="utf-8") != css():
        file.write_text(css(), encoding="utf-8")
