"""The URLs of an upload's parts are those that the SDK would sign, at a fraction of its time."""

from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest
from minio import Minio

from services.artifacts.store.signatures import sign_parts

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize("key", ["1/0/run/artifacts/a", "1/größe und %41+&=?#~/ü.bin"])
@pytest.mark.parametrize("upload_id", ["abc", "~a.b_c-d+/=="])
@pytest.mark.parametrize("host", ["localhost:9000", "s3.example.com"])
def test_they_are_the_sdks(key, upload_id, host):
    client = Minio(host, "access/key", "secret", region="eu-west-3")

    def sdks(number):
        query = {"uploadId": upload_id, "partNumber": str(number)}
        return client.get_presigned_url(
            "PUT", "bucket", key, request_date=NOW, extra_query_params=query
        )

    for number, url in zip(
        (1, 2, 10_000), sign_parts(sdks(1), "secret", (1, 2, 10_000)), strict=True
    ):
        ours, theirs = urlsplit(url), urlsplit(sdks(number))
        assert ours[:3] == theirs[:3]
        assert parse_qs(ours.query) == parse_qs(theirs.query)
