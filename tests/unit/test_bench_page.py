from tests.bench.transfers import with_section

SECTION = "## Artifacts\n\nnew\n"


def test_section_is_added_to_a_page_that_has_none():
    assert with_section("# Benchmark\n\nhead\n", SECTION) == f"# Benchmark\n\nhead\n\n{SECTION}"


def test_section_replaces_its_old_self_and_nothing_else():
    page = "# Benchmark\n\n## Artifacts\n\nold\n\n## Rates\n\ntable\n"
    assert with_section(page, SECTION) == f"# Benchmark\n\n## Rates\n\ntable\n\n{SECTION}"
    assert with_section(with_section(page, SECTION), SECTION) == with_section(page, SECTION)
