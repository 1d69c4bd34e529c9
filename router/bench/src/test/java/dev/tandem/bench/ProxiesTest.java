// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

class ProxiesTest {
    private static final Proxies PROXIES = new Proxies(List.of(9_001, 9_002, 9_003, 9_004), 1_256);

    @Test
    void aFreePortCanBeBoundAndIsNotEphemeral() throws IOException {
        int port = Proxies.freePort();
        assertThat(port).isBetween(20_000, 32_767);
        new ServerSocket(port, 1, InetAddress.getLoopbackAddress()).close();
    }

    @Test
    void nginxConfigurationNamesItsPortAndEveryWorker() throws IOException {
        ProxyProcess.Spec nginx = PROXIES.nginx();
        assertThat(nginx.files().get("nginx.conf"))
                .contains("listen 127.0.0.1:" + nginx.port() + " ", "server 127.0.0.1:9001 ", "server 127.0.0.1:9004 ")
                .doesNotContain("{servers}", "{port}");
    }

    @Test
    void haproxyHoldsEveryStreamAndNothingBack() throws IOException {
        assertThat(PROXIES.haproxy().files().get("haproxy.cfg"))
                .contains("maxconn 1256", "option http-no-delay", "127.0.0.1:9003");
    }

    @Test
    void aProgramThatIsNotInstalledHasNoVersion() throws IOException {
        assertThat(Proxies.version("tandem-no-such-proxy", "-v")).isEqualTo("unknown");
        assertThat(Proxies.version("bash", "--version")).matches("\\d+(\\.\\d+)+");
    }

    @Test
    void tandemGetsItsWorkersRolesAndExtraOptions(@TempDir Path directory) throws IOException {
        Path options = Files.writeString(
                directory.resolve("options"),
                "# comment\n--tandem.retry.max-attempts=1\nROUTING_POLICY_PREFILL=random\n");
        Holder holder = new Holder();
        new CommandLine(holder)
                .parseArgs("--tandem-jar", "/x/tandem-gateway-1.2-exec.jar", "--tandem-options", options.toString());
        ProxyProcess.Spec one = holder.tandem.unified(PROXIES);
        assertThat(one.command())
                .contains(
                        "--server.port=" + one.port(),
                        "--tandem.workers[3].url=http://127.0.0.1:9004",
                        "--tandem.workers[0].role=unified",
                        "--tandem.retry.max-attempts=1")
                .doesNotContain("--tandem.disagg.connector=shared-cache");
        assertThat(one.version()).isEqualTo("1.2");
        assertThat(one.environment()).containsEntry("ROUTING_POLICY_PREFILL", "random");
        assertThat(holder.tandem.disaggregated(PROXIES).command())
                .contains(
                        "--tandem.workers[1].role=prefill",
                        "--tandem.workers[2].role=decode",
                        "--tandem.disagg.connector=shared-cache");
    }

    /** The options as the command line fills them. */
    @Command
    private static final class Holder {
        @Mixin
        private TandemOptions tandem = new TandemOptions();
    }
}
