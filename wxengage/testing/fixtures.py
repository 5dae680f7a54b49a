"""The fake WeChat as a fixture of pytest (测试夹具): import it into a conftest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from wxengage.testing.server import FakeWeChat

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["fake_wechat"]


@pytest.fixture
def fake_wechat() -> Iterator[FakeWeChat]:
    """Give a fake WeChat that runs for one test."""
    with FakeWeChat() as fake:
        yield fake
