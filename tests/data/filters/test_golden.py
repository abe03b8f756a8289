"""Documents of our own with what the rules say of them."""

import pytest

from code_ablate.data import filters
from code_ablate.data.filters import Document, commits, issues, text
from code_ablate.data.filters.licences import PERMISSIVE, PermissiveLicence, is_allowed

PROSE = """The keeper walked to the end of the garden and looked at the hives. It had rained for
two days, and the bees that had stayed inside were hungry. He put a jar of sugar water next to the
oldest hive, and waited.

"They will be out with the sun," he said to the boy who had come with him. The boy did not answer.
He had never seen so many bees in one place, and he would not have come if his sister had not asked
him to.
"""

PAGE = PROSE.replace("\n\n", "|").replace("\n", " ").replace("|", "\n")
"""The same, a paragraph in a line."""

MENU = "\n".join(["Home", "About us", "Products", "News", "Contact", "Login", "Imprint"] * 8)

LOG = "\n".join(["request served in 12 ms", "cache miss"] * 30)

REPEATED = "the bees of the garden have gone to the other side of the hill again and " * 12


@pytest.mark.parametrize(
    ("group", "document", "reason"),
    [
        ("gopher", PROSE, None),
        ("gopher_repetition", PROSE, None),
        ("c4", PAGE, None),
        ("fineweb", PAGE, None),
        ("gopher", MENU, "stop_words_under_2"),
        ("gopher", "Too short to say anything.", "words_under_50_or_over_100000"),
        ("gopher", "• of the oldest hives and the bees\n" * 20, "bullet_lines_over_0.9"),
        ("gopher", "the bees were gone and then ...\n" * 12, "ellipses_over_0.1"),
        ("gopher", "12.5 7 99 the of 4 " * 20, "mean_word_under_3_or_over_10"),
        ("gopher", "1234.5 70000 9999 the of 4444 " * 20, "alphabetic_words_under_0.8"),
        ("gopher_repetition", LOG, "duplicate_lines_over_0.3"),
        ("gopher_repetition", REPEATED, "top_3_gram_over_0.18"),
        ("fineweb", MENU, "end_marks_up_to_0.12"),
        ("fineweb", "Go on.\n" + "Go back.\n" * 4, "duplicate_line_characters_over_0.1"),
        ("fineweb", "\n".join(f"Line number {i}." for i in range(9)), "short_lines_from_0.67"),
        ("c4", PAGE + "\nint main() { return 0; } it says.", "curly_brackets"),
        ("c4", "Only one sentence stands on this line.", "sentences_under_3"),
        ("c4", "Lorem ipsum is what it says. So it goes on. And on it goes.", "lorem_ipsum"),
    ],
)
def test_rules_for_prose(group, document, reason):
    drop = filters.first_drop(filters.GROUPS[group], Document(document))
    assert (drop and drop.reason) == reason


def test_lines_that_c4_leaves_out():
    page = (
        "Home | About | Contact\n"
        "The bees were out early this morning.[12]\n"
        "Please enable Javascript to see this page.\n"
        "This site uses cookies to make it better.\n"
        "Read more...\n"
        "So few words.\n"
        f"This line has one word {'x' * 1001} that is long.\n"
        "\n"
        '"They had slept for two whole days," she said.\n'
    )
    document, counts = text.C4Lines().rewrite(Document(page))
    assert document.text == (
        'The bees were out early this morning.\n\n"They had slept for two whole days," she said.\n'
    )
    assert counts == {
        "citation": 1,
        "no_end_mark": 2,
        "javascript": 1,
        "policy": 1,
        "few_words": 1,
        "long_word": 1,
    }
    clean = Document(document.text)
    assert text.C4Lines().rewrite(clean) == (clean, {})
    assert text.C4Lines(end_marks=False, words=1).rewrite(Document("Home"))[0].text == "Home"


def test_listed_words_are_whole_words():
    rule = text.ListedWords(words=("bee",))
    assert rule.judge(Document('A "Bee", two bees, bee.')).value == 2
    assert rule.drop(Document("Bees and beetles.")) is None


@pytest.mark.parametrize(
    ("user", "is_bot"),
    [
        *(("dependabot[bot]", True), ("ci-bot", True), ("bot_1", True), ("stalebot", True)),
        *(("renovate", True), ("k8s-ci-robot", False), ("talbot", False), ("bottle", False)),
        *(("ann", False), ("", False)),
    ],
)
def test_names_of_programs(user, is_bot):
    assert issues.is_bot(user) == is_bot
    drop = issues.BotAuthors().drop(Document("", more={"authors": f"{user}\nann"}))
    assert bool(drop) == is_bot


def test_what_mail_programs_put_into_replies_goes():
    comment = (
        "I see it too, on version 3.\n\n"
        "On Mon, May 4, 2020 at 9:15 AM Ann Lee <ann@hive.io> wrote:\n"
        "> It fails.\n"
        "Reply to this email directly, view it on the site, or unsubscribe.\n"
        "Sent from my telephone\n"
        "The cause is written on page 4.\n"
    )
    document, counts = issues.EmailReplies().rewrite(Document(comment))
    assert document.text == (
        "I see it too, on version 3.\n\n> It fails.\nThe cause is written on page 4.\n"
    )
    assert counts == {"reply_line": 3}


@pytest.mark.parametrize(
    ("subject", "reason"),
    [
        ("Count the bees of a hive before it is moved", None),
        ("", "empty_message"),
        ("   ", "empty_message"),
        ("Update README.md", "boilerplate_message"),
        ("Auto commit of the night", "boilerplate_message"),
        ("v1.2.3", "boilerplate_message"),
        ("1.2.3-rc1", "boilerplate_message"),
        ("Make room for 1.2.3 in the list of hives", None),
        ("a94a8fe5ccb19ba61c4c0873d391e987982fbbd3", "hash_message_over_20"),
    ],
)
def test_messages_of_commits(subject, reason):
    more = {"subject": subject, "changed_lines": 20}
    drop = filters.first_drop(commits.COMMITS, Document("a commit", more=more))
    assert (drop and drop.reason) == reason


@pytest.mark.parametrize(
    ("expression", "allowed"),
    [
        ("MIT", True),
        ("mit", True),
        ("GPL-3.0-only", False),
        ("MIT OR GPL-3.0-only", True),
        ("MIT AND GPL-3.0-only", False),
        ("(MIT OR GPL-3.0-only) AND Apache-2.0", True),
        ("MIT OR GPL-3.0-only AND LGPL-3.0-only", True),  # AND binds more closely
        ("GPL-3.0-only OR (MIT AND MPL-2.0)", False),
        ("Apache-2.0 WITH LLVM-exception", True),
        ("Apache-2.0+", True),
        ("MIT License", False),
        ("MIT, Apache-2.0", False),
        ("MIT OR", False),
        ("(MIT", False),
        ("", False),
    ],
)
def test_expressions_of_licences(expression, allowed):
    assert is_allowed(expression, PERMISSIVE) == allowed


def test_documents_without_a_licence_go_unless_they_are_meant():
    unknown = Document("", more={"licence": " "})
    assert PermissiveLicence().judge(unknown).value == "none"
    assert PermissiveLicence().drop(unknown)
    assert PermissiveLicence(unlicensed=True).drop(unknown) is None
    assert PermissiveLicence(("GPL-2.0-only",)).drop(Document("", more={"licence": "MIT"}))
    for licences, allowed in (
        ("MIT\nApache-2.0", True),
        ("MIT\n\nGPL-2.0-only OR MIT\n", True),
        ("MIT\nGPL-2.0-only", False),
    ):  # all that were found in a repository, one in a line
        verdict = PermissiveLicence().judge(Document("", more={"licence": licences}))
        assert (verdict.drop is None) == allowed
    assert PermissiveLicence.scale.bin("GPL-9") == len(PermissiveLicence.scale.names)
