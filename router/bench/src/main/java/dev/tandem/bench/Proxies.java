// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench;

import java.io.File;
import java.io.IOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * The catalogue of proxies that Tandem is measured beside, each in front of the same workers. Immutable.
 *
 * @param workers Ports of the fake workers.
 * @param connections Most client connections that a proxy must hold.
 */
public record Proxies(List<Integer> workers, int connections) {
    private static final int MAX_PORT_DRAWS = 100;
    private static final int FIRST_PORT = 20_000;

    /** Where Linux starts by default (net.ipv4.ip_local_port_range). */
    private static final int FIRST_EPHEMERAL_PORT = 32_768;

    private static final String UNKNOWN = "unknown";

    private static final Pattern VERSION = Pattern.compile("\\d+(\\.\\d+)+");

    private static final String NGINX = """
        worker_processes 1;
        worker_rlimit_nofile 65536;
        pid {dir}/nginx.pid;
        error_log {dir}/error.log;
        daemon off;
        events { worker_connections 32768; }
        http {
          access_log {dir}/access.log;
          client_body_temp_path {dir}/body;
          proxy_temp_path {dir}/proxy;
          fastcgi_temp_path {dir}/fastcgi;
          uwsgi_temp_path {dir}/uwsgi;
          scgi_temp_path {dir}/scgi;
          keepalive_requests 100000000;
          client_max_body_size 64m;
          upstream workers {
        {servers}    keepalive 256;
            keepalive_requests 100000000;
          }
          server {
            listen 127.0.0.1:{port} backlog=16384;
            location / {
              proxy_pass http://workers;
              proxy_http_version 1.1;
              proxy_set_header Connection "";
              proxy_buffering off;
              proxy_request_buffering off;
              proxy_read_timeout 300s;
            }
          }
        }
        """;

    public Proxies {
        workers = List.copyOf(workers);
    }

    /**
     * nginx as a streaming reverse proxy: one worker process, no buffering, kept connections, its default access log.
     */
    ProxyProcess.Spec nginx() throws IOException {
        int port = freePort();
        String servers = "";
        for (int worker : workers) {
            servers += "    server 127.0.0.1:" + worker + " max_fails=0;\n";
        }
        String config = NGINX.replace("{servers}", servers).replace("{port}", Integer.toString(port));
        List<String> command = List.of("nginx", "-e", "{dir}/error.log", "-p", "{dir}", "-c", "{dir}/nginx.conf");
        return ProxyProcess.Spec.of("nginx", version("nginx", "-v"), port, command)
                .with("nginx.conf", config);
    }

    /** HAProxy with one thread, kept and shared connections, without its buffering delay, without a log. */
    ProxyProcess.Spec haproxy() throws IOException {
        int port = freePort();
        StringBuilder servers = new StringBuilder();
        for (int worker : workers) {
            servers.append("  server w").append(worker).append(" 127.0.0.1:").append(worker);
            servers.append(" pool-max-conn -1\n");
        }
        String config = """
                global
                  nbthread 1
                  maxconn %d
                defaults
                  mode http
                  option http-no-delay
                  option http-keep-alive
                  http-reuse always
                  timeout connect 5s
                  timeout client 300s
                  timeout server 300s
                frontend in
                  bind 127.0.0.1:%d backlog 16384
                  default_backend workers
                backend workers
                  balance roundrobin
                %s""".formatted(connections, port, servers);
        List<String> command = List.of("haproxy", "-db", "-f", "{dir}/haproxy.cfg");
        return ProxyProcess.Spec.of("HAProxy", version("haproxy", "-v"), port, command)
                .with("haproxy.cfg", config);
    }

    /** vllm-router from a Python environment, with one of its policies. */
    ProxyProcess.Spec vllmRouter(Path environment, String policy) throws IOException {
        int port = freePort();
        List<String> command =
                new ArrayList<>(List.of(environment.resolve("bin/vllm-router").toString()));
        command.addAll(List.of("--host", "127.0.0.1", "--port", Integer.toString(port)));
        command.addAll(List.of("--prometheus-port", Integer.toString(freePort()), "--prometheus-host", "127.0.0.1"));
        command.addAll(List.of("--policy", policy, "--log-level", "warning"));
        command.addAll(List.of("--max-concurrent-requests", "20000", "--request-timeout-secs", "600"));
        command.add("--worker-urls");
        command.addAll(urls());
        String version = packageVersion(environment, "vllm_router");
        return ProxyProcess.Spec.of("vllm-router " + policy, version, port, command);
    }

    /** vllm-router with separate prefill and decode workers. */
    public ProxyProcess.Spec vllmRouterDisaggregated(Path environment) throws IOException {
        int port = freePort();
        List<String> command =
                new ArrayList<>(List.of(environment.resolve("bin/vllm-router").toString()));
        command.addAll(List.of("--host", "127.0.0.1", "--port", Integer.toString(port)));
        command.addAll(List.of("--prometheus-port", Integer.toString(freePort()), "--prometheus-host", "127.0.0.1"));
        command.addAll(List.of("--policy", "round_robin", "--log-level", "warning"));
        command.addAll(List.of("--max-concurrent-requests", "20000", "--request-timeout-secs", "600"));
        command.add("--vllm-pd-disaggregation");
        List<String> urls = urls();
        for (int i = 0; i < urls.size(); i++) {
            command.addAll(List.of(i < urls.size() / 2 ? "--prefill" : "--decode", urls.get(i)));
        }
        String version = packageVersion(environment, "vllm_router");
        return ProxyProcess.Spec.of("vllm-router P/D", version, port, command).measuredIn(Cell.exchanges());
    }

    /** SMG from a Python environment, with one of its policies. */
    ProxyProcess.Spec smg(Path environment, String policy) throws IOException {
        int port = freePort();
        List<String> command =
                new ArrayList<>(List.of(environment.resolve("bin/smg").toString(), "launch"));
        command.addAll(List.of("--host", "127.0.0.1", "--port", Integer.toString(port)));
        command.addAll(List.of("--prometheus-port", Integer.toString(freePort()), "--prometheus-host", "127.0.0.1"));
        command.addAll(List.of("--policy", policy, "--log-level", "warn", "--backend", "vllm"));
        command.addAll(List.of("--max-concurrent-requests", "20000", "--disable-tokenizer-autoload"));
        command.add("--worker-urls");
        command.addAll(urls());
        return ProxyProcess.Spec.of("SMG " + policy, packageVersion(environment, "smg"), port, command);
    }

    /** Returns whether a program is on the search path. */
    static boolean installed(String program) {
        return Stream.concat(
                        Stream.of(System.getenv().getOrDefault("PATH", "").split(File.pathSeparator, -1)),
                        Stream.of("/usr/sbin", "/sbin"))
                .anyMatch(directory -> Files.isExecutable(Path.of(directory, program)));
    }

    /** Returns a loopback port that is free now and that no outgoing connection takes before the proxy does. */
    public static int freePort() throws IOException {
        BindException taken = new BindException();
        for (int attempt = 0; attempt < MAX_PORT_DRAWS; attempt++) {
            int port = ThreadLocalRandom.current().nextInt(FIRST_PORT, FIRST_EPHEMERAL_PORT);
            try (ServerSocket socket = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
                return socket.getLocalPort();
            } catch (BindException e) {
                taken = e;
            }
        }
        throw new IOException("no free port between " + FIRST_PORT + " and " + FIRST_EPHEMERAL_PORT, taken);
    }

    /** Returns the base address of each worker. */
    List<String> urls() {
        return workers.stream().map(port -> "http://127.0.0.1:" + port).toList();
    }

    /** Returns the indexes of the workers. */
    IntStream indexes() {
        return IntStream.range(0, workers.size());
    }

    /** Returns the version that a program tells of itself, {@code unknown} where it is not installed. */
    static String version(String... command) throws IOException {
        if (!installed(command[0])) {
            return UNKNOWN;
        }
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        try {
            process.waitFor(5, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        Matcher matcher = VERSION.matcher(text);
        return matcher.find() ? matcher.group() : UNKNOWN;
    }

    /** Returns the version in the name of the package's metadata directory. */
    private static String packageVersion(Path environment, String name) throws IOException {
        try (Stream<Path> found = Files.walk(environment, 4)) {
            return found.map(path -> path.getFileName().toString())
                    .filter(each -> each.startsWith(name + "-") && each.endsWith(".dist-info"))
                    .map(each -> each.substring(name.length() + 1, each.length() - ".dist-info".length()))
                    .findFirst()
                    .orElse(UNKNOWN);
        }
    }
}
