"""What a check says, in Chinese and English (合规检查文案)."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from wxengage.words import Words

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ACTS", "FOUND", "GAINS", "PLACES", "sentence"]

#: An act -> whoever does it.
ACTS: Final[Mapping[str, Words]] = MappingProxyType(
    {
        "share": Words("分享", "shares it"),
        "invite": Words("邀请好友", "invites friends"),
        "help": Words("找好友助力", "gets friends to help"),
        "collect": Words("向好友集赞、集卡", "collects from friends"),
        "follow": Words("关注公众号", "follows the account"),
        "subscribe": Words("授权订阅消息", "subscribes to messages"),
    }
)
#: What is had -> how it is called.
GAINS: Final[Mapping[str, Words]] = MappingProxyType(
    {
        "reward": Words("奖励", "a reward"),
        "entry": Words("参与资格", "the right to take part"),
        "votes": Words("票数", "votes"),
        "draws": Words("抽奖机会", "chances in a draw"),
    }
)
#: A placement -> where it is.
PLACES: Final[Mapping[str, Words]] = MappingProxyType(
    {
        "wechat_link": Words("在微信内的链接中", "by a link in WeChat"),
        "mini_program": Words("在小程序中", "in a mini program"),
        "wecom": Words("在企业微信中", "in WeCom"),
        "own_app": Words("在自有应用中", "in an app of one's own"),
        "offline": Words("在线下", "offline"),
    }
)

_FOR_SPREADING: Final = Words(
    "{place}，{act}可得{gain}", "whoever {act} {place} is given {gain}"
)
_MOVE_OR_STOP: Final = Words(
    "不为邀请发放任何奖励；或改在自有应用内、线下开展"
    "（placement='own_app' 或 'offline'），并以注册或购买为有效邀请",
    "reward no invites; or hold the campaign in an app of your own or offline "
    "(placement='own_app' or 'offline'), where registering or buying qualifies",
)
_DROP_THE_ASK: Final = Words(
    "删去这一条：不做这件事的人，也应同样参与、计数和领奖",
    "drop it: whoever does not do this takes part, counts and is rewarded all the same",
)
_FOR_ACT: Final = Words("{act}可得{gain}", "whoever {act} is given {gain}")

#: Reason -> what is at fault, and what to change.
FOUND: Final[Mapping[str, tuple[Words, Words]]] = MappingProxyType(
    {
        "rewards_invite": (_FOR_SPREADING, _MOVE_OR_STOP),
        **{
            f"asks_{act}": (_FOR_SPREADING, _DROP_THE_ASK)
            for act in ("share", "invite", "help", "collect")
        },
        "rewards_follow": (
            _FOR_ACT,
            Words(
                "改为与关注无关的条件，例如注册或由消息送达（offered_on='register' 或 "
                "'deliver'）",
                "let something else than following qualify, such as registering or a "
                "message (offered_on='register' or 'deliver')",
            ),
        ),
        "asks_follow": (_FOR_ACT, _DROP_THE_ASK),
        "asks_subscribe": (_FOR_ACT, _DROP_THE_ASK),
        "follow_counts": (
            Words(
                "好友关注公众号即算有效邀请，邀请人因此得奖",
                "an invite counts when the friend follows the account, and the inviter "
                "is rewarded for it",
            ),
            Words(
                "以注册或购买为有效邀请（qualifies_on='register' 或 'purchase'）",
                "let registering or buying qualify (qualifies_on='register' or "
                "'purchase')",
            ),
        ),
        "follow_gates": (
            Words(
                "只有关注过公众号的人才能投票",
                "only those who have followed the account may vote",
            ),
            Words(
                "取消这一限制，或用其他办法防刷票（min_account_age=timedelta(0)）",
                "drop it, or keep bought votes out by other means "
                "(min_account_age=timedelta(0))",
            ),
        ),
        "copy_rewards_sharing": (
            Words(
                "文案把分享、邀请与好处联系在一起",
                "a text promises something for sharing or inviting",
            ),
            Words("删去这些话", "take these words out"),
        ),
        "copy_rewards_following": (
            Words(
                "文案把关注与好处联系在一起",
                "a text promises something for following the account",
            ),
            Words("删去这些话", "take these words out"),
        ),
        "too_many_levels": (
            Words(
                "奖励达到{levels}级，规则最多允许{most}级",
                "rewards reach {levels} levels, and the rule allows {most}",
            ),
            Words(
                "只奖励直接邀请人（depth=1）", "reward direct inviters alone (depth=1)"
            ),
        ),
        "levels_unclear": (
            Words(
                "奖励涉及上下{people}层的人；规则所说的{most}级含推广者本人，是否超出取决于怎么数",
                "rewards span a chain of {people} people; whether that exceeds the "
                "rule's {most} levels, promoter included, depends on who is counted",
            ),
            Words(
                "只奖励直接邀请人（depth=1）", "reward direct inviters alone (depth=1)"
            ),
        ),
        "payment_too_small": (
            Words(
                "单笔金额低于{least}，按默认限额发不出去",
                "a payment is below {least}, the least by default",
            ),
            Words(
                "提高金额，改发积分，或在规则手册中写入商户自己的限额",
                "pay more, give points, or lay your own limit over the rulebook",
            ),
        ),
        "payment_too_large": (
            Words(
                "单笔金额高于{most}，按默认限额发不出去",
                "a payment is above {most}, the most by default",
            ),
            Words(
                "拆成多个档位，改发优惠券，或在规则手册中写入商户自己的限额",
                "split it over several rungs, give a coupon, or lay your own limit "
                "over the rulebook",
            ),
        ),
        "no_end": (
            Words(
                "一个人可得的现金没有上限",
                "there is no end to the cash that one person may be owed",
            ),
            Words("设置单人上限（cap）", "set the most for one person (cap)"),
        ),
        "too_many_a_day": (
            Words(
                "同一用户一天内应得的红包可能超过{most}个",
                "more than {most} red packets may fall due to one person on one day",
            ),
            Words(
                "减少档位，或分几天发放", "have fewer rungs, or pay over several days"
            ),
        ),
        "too_much_a_day": (
            Words(
                "同一用户一天内应得的现金可能超过{most}，要{days}天才能发完",
                "more than {most} may fall due to one person on one day; paying it "
                "takes {days} days",
            ),
            Words(
                "降低金额，设置单人上限（cap），或在规则中写明分几天发放",
                "pay less, set the most for one person (cap), or say in the rules that "
                "it is paid over several days",
            ),
        ),
        "budget_too_large": (
            Words(
                "活动期间商户按默认限额最多能付{most}，预算超出了这个数",
                "by default the merchant can pay {most} while the campaign is open, "
                "and the budget is more",
            ),
            Words(
                "降低预算，延长活动，或在规则手册中写入商户自己的限额",
                "lower the budget, keep it open for longer, or lay your own limit over "
                "the rulebook",
            ),
        ),
        "closed_to_new_merchants": (
            Words("现金红包不再对新商户开放", "new merchants cannot get red packets"),
            Words(
                "没有旧权限的商户改用商家转账（payout='transfer'）",
                "without an old permission, use transfers (payout='transfer')",
            ),
        ),
        "no_rules": (
            Words(
                "没有参与者可以查看的活动规则",
                "there are no rules that participants can read",
            ),
            Words(
                "写明参与条件、时间、奖励、领取方式和主办方，并填入这里",
                "write down who may take part, when, for what, how it is claimed and "
                "who you are, and give it here",
            ),
        ),
        "prize_too_large": (
            Words(
                "抽奖的最高奖超过{most}",
                "the highest prize of the draw is above {most}",
            ),
            Words("把最高奖降到{most}以内", "lower it to {most} or less"),
        ),
        "contest_prize_large": (
            Words(
                "由投票决定的奖金超过{most}；若被认定为抽奖，就超出了限额",
                "a prize that a vote decides is above {most}, the most if that is "
                "taken for a draw",
            ),
            Words(
                "降到{most}以内，或由评审决定名次",
                "lower it to {most} or less, or let a jury decide",
            ),
        ),
        "no_odds": (
            Words(
                "没有公布中奖概率或奖品数量",
                "neither the odds nor the number of prizes are published",
            ),
            Words("公布并填入这里", "publish them, and give them here"),
        ),
        "winners_not_named": (
            Words(
                "有超过{above}的奖项，却不公布中奖者",
                "there is a prize above {above}, and its winners are not published",
            ),
            Words("公布中奖者", "publish the winners"),
        ),
        "records_too_short": (
            Words(
                "抽奖记录保存不足{years}年",
                "records are kept for less than {years} years",
            ),
            Words("至少保存{years}年", "keep them for {years} years or more"),
        ),
        "age_not_said": (
            Words(
                "没有说明参与者的年龄下限",
                "nobody has said how old participants must be",
            ),
            Words(
                "填写年龄下限；未满{age}周岁者须经监护人同意",
                "say so; under {age}, a guardian must consent",
            ),
        ),
        "children_admitted": (
            Words("未满{age}周岁者可以参与", "children under {age} may take part"),
            Words(
                "把下限提高到{age}周岁，或先取得监护人同意并记录放行理由",
                "raise it to {age}, or have guardians consent and record an override",
            ),
        ),
        "marketing_by_template": (
            Words("用模板消息推送营销内容", "a template message carries marketing"),
            Words(
                "改用群发、客服消息或企业微信；模板消息只发用户操作触发的服务通知",
                "use a mass send, a customer message or WeCom; template messages are "
                "for services that the user's own act has caused",
            ),
        ),
        "template_promotes": (
            Words(
                "模板消息虽标为服务通知，内容却像营销",
                "a template message is called a service notice and speaks like "
                "marketing",
            ),
            Words("删去这些话", "take these words out"),
        ),
        "absolute_words": (
            Words("文案中有绝对化用语", "a text has absolute words"),
            Words(
                "换成可以证明的具体说法；若不是在说商品，由人工放行并写明理由",
                "say something that can be shown; if it is not about the goods, record "
                "an override",
            ),
        ),
        "absolute_words_to_prove": (
            Words(
                "绝对化用语属于可以使用的语境，但要有依据",
                "a text has absolute words where they may stand, if they can be proved",
            ),
            Words("备好证书、标准或数据", "keep the certificate, standard or figures"),
        ),
        "rule_is_stale": (
            Words(
                "这条规则已有{days}天没有与来源核对",
                "nobody has compared this rule with its source for {days} days",
            ),
            Words(
                "核对来源；有变化就在规则手册中更正",
                "compare it; where it has changed, lay a correction over the rulebook",
            ),
        ),
    }
)


def sentence(reason: str, values: Mapping[str, Any]) -> tuple[Words, Words]:
    """Return what is at fault and what to change.

    Parameters
    ----------
    reason
        A key of ``FOUND``.
    values
        What the sentences are filled with: text, numbers, or words.

    Returns
    -------
    found, mend
        In both languages.
    """
    found, mend = FOUND[reason]
    return _filled(found, values), _filled(mend, values)


def _filled(words: Words, values: Mapping[str, Any]) -> Words:
    zh = {k: v.zh if isinstance(v, Words) else v for k, v in values.items()}
    en = {k: v.en if isinstance(v, Words) else v for k, v in values.items()}
    return Words(words.zh.format(**zh), words.en.format(**en))
