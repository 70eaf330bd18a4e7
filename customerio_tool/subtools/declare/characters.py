"""Invisible characters by kind, as ranges for a regular expression's character class (`[...]`)."""

CONTROL = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f"
"""ASCII control characters other than `RETURN` and `TAB_AND_LINE_FEED`."""

RETURN = r"\r"

TAB_AND_LINE_FEED = r"\t\n"

HIGH_CONTROL = r"\x80-\x9f"
"""The control characters U+0080 to U+009F (C1)."""

SEPARATOR = r"\u2028\u2029"
"""Unicode's line separator and paragraph separator."""

BIDI = r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
"""Marks of text direction; a text in Arabic or Hebrew may need them."""

ZERO_WIDTH = r"\u200b-\u200d\u2060-\u2065\ufeff"
"""Zero-width joiners and spaces; an emoji may need them."""

SOFT_HYPHEN = r"\u00ad"

FORMAT = r"\u180e\u206a-\u206f\ufff9-\ufffb\U0001d173-\U0001d17a"
"""Other invisible format characters."""

TAG = r"\U000e0000-\U000e007f"
"""Tag characters: an invisible copy of ASCII, which can hide instructions to a model."""

SURROGATE = r"\ud800-\udfff"
"""Halves of surrogate pairs, which UTF-8 cannot encode."""
