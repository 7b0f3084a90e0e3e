"""The Python language host, for a `pulumi` that was built without one: starts programs, and policy packs.

What it starts is Pulumi's own: for programs the executor that comes with the Go SDK, for packs
`python -m pulumi.policy`. The engine attaches to it with PULUMI_DEBUG_LANGUAGES and downloads nothing.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from google.protobuf import empty_pb2
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2

from tests.engine.provider_helpers import serving

EXECUTOR = "pulumi-language-python-exec"


class LanguageHost(language_pb2_grpc.LanguageRuntimeServicer):
    """Runs everything with the interpreter of the tests: the project's own environment."""

    def __init__(self, executor: Path) -> None:
        self._executor = executor
        self._engine = ""

    def Handshake(self, request: Any, context: Any) -> language_pb2.LanguageHandshakeResponse:
        self._engine = request.engine_address
        return language_pb2.LanguageHandshakeResponse()

    def GetPluginInfo(self, request: Any, context: Any) -> plugin_pb2.PluginInfo:
        return plugin_pb2.PluginInfo(version="0.0.0")

    def GetRequiredPackages(self, request: Any, context: Any) -> language_pb2.GetRequiredPackagesResponse:
        return language_pb2.GetRequiredPackagesResponse()

    def GetRequiredPlugins(self, request: Any, context: Any) -> language_pb2.GetRequiredPluginsResponse:
        return language_pb2.GetRequiredPluginsResponse()

    def InstallDependencies(self, request: Any, context: Any) -> Iterator[Any]:
        return iter(())

    def GetProgramDependencies(
        self, request: Any, context: Any
    ) -> language_pb2.GetProgramDependenciesResponse:
        return language_pb2.GetProgramDependenciesResponse()

    def Cancel(self, request: Any, context: Any) -> empty_pb2.Empty:
        return empty_pb2.Empty()

    def Run(self, request: Any, context: Any) -> language_pb2.RunResponse:
        """One run of the program, as the official host starts it."""
        settings = {
            "--monitor": request.monitor_address,
            "--engine": self._engine,
            "--project": request.project,
            "--stack": request.stack,
            "--organization": request.organization,
            "--root_directory": request.info.root_directory,
            "--pwd": request.pwd,
            "--parallel": str(request.parallel),
            "--dry_run": "true" if request.dryRun else "false",
        }
        arguments = [part for pair in settings.items() for part in pair]
        main = str(Path(request.info.program_directory) / request.info.entry_point)
        environment = {
            "PULUMI_CONFIG": json.dumps(dict(request.config)),
            "PULUMI_CONFIG_SECRET_KEYS": json.dumps(list(request.configSecretKeys)),
        }
        command = [sys.executable, "-u", str(self._executor), *arguments, main, *request.args]
        program = subprocess.Popen(
            command,
            cwd=request.pwd,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        # An engine that failed does not answer any more, and the program would wait for it for ever.
        context.add_callback(program.kill)
        told, _ = program.communicate()
        if program.returncode:
            return language_pb2.RunResponse(error=f"the program ended with {program.returncode}:\n{told}")
        return language_pb2.RunResponse()

    def RunPlugin(self, request: Any, context: Any) -> Iterator[Any]:
        """A policy pack: its first line is the port it listens on, so lines are handed on as they come."""
        command = [sys.executable, "-u", "-m", "pulumi.policy", *request.args, request.info.program_directory]
        with subprocess.Popen(
            command,
            cwd=request.pwd,
            env=dict(pair.split("=", 1) for pair in request.env) or dict(os.environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        ) as process:
            context.add_callback(process.kill)
            assert process.stdout is not None
            for line in process.stdout:
                yield language_pb2.RunPluginResponse(stdout=line)
            yield language_pb2.RunPluginResponse(exitcode=process.wait())


@contextmanager
def language_host(executor: Path) -> Iterator[int]:
    """The port of a language host."""
    with serving(
        lambda server: language_pb2_grpc.add_LanguageRuntimeServicer_to_server(LanguageHost(executor), server)
    ) as port:
        yield port
