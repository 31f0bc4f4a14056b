#!/usr/bin/env python3
"""The example tests/example/proxy under thousands of connections.

  tests/example/proxy_test.py PROXY

Exits with 77 if there is no parser of OpenMetrics. Every process is on 127.0.0.1, with ports that
the kernel chooses. Waits for what should happen, and judges no time.
"""

import asyncio
import os
import resource
import signal
import subprocess
import sys
import tempfile
import unittest

try:
    from prometheus_client.openmetrics.parser import text_string_to_metric_families
except ImportError:
    print("skipped: no module prometheus_client (Debian: python3-prometheus-client)")
    sys.exit(77)

PROXY = os.path.abspath(sys.argv.pop(1))
MOST_SECONDS = 250  # ends what hangs, before the timeout of ctest does
AT_ONCE = 100  # connections that are being made


def connections_that_fit():
    """2,000, or what the limit on open files allows: two here for each, and some."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return 2000 if hard == resource.RLIM_INFINITY else max(10, min(2000, (hard - 100) // 2))


started = []  # the processes of proxies that have not ended


class Proxy:
    """The proxy, in front of an echo server in this process."""

    async def start(self, policies, most_files=None):
        def limit():
            if most_files is not None:
                resource.setrlimit(resource.RLIMIT_NOFILE, (most_files, most_files))

        self.folder = tempfile.TemporaryDirectory(prefix="proxy_test.")
        self.policy_file = os.path.join(self.folder.name, "policies")
        self.metrics_file = os.path.join(self.folder.name, "metrics")
        self.write(policies)
        self.echo = await asyncio.start_server(self.serve, "127.0.0.1", 0, backlog=4096)
        port = self.echo.sockets[0].getsockname()[1]
        self.process = await asyncio.create_subprocess_exec(
            PROXY,
            str(port),
            self.policy_file,
            self.metrics_file,
            stdout=subprocess.PIPE,
            preexec_fn=limit,
        )
        started.append(self.process.pid)
        self.ports = await self.read_ports()
        return self

    @staticmethod
    async def serve(reader, writer):
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
            writer.write_eof()
        except OSError:
            pass
        writer.close()

    async def read_ports(self):
        ports = {}
        while (line := (await self.process.stdout.readline()).decode()) != "ready\n":
            words = line.split()
            assert words[0::2] == ["tenant", "port"], line
            ports[int(words[1])] = int(words[3])
        return ports

    def write(self, policies):
        with open(self.policy_file, "w") as file:
            for tenant, (chunk, is_open) in policies.items():
                print(f"tenant {tenant} chunk {chunk} open {is_open}", file=file)

    async def metrics(self):
        """What the proxy writes now."""
        before = self.identity()
        self.process.send_signal(signal.SIGUSR1)
        while self.identity() == before:
            await asyncio.sleep(0.01)
        return self.parsed()

    def identity(self):
        try:
            with open(self.metrics_file) as file:
                return file.read()
        except FileNotFoundError:
            return None

    def parsed(self):
        with open(self.metrics_file, newline="\n") as file:
            families = text_string_to_metric_families(file.read())
        return {
            (s.name, s.labels.get("map") or s.labels.get("tenant"), s.labels.get("state")): s.value
            for family in families
            for s in family.samples
        }

    async def until(self, key, value):
        while (metrics := await self.metrics()).get(key, 0) != value:
            pass
        return metrics

    async def reload(self, policies):
        self.write(policies)
        reloads = (await self.metrics())[("proxy_reloads_total", None, None)]
        self.process.send_signal(signal.SIGHUP)
        return await self.until(("proxy_reloads_total", None, None), reloads + 1)

    async def connect(self, tenant):
        return await asyncio.open_connection("127.0.0.1", self.ports[tenant])

    async def end(self):
        self.process.send_signal(signal.SIGTERM)
        code = await self.process.wait()
        started.remove(self.process.pid)
        self.echo.close()
        self.final = self.parsed()
        self.folder.cleanup()
        return code


async def echoed(connection, data):
    reader, writer = connection
    writer.write(data)
    await writer.drain()
    return await reader.readexactly(len(data)) == data


async def is_served(connection):
    """Whether it echoes, and does not end."""
    try:
        return await echoed(connection, b"served?")
    except (ConnectionError, asyncio.IncompleteReadError):
        return False


async def has_ended(connection):
    try:
        return await connection[0].read(1) == b""
    except ConnectionError:
        return True


CONNECTIONS = ("proxy_connections", None, None)


class ProxyTest(unittest.TestCase):
    def tearDown(self):  # after a failure no proxy stays behind
        while started:
            os.kill(started.pop(), signal.SIGKILL)

    async def run_bounded(self, test):
        await asyncio.wait_for(test, MOST_SECONDS)

    async def connect_all(self, proxy, tenants, count):
        made = []
        while len(made) < count:
            some = range(len(made), min(count, len(made) + AT_ONCE))
            made += await asyncio.gather(*(proxy.connect(tenants[i % len(tenants)]) for i in some))
        return made

    def test_thousands_of_connections(self):
        asyncio.run(self.run_bounded(self.thousands_of_connections()))

    async def thousands_of_connections(self):
        proxy = await Proxy().start({1: (4096, 1), 2: (100, 1), 3: (4096, 1)})
        self.assertEqual(sorted(proxy.ports), [1, 2, 3])
        count = connections_that_fit() // 3 * 3
        made = await self.connect_all(proxy, [1, 2, 3], count)
        data = [f"connection {i} ".encode() * 40 for i in range(count)]
        self.assertTrue(all(await asyncio.gather(*map(echoed, made, data))))
        metrics = await proxy.until(CONNECTIONS, count)
        # Shapes: two of them, for all. Tenants: the map, the listener and the connections.
        self.assertEqual(metrics[("inlay_map_indexes", "shape", "live")], 2)
        self.assertEqual(metrics[("inlay_map_indexes", "tenant", "live")], 3)
        self.assertEqual(metrics[("inlay_map_spilled_owners", "shape", None)], 0)
        for tenant in "123":
            self.assertEqual(
                metrics[("proxy_tenant_holders", tenant, None)], count // 3 + 1, tenant
            )

        # A reload: other shapes for live connections, the end of tenant 3, and a new tenant.
        metrics = await proxy.reload({1: (50, 1), 2: (60, 1), 3: (70, 0), 4: (80, 1)})
        self.assertEqual(metrics[("inlay_map_spilled_owners", "shape", None)], 0)
        self.assertTrue(all(await asyncio.gather(*map(has_ended, made[2::3]))))
        live = made[0::3] + made[1::3]
        self.assertTrue(all(await asyncio.gather(*map(echoed, live, data))))
        metrics = await proxy.until(CONNECTIONS, len(live))
        self.assertEqual(metrics[("inlay_map_indexes", "shape", "live")], 4)
        self.assertEqual(metrics[("inlay_map_indexes", "tenant", "live")], 4)
        refused = await proxy.connect(3)
        self.assertTrue(await has_ended(refused))

        # A file that is wrong changes nothing.
        with open(proxy.policy_file, "w") as file:
            file.write("tenant 1 chunk 0 open 1\n")
        proxy.process.send_signal(signal.SIGHUP)
        self.assertTrue(await echoed(live[0], b"still there"))

        # Half of them end by themselves: what they had comes back first.
        for _, writer in live[0::2]:
            writer.write_eof()
        self.assertTrue(all(await asyncio.gather(*map(has_ended, live[0::2]))))
        await proxy.until(CONNECTIONS, len(live) - len(live[0::2]))

        self.assertEqual(await proxy.end(), 0, "a policy was still held")
        metrics = proxy.final
        for name in ("shape", "tenant"):
            self.assertEqual(metrics[("inlay_map_indexes", name, "live")], 0)
        self.assertEqual(metrics[CONNECTIONS], 0)
        for _, writer in made + [refused]:
            writer.close()

    def test_a_restart_keeps_ports_and_connections(self):
        asyncio.run(self.run_bounded(self.restart()))

    async def restart(self):
        proxy = await Proxy().start({1: (4096, 1), 2: (100, 1)})
        made = await self.connect_all(proxy, [1, 2], 200)
        self.assertTrue(all(await asyncio.gather(*(echoed(c, b"before") for c in made))))
        ports = proxy.ports
        proxy.write({1: (0, 1)})  # nobody could start with that, so nobody ends for it
        proxy.process.send_signal(signal.SIGUSR2)
        self.assertTrue(all(await asyncio.gather(*(echoed(c, b"still there") for c in made))))
        proxy.write({1: (30, 1), 2: (40, 1)})
        proxy.process.send_signal(signal.SIGUSR2)
        self.assertEqual(await proxy.read_ports(), ports)
        self.assertTrue(all(await asyncio.gather(*(echoed(c, b"after" * 30) for c in made))))
        fresh = await proxy.connect(2)
        self.assertTrue(await echoed(fresh, b"new"))
        metrics = await proxy.until(CONNECTIONS, 201)
        self.assertEqual(metrics[("proxy_tenant_holders", "1", None)], 101)
        self.assertEqual(metrics[("proxy_tenant_holders", "2", None)], 102)
        self.assertEqual(metrics[("inlay_map_indexes", "shape", "live")], 2)

        # A tenant that is not in the file any more loses its connections.
        await proxy.reload({2: (40, 1)})
        self.assertTrue(all(await asyncio.gather(*map(has_ended, made[0::2]))))
        self.assertTrue(await echoed(made[1], b"other tenant"))
        self.assertEqual(await proxy.end(), 0, "a policy was still held")
        for _, writer in made + [fresh]:
            writer.close()

    def test_more_tenants_than_indexes_of_shapes(self):
        asyncio.run(self.run_bounded(self.many_tenants()))

    async def many_tenants(self):
        if connections_that_fit() < 1200:
            self.skipTest("the limit on open files allows no 1,100 listeners")
        policies = {tenant: (4096, 1) for tenant in range(1, 1101)}
        proxy = await Proxy().start(policies)
        made = await asyncio.gather(proxy.connect(1), proxy.connect(1100))
        self.assertTrue(all(await asyncio.gather(*(echoed(c, b"one shape") for c in made))))
        metrics = await proxy.reload(policies | {1100: (4096, 0)})
        self.assertEqual(metrics[("inlay_map_indexes", "shape", "live")], 1)
        self.assertTrue(await has_ended(made[1]))
        self.assertTrue(await echoed(made[0], b"the other tenant"))
        self.assertEqual(await proxy.end(), 0, "a policy was still held")
        for _, writer in made:
            writer.close()

    def test_without_descriptors_clients_are_refused(self):
        asyncio.run(self.run_bounded(self.without_descriptors()))

    async def without_descriptors(self):
        # A connection takes two: with one left, the proxy can accept another client, or cannot.
        for most_files in (30, 31):
            proxy = await Proxy().start({1: (4096, 1)}, most_files)
            made = [await proxy.connect(1) for _ in range(20)]
            served = await asyncio.gather(*map(is_served, made))
            self.assertIn(True, served)
            self.assertIn(False, served)
            self.assertEqual(await proxy.end(), 0, "a policy was still held")
            for _, writer in made:
                writer.close()


if __name__ == "__main__":
    unittest.main()
