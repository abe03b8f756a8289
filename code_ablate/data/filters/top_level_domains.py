"""Lists of top-level domains, which stand in many repositories and teach nothing.

TopLevelDomains(100).judge(Document("ac\nad\nae\ncom\nnet\norg\n")).value     # 6
"""

import dataclasses
import re

from code_ablate.data.filters.base import AtMost, Document

_GENERIC_NAMES = """
aero arpa asia biz cat com coop edu gov info int jobs mil mobi museum name net org post pro tel
travel xxx
"""
_COUNTRY_NAMES = """
ac ad ae af ag ai al am ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bm bn bo br bs bt
bv bw by bz ca cc cd cf cg ch ci ck cl cm cn co cr cu cv cw cx cy cz de dj dk dm do dz ec ee eg
er es et eu fi fj fk fm fo fr ga gb gd ge gf gg gh gi gl gm gn gp gq gr gs gt gu gw gy hk hm hn
hr ht hu id ie il im in io iq ir is it je jm jo jp ke kg kh ki km kn kp kr kw ky kz la lb lc li
lk lr ls lt lu lv ly ma mc md me mg mh mk ml mm mn mo mp mq mr ms mt mu mv mw mx my mz na nc ne
nf ng ni nl no np nr nu nz om pa pe pf pg ph pk pl pm pn pr ps pt pw py qa re ro rs ru rw sa sb
sc sd se sg sh si sj sk sl sm sn so sr ss st su sv sx sy sz tc td tf tg th tj tk tl tm tn to tr
tt tv tw tz ua ug uk us uy uz va vc ve vg vi vn vu wf ws ye yt za zm zw
"""
_ALL = frozenset((_GENERIC_NAMES + _COUNTRY_NAMES).split())
_ALWAYS_LISTED = ("com", "net", "org", "gov")
_WORD = re.compile(r"[A-Za-z]+")
_RUN = 4
"""Words in a row that must be top-level domains before they count: "it is so" is no list."""


@dataclasses.dataclass(frozen=True)
class TopLevelDomains(AtMost):
    """Drops documents that list top-level domains.

    The value is the number of different ones, in small letters, that follow at least three others
    with nothing but signs between them. It is 0 unless com, net, org and gov are in the text, so
    that lists of languages and of countries stay. Source: the paper, section 2.1, which gives no
    number; the number is ours.
    """

    maximum: int = 100
    """Most different top-level domains that a document may list."""

    def measure(self, document: Document) -> int:
        """The number of different top-level domains that the document lists."""
        text = document.text
        if not all(name in text for name in _ALWAYS_LISTED):
            return 0
        listed: set[str] = set()
        run: list[str] = []
        for word in _WORD.findall(text):
            if word in _ALL:
                run.append(word)
                continue
            if len(run) >= _RUN:
                listed.update(run)
            run.clear()
        return len(listed | set(run)) if len(run) >= _RUN else len(listed)
