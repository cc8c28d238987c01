from shared.bus.client import SentFrame
from shared.bus.messages import Answer, decode_reply, encode_replies


def pieces(body, size):
    return [next(decode_reply(each)) for each in encode_replies({0: Answer(body)}, size)]


def test_answer_is_whole_with_its_last_piece():
    sent = SentFrame(b"", {})
    assert [sent.complete(each) for each in pieces(b"abcdef", 4)] == [None, b"abcdef"]


def test_answer_that_a_worker_began_and_another_one_gives_again_is_the_second_ones():
    sent = SentFrame(b"", {})
    unfinished, _ = pieces(b"abcdef", 4)
    assert sent.complete(unfinished) is None
    assert [sent.complete(each) for each in pieces(b"ABCDEF", 3)] == [None, b"ABCDEF"]


def test_rest_of_an_answer_whose_beginning_was_lost_completes_nothing():
    sent = SentFrame(b"", {})
    _, rest = pieces(b"abcdef", 4)
    assert sent.complete(rest) is None
