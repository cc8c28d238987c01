"""Artifacts as plain HTTP: paths and answers of MLflow's artifact proxy, for tests of whole Warrens."""

from urllib.parse import quote

from tests.rest import api


class Artifacts:
    """One run's artifacts; `url` leads to its root."""

    def __init__(self, session, server, run_id, uri):
        self.session = session
        self.server = server
        self.run_id = run_id
        self.root = uri.removeprefix("mlflow-artifacts:/")
        self.proxy = f"{server}/api/2.0/mlflow-artifacts"
        self.url = f"{self.proxy}/artifacts/{self.root}"

    @classmethod
    async def of_new_run(cls, session, server, experiment="0"):
        async with api(server) as rest:
            run_id = await rest.new_run(experiment)
            info = (await rest.get("runs/get", run_id=run_id)).body["run"]["info"]
        return cls(session, server, run_id, info["artifact_uri"])

    async def put(self, name, data, **options):
        async with self.session.put(f"{self.url}/{quote(name)}", data=data, **options) as answer:
            return answer.status, await answer.json()

    async def get(self, name, **headers):
        target = f"{self.url}/{quote(name)}"
        async with self.session.get(target, headers=headers) as answer:
            return answer.status, await answer.read()

    async def list(self, path=""):
        """List as the clients do, through the proxy."""
        full = f"{self.root}/{path}" if path else self.root
        async with self.session.get(f"{self.proxy}/artifacts", params={"path": full}) as answer:
            assert answer.status == 200, await answer.text()
            return {f["path"]: f.get("file_size") for f in (await answer.json())["files"]}

    async def list_page(self, path="", token=""):
        """List as the UI does, through the run."""
        query = {"run_id": self.run_id, "path": path, "page_token": token}
        target = f"{self.server}/ajax-api/2.0/mlflow/artifacts/list"
        async with self.session.get(target, params=query) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def delete(self, path):
        async with self.session.delete(f"{self.url}/{quote(path)}") as answer:
            return answer.status
