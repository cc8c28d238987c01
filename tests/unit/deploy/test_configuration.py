from tools.configuration_page import PAGE, page


def test_page_of_the_variables_is_the_one_that_the_settings_make():
    assert PAGE.read_text() == page(), "`make docs` writes it anew"
