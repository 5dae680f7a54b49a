"""What is kept (表结构), declared once: tables, keys, indexes and checks as data.

Each engine makes its own DDL of these, and nothing that a user says ever becomes a
name in a statement. Instants are whole microseconds since 1970 in UTC. States are
the versioned JSON of ``wxengage.codec``; what an index or a check has to see stands
beside it in a column of its own.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import attrs

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "LEAST",
    "SCHEMA_VERSION",
    "TABLES",
    "Column",
    "Index",
    "Key",
    "Row",
    "Table",
    "Value",
]

Value: TypeAlias = str | int | float | None
#: The values of a table's columns, in their order.
Row: TypeAlias = tuple[Value, ...]
#: The values of the key's columns, in their order.
Key: TypeAlias = tuple[str | int, ...]

#: Rises with every change of what stands below; see ``wxengage.stores.migrations``.
SCHEMA_VERSION: Final = 1
#: The least whole number of 64 bits: an account of this floor may go below zero.
LEAST: Final = -(2**63)


@attrs.frozen
class Column:
    """One column (列).

    Attributes
    ----------
    name
        Its name.
    kind
        ``"id"``: text of at most 128 characters, compared byte by byte, that may
        stand in a key. ``"text"``: text of any length. ``"whole"``: 64 bits.
        ``"real"``: a double.
    null
        Whether it may be empty.
    """

    name: str
    kind: Literal["id", "text", "whole", "real"]
    null: bool = False


@attrs.frozen
class Index:
    """An order in which rows can be found (索引).

    Attributes
    ----------
    name
        Its name, within its table.
    columns
        In order. Rows in which the last of them is empty are not in it.
    unique
        Whether no two rows may have the same values.
    """

    name: str
    columns: tuple[str, ...]
    unique: bool = False


@attrs.frozen
class Table:
    """One table (表).

    Attributes
    ----------
    name
        Its name.
    columns
        In order.
    key
        Columns that tell a row from all others.
    indexes
        Other orders.
    floor
        A column and another one below which it never is; None for no such rule.
    sealed
        Whether each row carries a checksum of its content, so that a damaged one is
        not taken for what somebody is owed.
    """

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    indexes: tuple[Index, ...] = ()
    floor: tuple[str, str] | None = None
    sealed: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names."""
        return tuple(column.name for column in self.columns)

    def places(self, names: tuple[str, ...]) -> tuple[int, ...]:
        """Return where columns of these names stand in a row."""
        order = self.names
        return tuple(order.index(name) for name in names)

    def index(self, name: str) -> Index:
        """Return the index of a name."""
        return next(index for index in self.indexes if index.name == name)


def _id(name: str, *, null: bool = False) -> Column:
    return Column(name, "id", null)


def _text(name: str, *, null: bool = False) -> Column:
    return Column(name, "text", null)


def _whole(name: str, *, null: bool = False) -> Column:
    return Column(name, "whole", null)


_ALL: Final = (
    # Names and values of the store itself: its version, its merchant.
    Table("meta", (_id("name"), _text("value")), ("name",)),
    # What happened, once for each id; never changed. ``content`` is a fingerprint.
    Table(
        "event",
        (
            _id("id"),
            _id("user"),
            _id("kind"),
            _whole("at"),
            _id("account", null=True),
            _id("campaign", null=True),
            _id("inviter", null=True),
            _id("item", null=True),
            _whole("item_number", null=True),
            _id("channel", null=True),
            _id("group_id", null=True),
            Column("value", "real", null=True),
            _whole("received_at"),
            _whole("backfilled"),
        ),
        ("id",),
        (Index("by_user", ("user", "at")), Index("by_time", ("at",))),
    ),
    # Who somebody is: a User, a Quota, under the part's name.
    Table("profile", (_id("user"), _id("part"), _text("state")), ("user", "part")),
    # Names under which providers know a user.
    Table(
        "alias",
        (_id("account"), _id("name"), _id("user")),
        ("account", "name"),
        (Index("by_user", ("user",)),),
    ),
    # A campaign as it runs; each version of its rules is kept in ``rules``.
    Table(
        "campaign",
        (
            _id("id"),
            _id("state"),
            _whole("version"),
            _whole("opens"),
            _whole("closes"),
            _text("terms"),
        ),
        ("id",),
    ),
    Table(
        "rules",
        (_id("campaign"), _whole("version"), _whole("at"), _text("definition")),
        ("campaign", "version"),
    ),
    # What people decided: overrides, amendments, pauses, resolutions, and why.
    Table(
        "decision",
        (
            _id("id"),
            _id("about"),
            _id("what"),
            _id("who"),
            _whole("at"),
            _text("reason"),
            _text("detail"),
        ),
        ("id",),
        (Index("by_subject", ("about", "at")),),
    ),
    # What a campaign knows of somebody, and when time alone changes it.
    Table(
        "subject",
        (_id("campaign"), _id("name"), _text("state"), _whole("due", null=True)),
        ("campaign", "name"),
        (Index("by_due", ("due",)),),
    ),
    # What a campaign has found; never changed.
    Table(
        "fact",
        (
            _id("id"),
            _id("campaign"),
            _id("user"),
            _id("kind"),
            _whole("at"),
            _id("event"),
            _whole("version"),
            _text("fact"),
        ),
        ("id",),
        (
            Index("by_user", ("user", "at")),
            Index("by_campaign", ("campaign", "at")),
        ),
    ),
    # The payouts of rewards: each generation a row, numbered as it is paid.
    Table(
        "payout",
        (
            _id("number"),
            _id("campaign"),
            _id("user"),
            _id("reward_key"),
            _whole("generation"),
            _id("state"),
            _whole("at"),
            _text("record"),
        ),
        ("number",),
        (
            Index("by_user", ("user", "at")),
            Index(
                "by_reward",
                ("campaign", "user", "reward_key", "generation"),
                unique=True,
            ),
            Index("by_state", ("state", "at")),
            Index("by_campaign", ("campaign", "at")),
        ),
        sealed=True,
    ),
    # Double entry: the postings of entries, never changed; balances of accounts.
    Table(
        "posting",
        (
            _id("entry"),
            _whole("place"),
            _id("because"),
            _id("ref"),
            _whole("at"),
            _id("campaign"),
            _id("role"),
            _id("owner"),
            _id("unit"),
            _whole("amount"),
            _text("note"),
            _whole("seq"),
        ),
        ("entry", "place"),
        (
            Index("by_ref", ("ref", "seq")),
            Index("by_campaign", ("campaign", "seq")),
            Index("by_seq", ("seq",)),
        ),
        sealed=True,
    ),
    Table(
        "balance",
        (
            _id("campaign"),
            _id("role"),
            _id("owner"),
            _id("unit"),
            _whole("amount"),
            _whole("least"),
        ),
        ("campaign", "role", "owner", "unit"),
        floor=("amount", "least"),
        sealed=True,
    ),
    # Letters on their way. ``ready`` is from when on one may be leased, empty once
    # it is final; ``held`` until when somebody has it; ``line`` tells whom it waits
    # behind where the order counts; ``touched`` when the user may have got it.
    Table(
        "letter",
        (
            _id("id"),
            _id("state"),
            _id("channel"),
            _id("user"),
            _id("line"),
            _whole("seq"),
            _whole("ready", null=True),
            _whole("held", null=True),
            _whole("open_seq", null=True),
            _whole("touched", null=True),
            _text("row"),
        ),
        ("id",),
        (
            Index("by_ready", ("ready",)),
            Index("by_lease", ("held",)),
            Index("by_line", ("line", "open_seq")),
            Index("by_user", ("user", "seq")),
            Index("by_touch", ("user", "touched")),
            Index("by_state", ("state", "seq")),
        ),
    ),
    Table("breaker", (_id("place"), _text("state")), ("place",)),
    Table(
        "suppression",
        (_id("account"), _id("channel"), _id("recipient"), _whole("at")),
        ("account", "channel", "recipient"),
    ),
    # Messages that went out and were no letter of ours.
    Table(
        "touch",
        (_id("id"), _id("user"), _whole("at"), _text("sent")),
        ("id",),
        (Index("by_user", ("user", "at")),),
    ),
    Table("freeze", (_id("id"), _text("freeze")), ("id",)),
    # Invite codes: a short token for each campaign, user and carrier.
    Table(
        "code",
        (
            _id("token"),
            _id("campaign"),
            _id("user"),
            _id("carrier"),
            _whole("renew", null=True),
            _text("code"),
        ),
        ("token",),
        (
            Index("by_owner", ("campaign", "user", "carrier"), unique=True),
            Index("by_user", ("user",)),
            Index("by_renewal", ("renew",)),
        ),
    ),
    # What applications keep here: bandits, cases, anything that ``dump`` writes.
    Table(
        "kept",
        (_id("name"), _whole("version"), _whole("at"), _text("state")),
        ("name",),
    ),
)

#: Name -> table.
TABLES: Final[Mapping[str, Table]] = MappingProxyType(
    {table.name: table for table in _ALL}
)
