"""Phone numbers in one form: E.164 where a number is valid in its region, otherwise the text as it was written."""

import re
from functools import lru_cache
from typing import NamedTuple

import phonenumbers
from phonenumbers.phonemetadata import PhoneMetadata

# Nothing here can be an extension, a second number or a word: only how people group digits.
_PLAIN = re.compile(r"(\+?)[0-9 ().\-/]{3,}", re.ASCII)
_MARKS = str.maketrans("", "", "+ ().-/")


class _Region(NamedTuple):
    """What tells a valid number of a region from others."""

    leading: re.Pattern[str] | None
    """How all numbers of a region begin that shares its code with others."""
    shape: tuple[tuple[int, ...], re.Pattern[str]]
    kinds: tuple[tuple[tuple[int, ...], re.Pattern[str]], ...]

    def holds(self, national: str, size: int) -> bool:
        """Tell whether a number is one of this region, of whatever kind."""
        sizes, pattern = self.shape
        if (sizes and size not in sizes) or not pattern.fullmatch(national):
            return False
        return any(pattern.fullmatch(national) for sizes, pattern in self.kinds if not sizes or size in sizes)


class _Code(NamedTuple):
    """A country code: how its numbers are dialled, and the regions that share it."""

    code: str
    prefix: re.Pattern[str]
    """What may stand before a national number: then it has to be taken apart."""
    abroad: re.Pattern[str] | None
    regions: tuple[_Region, ...]

    def valid(self, national: str) -> bool:
        """Tell whether a national number is one of any of its regions."""
        size = len(national)
        for region in self.regions:
            if region.leading is None:
                if region.holds(national, size):
                    return True
            elif region.leading.match(national):
                return region.holds(national, size)
        return False


def standard_phone(text: str, region: str) -> str:
    """Return E.164 (with ``;ext=`` for an extension) where the text is a valid number; otherwise the text itself."""
    told = _told_at_once(text, region)
    return _parsed(text, region) if told is None else told


@lru_cache(maxsize=20_000)
def readable_phone(text: str) -> str:
    """Return a stored number as people read it, in the international format; anything else as it is."""
    if not text.startswith("+"):
        return text
    try:
        number = phonenumbers.parse(text.partition(";")[0], None)
    except phonenumbers.NumberParseException:
        return text
    if not phonenumbers.is_possible_number(number):
        return text
    extension = text.partition(";ext=")[2]
    shown = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    return f"{shown} × {extension}" if extension else shown


def _parsed(text: str, region: str) -> str:
    try:
        number = phonenumbers.parse(text, None if text.startswith("+") else region)
    except phonenumbers.NumberParseException:
        return text
    if not phonenumbers.is_valid_number(number):
        return text
    formatted = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return f"{formatted};ext={number.extension}" if number.extension else formatted


def _told_at_once(text: str, region: str) -> str | None:
    """Return what ``_parsed`` would, for numbers without anything to interpret: ten times faster. None when unsure."""
    plain = _PLAIN.fullmatch(text)
    if plain is None:
        return None
    digits = text.translate(_MARKS)
    if plain[1]:
        code = "" if digits[:1] == "0" else next((c for n in (1, 2, 3) if int(c := digits[:n]) in phonenumbers.COUNTRY_CODE_TO_REGION_CODE), "")
        found = _code(int(code), "") if code else None
        national = digits[len(code) :]
    else:
        found, national = _code(phonenumbers.country_code_for_region(region), region), digits
        if found is None or found.abroad is None or found.abroad.match(national) or national.startswith(found.code):
            return None
    if found is None or not national or national[0] == "0" or found.prefix.match(national):
        return None
    return f"+{found.code}{national}" if found.valid(national) else text


@lru_cache(maxsize=300)
def _code(code: int, region: str) -> _Code | None:
    """Return what is known of a country code, dialled from a region of it; None where numbers of it must be taken apart."""
    names = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(code, ())
    known = [PhoneMetadata.metadata_for_region(name, None) for name in names]
    if not known or any(about is None or about.general_desc is None or not about.general_desc.national_number_pattern for about in known):
        return None
    main = known[names.index(region) if region else 0]
    return _Code(
        str(code), re.compile(main.national_prefix_for_parsing or main.national_prefix or r"(?!)"),
        re.compile(main.international_prefix) if main.international_prefix else None, tuple(_region(about) for about in known),
    )


def _region(about: PhoneMetadata) -> _Region:
    kinds = (about.fixed_line, about.mobile, about.toll_free, about.premium_rate, about.shared_cost, about.voip,
             about.personal_number, about.pager, about.uan, about.voicemail)
    return _Region(
        re.compile(about.leading_digits) if about.leading_digits else None,
        (tuple(about.general_desc.possible_length), re.compile(about.general_desc.national_number_pattern)),
        tuple((tuple(d.possible_length), re.compile(d.national_number_pattern)) for d in kinds if d is not None and d.national_number_pattern),
    )
