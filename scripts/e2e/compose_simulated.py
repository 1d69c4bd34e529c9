#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Puts simulated engines in the place of vLLM in a Compose project.

docker compose … config --format json | compose_simulated.py IMAGE >FILE

Every service but the router gets the given image and the simulator's entry point, and keeps its command, its environment
and what it waits for: the arguments that an operator's engines would get are those that the simulator reads.
"""

import ipaddress
import json
import re
import sys

SIMULATOR = ["java", "-cp", "/app/tandem.jar", "dev.tandem.simulator.SimulatorMain", "serve"]
PROBE = ["CMD", "java", "-Xint", "-Xms8m", "-Xmx16m", "-cp", "/app/tools", "HttpProbe"]
JVM = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xmx256m -XX:MaxDirectMemorySize=256m"
KEPT = ("command", "depends_on", "networks", "profiles")


def simulated(service, image, address):
    version = re.search(r":v(\d+\.\d+\.\d+)", service["image"])
    claimed = [f"--sim-version={version.group(1)}"] if version else []
    test = service["healthcheck"]["test"][-1]
    engine = {name: service[name] for name in KEPT if name in service}
    engine |= {
        "image": image,
        "entrypoint": SIMULATOR,
        "command": [*service["command"], "--host=0.0.0.0", "--sim-strict", "--sim-speed=instant", *claimed],
        "environment": {**service["environment"], "JAVA_TOOL_OPTIONS": JVM},
        "healthcheck": {**service["healthcheck"], "test": [*PROBE, test], "interval": "3s", "start_period": "60s"},
    }
    if address:  # vLLM asks its network for it
        engine["environment"]["VLLM_HOST_IP"] = address
        engine["networks"] = {"default": {"ipv4_address": address}}
    return engine


def main():
    project = json.load(sys.stdin)
    pools = project["networks"]["default"].get("ipam", {}).get("config") or []
    hosts = list(ipaddress.ip_network(pools[0]["subnet"]).hosts())[99:] if pools else []
    engines = [name for name in sorted(project["services"]) if name != "router"]
    for number, name in enumerate(engines):
        address = str(hosts[number]) if hosts else ""
        project["services"][name] = simulated(project["services"][name], sys.argv[1], address)
    project["services"]["router"]["depends_on"] = {}
    project.pop("volumes", None)
    json.dump({key: project[key] for key in ("name", "services", "networks")}, sys.stdout)


if __name__ == "__main__":
    main()
