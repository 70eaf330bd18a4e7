"""The characters that do not show, by kind: parts of the classes of regular expressions."""

CONTROL = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f"
"""ASCII's control characters but those of `RETURN` and `TAB_AND_LINE_FEED`."""

RETURN = r"\r"

TAB_AND_LINE_FEED = r"\t\n"

HIGH_CONTROL = r"\x80-\x9f"
"""Control characters beyond ASCII."""

SEPARATOR = r"\u2028\u2029"
"""Ends of lines and paragraphs beyond ASCII."""

BIDI = r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
"""Marks of direction; inside a text they may be meant, as in Arabic."""

ZERO_WIDTH = r"\u200b-\u200d\u2060-\u2065\ufeff"
"""Joiners and spaces without width; inside a text they may be meant, as in emoji."""

SOFT_HYPHEN = r"\u00ad"

FORMAT = r"\u180e\u206a-\u206f\ufff9-\ufffb\U0001d173-\U0001d17a"
"""Other invisible formatting."""

TAG = r"\U000e0000-\U000e007f"
"""A second alphabet that does not show."""

SURROGATE = r"\ud800-\udfff"
"""Halves of surrogate pairs, which cannot be encoded."""
