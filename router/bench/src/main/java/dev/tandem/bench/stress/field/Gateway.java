// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.stress.field;

import dev.tandem.bench.Proxies;
import dev.tandem.bench.ProxyProcess;
import dev.tandem.bench.TandemOptions;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/** A gateway that runs. Used by one thread; vitals and meters by any. */
public final class Gateway implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(2);

    private final ProxyProcess process;
    private final int managementPort;
    private final Vitals vitals;

    private Gateway(ProxyProcess process, int managementPort) {
        this.process = process;
        this.managementPort = managementPort;
        this.vitals = Vitals.of(process.pid());
    }

    /**
     * Starts one and returns when it is ready; nobody holds a connection to it then.
     *
     * @param folder A new folder for its files.
     * @param cores Cores in the form of {@code taskset -c}; empty for any.
     */
    static Gateway start(TandemOptions options, List<String> settings, Path folder, String cores) throws IOException {
        int managementPort = Proxies.freePort();
        ProxyProcess.Spec spec = options.with(settings, managementPort);
        return new Gateway(ProxyProcess.start(spec, folder, cores, () -> ready(spec.port())), managementPort);
    }

    public int port() {
        return process.spec().port();
    }

    public Vitals vitals() {
        return vitals;
    }

    public Meters meters() {
        return new Meters(managementPort);
    }

    /** Whether it says that it wants requests. */
    public boolean ready() {
        return ready(port());
    }

    /** Asks the management port. */
    public void manage(String method, String path) throws IOException {
        try (Caller caller = Caller.open(managementPort).patience(PATIENCE)) {
            Answer answer = caller.ask(method, path);
            if (answer.status() >= 300) {
                throw new IOException(method + " " + path + ": " + answer);
            }
        }
    }

    /** Lets it collect its garbage and returns when that is done. */
    public void collect() throws IOException, InterruptedException {
        String jcmd = Path.of(System.getProperty("java.home"), "bin", "jcmd").toString();
        int status = new ProcessBuilder(jcmd, Long.toString(process.pid()), "GC.run")
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start()
                .waitFor();
        if (status != 0) {
            throw new IOException("jcmd: status " + status);
        }
    }

    /** Tells it to end, and returns at once. */
    public void terminate() {
        process.terminate();
    }

    /** Whether it has ended within that time. */
    public boolean ended(Duration patience) throws InterruptedException {
        return process.ended(patience);
    }

    @Override
    public void close() {
        vitals.close();
        process.close();
    }

    private static boolean ready(int port) {
        try (Caller caller = Caller.open(port).patience(PATIENCE)) {
            return caller.ask("GET", "/readyz").status() == 200;
        } catch (IOException notYet) {
            return false;
        }
    }
}
