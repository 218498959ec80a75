"""Words that stand for yes, for no, and for nothing at all, in the languages that exports are written in."""

_YES = (
    "true yes y t 1 1.0 on x ✓ ✔ ☑ ok enabled active checked ja j wahr aktiv oui o vrai actif sí si s verdadero activo sì vero attivo sim verdadeiro "
    "ativo waar actief tak t prawda aktywny да д истина так yes はい 是 有 真 예 네 evet doğru ano igen kyllä kylla sand sant tosi da"
)
_NO = (
    "false no n f 0 0.0 off ✗ ✘ ☐ disabled inactive unchecked nein falsch inaktiv non faux inactif falso inactivo inattivo não nao inativo nee "
    "onwaar inactief nie fałsz falsz nieaktywny нет н ложь ні いいえ 否 无 無 假 아니요 hayır hayir yanlış ne nem ei nej nei falsk usant"
)
TRUE = frozenset(_YES.split())
FALSE = frozenset(_NO.split())
NOTHING = frozenset({
    "-", "--", "---", "–", "—", "n/a", "na", "n.a.", "n. a.", "#n/a", "#n/v", "#nv", "null", "(null)", "<null>", "nil", "none", "(none)", "nan", "nat",
    "\\n", "undefined", "(blank)", "(empty)", "not set", "not available", "k.a.", "k. a.", "keine angabe", "aucun", "ninguno", "nessuno", "?", "#ref!",
    "#value!", "#name?", "#div/0!",
})
"""What programs and people write where there is nothing; only where a text could not be meant."""


def truth(text: str) -> str:
    """Return ``true`` or ``false`` for a word that says so, else the text."""
    word = text.strip().rstrip(".").casefold()
    return "true" if word in TRUE else "false" if word in FALSE else text


def is_nothing(text: str) -> bool:
    """Tell whether a cell says that there is nothing."""
    return len(text) < 16 and text.casefold() in NOTHING
