"""A server that speaks TLS and no protocol: it hears what a client says first."""

import asyncio
import ssl
from contextlib import asynccontextmanager, suppress

import trustme


class TlsServer:
    """Its authority's certificate is in the file ``ca``; ``heard`` is what came through TLS."""

    def __init__(self, directory):
        authority = trustme.CA()
        self.ca = directory / "ca.pem"
        authority.cert_pem.write_to_path(self.ca)
        self.other_ca = directory / "other.pem"
        trustme.CA().cert_pem.write_to_path(self.other_ca)
        self.client = directory / "client.pem"
        authority.issue_cert("warren").private_key_and_cert_chain_pem.write_to_path(self.client)
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert("127.0.0.1").configure_cert(self.context)
        authority.configure_trust(self.context)
        self.before = b""
        """What came before TLS: PostgreSQL's clients ask for it on the same port."""
        self.heard = b""
        self.has_heard = asyncio.Event()
        self.names = []
        """Subjects of the certificates that clients have shown."""

    @asynccontextmanager
    async def listening(self, answer=None):
        """Give the port. With ``answer``, 8 bytes are read and answered first, in plain."""

        async def serve(reader, writer):
            with suppress(OSError):
                if answer is not None:
                    self.before += await reader.read(8)
                    writer.write(answer)
                if answer != b"N":
                    await writer.start_tls(self.context)
                    self.names.append(writer.get_extra_info("peercert"))
                self.heard += await reader.read(100)
                self.has_heard.set()
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server:
            yield server.sockets[0].getsockname()[1]
