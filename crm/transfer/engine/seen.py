"""Which row said a key first: a dict while that is small, then a table of plain numbers, a quarter of its size."""

from array import array

DICT_UP_TO = 50_000
_MASK = (1 << 64) - 1


class Seen:
    """Maps the hash of a key to a row; a row's number is above zero. ``expected`` says for how many there should be room at once."""

    def __init__(self, expected: int = 0) -> None:
        self._dict: dict[int, int] | None = {}
        self._expected = expected
        self._size = 0
        self._count = 0
        self._hashes = array("q")
        self._rows = array("I")

    def get(self, key: int) -> int | None:
        """Return the row that a key was seen in, or None."""
        if self._dict is not None:
            return self._dict.get(key)
        return self._rows[self._slot(key)] or None

    def put(self, key: int, row: int) -> None:
        """Keep the row of a key; a later one takes its place."""
        if self._dict is not None:
            self._dict[key] = row
            if len(self._dict) > DICT_UP_TO:
                self._pack()
            return
        at = self._slot(key)
        if not self._rows[at]:
            self._count += 1
            self._hashes[at] = key
        self._rows[at] = row
        if self._count * 3 > self._size * 2:
            self._grow()

    def _slot(self, key: int) -> int:
        # Python hashes short tuples well, yet neighbours must not cluster.
        at = (key * 0x9E3779B97F4A7C15 & _MASK) >> 20 & self._size - 1
        hashes, rows, last = self._hashes, self._rows, self._size - 1
        while rows[at] and hashes[at] != key:
            at = at + 1 & last
        return at

    def _pack(self) -> None:
        held, self._dict = self._dict or {}, None
        # A table that grows is there twice for a moment.
        self._make(1 << (max(len(held), self._expected) * 3 // 2).bit_length())
        for key, row in held.items():
            self.put(key, row)

    def _grow(self) -> None:
        hashes, rows = self._hashes, self._rows
        self._make(self._size * 2)
        for key, row in zip(hashes, rows, strict=True):
            if row:
                self.put(key, row)

    def _make(self, size: int) -> None:
        self._size, self._count = size, 0
        self._hashes = array("q", [0]) * size
        self._rows = array("I", [0]) * size
