"""What a payout says to the one who gets it (红包与转账文案)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import attrs

from wxengage.errors import InvalidInputError, require_id

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Packet", "Transfer"]

_NO_TEXT: Final = re.compile("[\x00-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
# Source: the rule WX-RP-001.
_SCENES: Final = tuple(f"PRODUCT_{number}" for number in range(1, 9))
# Cash marketing (现金营销) needs these two of its reports.
_CASH_MARKETING: Final = "1000"
_REPORTED: Final = frozenset({"活动名称", "奖励说明"})


def _text(most: int) -> Callable[[object, attrs.Attribute[Any], object], None]:
    def check(_: object, field: attrs.Attribute[Any], got: object) -> None:
        _require_text(field.name, got, most)

    return check


def _require_text(name: str, got: object, most: int) -> None:
    rule = f"a text of 1 to {most} characters on one line"
    if not isinstance(got, str) or not got.strip() or len(got) > most:
        raise InvalidInputError(name, got, rule)
    if found := _NO_TEXT.search(got):
        hint = f"take out U+{ord(found[0]):04X}"
        raise InvalidInputError(name, got, rule, hint)


@attrs.frozen
class Packet:
    """What a red packet says (红包文案).

    Attributes
    ----------
    send_name
        Who gives it, at most 32 characters.
    act_name
        The campaign, at most 32 characters.
    wishing
        The good wishes, at most 128 characters.
    remark
        A note for the records, at most 256 characters.
    scene
        ``"PRODUCT_1"`` to ``"PRODUCT_8"`` where the amount asks for one, else None.

    Raises
    ------
    InvalidInputError
        If a field breaks its rule.
    """

    send_name: str = attrs.field(validator=_text(32))
    act_name: str = attrs.field(validator=_text(32))
    wishing: str = attrs.field(validator=_text(128))
    remark: str = attrs.field(validator=_text(256))
    scene: str | None = attrs.field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if self.scene is not None and self.scene not in _SCENES:
            rule = "None, or PRODUCT_1 to PRODUCT_8"
            raise InvalidInputError("scene", self.scene, rule)


@attrs.frozen
class Transfer:
    """What a transfer says (转账文案).

    Attributes
    ----------
    scene
        The number of the scene that the merchant was granted, such as ``"1000"``
        for cash marketing (现金营销).
    remark
        What the user reads, at most 32 characters.
    reports
        What the scene asks for, as pairs of a type and its content. Scene 1000 asks
        for ``活动名称`` and ``奖励说明``.
    perception
        How the user sees it (用户收款感知), None for the scene's own words.
    real_name
        The user's name where the amount asks for it, else None. It leaves encrypted.
    notify_url
        Where WeChat sends its notices, None for nowhere.

    Raises
    ------
    InvalidInputError
        If a field breaks its rule.
    """

    scene: str
    remark: str = attrs.field(validator=_text(32))
    reports: tuple[tuple[str, str], ...] = attrs.field(default=(), kw_only=True)
    perception: str | None = attrs.field(
        default=None, kw_only=True, validator=attrs.validators.optional(_text(32))
    )
    real_name: str | None = attrs.field(
        default=None,
        kw_only=True,
        repr=False,
        validator=attrs.validators.optional(_text(64)),
    )
    notify_url: str | None = attrs.field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        require_id("scene", self.scene)
        url = self.notify_url
        if url is not None and not (
            isinstance(url, str) and url.startswith("https://") and "?" not in url
        ):
            rule = "None, or an address of https without parameters"
            raise InvalidInputError("notify_url", url, rule)
        self._require_reports()

    def _require_reports(self) -> None:
        rule = "pairs of a type and its content"
        if not isinstance(self.reports, tuple):
            raise InvalidInputError("reports", self.reports, rule)
        for row, pair in enumerate(self.reports):
            if not isinstance(pair, tuple) or len(pair) != 2:  # noqa: PLR2004  a pair
                raise InvalidInputError(f"reports[{row}]", pair, rule)
            for one in pair:
                _require_text(f"reports[{row}]", one, 128)
        told = {pair[0] for pair in self.reports}
        if self.scene == _CASH_MARKETING and not told >= _REPORTED:
            rule = f"{' and '.join(sorted(_REPORTED))} for scene {self.scene}"
            raise InvalidInputError("reports", sorted(told), rule)
