import pytest

from code_ablate.errors import UserError
from code_ablate.names import require_label, require_name

EVERYWHERE_WRONG = ["", " ", "a\nb", "a\x00b", "\u202eab", " a", "a ", "x" * 300, None, 3]


@pytest.mark.parametrize(
    "name", ["demo", "initialization@paper_470m", "demo.text", "a:b+c-d", "_x", "4", "v1.2", "a..b"]
)
def test_plain_names_are_names(name):
    require_name("Study.name", name)
    require_label("Side.name", name)


@pytest.mark.parametrize(
    "name",
    [*EVERYWHERE_WRONG, "x/../../../y", "../../x", "/x", "..", ".", ".x", "-x", "x.", "a b", "a$b",
     "~", "a*", "é", "a\\b", "x" * 101],
)  # fmt: skip
def test_what_would_lead_elsewhere_is_no_name(name):
    with pytest.raises(UserError, match=r"Study\.name is .*use 1 to 100 letters") as refused:
        require_name("Study.name", name)
    assert len(str(refused.value)) < 250 and "\n" not in str(refused.value)


@pytest.mark.parametrize("name", ["code and markup", "é", "50 % code", "a$b$", "<b>", "web/text"])
def test_what_is_only_shown_may_be_any_text(name):
    require_label("Side.name", name)


@pytest.mark.parametrize("name", EVERYWHERE_WRONG)
def test_what_cannot_be_shown_in_a_line_is_no_label(name):
    with pytest.raises(UserError, match=r"Side\.name is .*printable"):
        require_label("Side.name", name)
