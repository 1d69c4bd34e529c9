// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.stress;

import dev.tandem.bench.Machine;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Entry point of the process of an engine that answers as its clients wish; each connection has a virtual thread. It
 * tells its port and every peer that leaves on its standard output and ends with its standard input.
 */
@Command(name = "engine", hidden = true)
final class StressEngine implements Callable<Integer> {
    /** Begins the line that tells the port. */
    static final String PORT = "port ";

    /** Begins the line that tells of a peer that left: id of the request, nanoseconds of the machine's clock. */
    static final String GONE = "gone ";

    private static final String EVENT =
            "data: {\"choices\":[{\"index\":0,\"text\":\" word\",\"finish_reason\":null}]}\n\n";
    private static final String LARGE_EVENT = "data: {\"choices\":[{\"text\":\"" + "flood ".repeat(2_000) + "\"}]}\n\n";

    @Option(names = "--slots")
    private int slots = 16;

    private Semaphore working = new Semaphore(0);

    /** Runs the command line and ends the process. */
    public static void main(String[] arguments) {
        System.exit(new CommandLine(new StressEngine()).execute(arguments));
    }

    /** Starts the process. */
    static Process start(int slots) throws IOException {
        return Machine.start(StressEngine.class, List.of("--slots", Integer.toString(slots)));
    }

    /** Returns the port of a process that has just been started. */
    static int port(BufferedReader output) throws IOException {
        String line = output.readLine();
        if (line == null || !line.startsWith(PORT)) {
            throw new IOException("the engine did not start: " + line);
        }
        return Integer.parseInt(line.substring(PORT.length()));
    }

    @Override
    public Integer call() throws IOException {
        working = new Semaphore(slots);
        try (ServerSocket listener = new ServerSocket(0, 16_384, InetAddress.getLoopbackAddress())) {
            say(PORT + listener.getLocalPort());
            Thread.startVirtualThread(() -> accept(listener));
            while (System.in.read() >= 0) {
                Thread.onSpinWait();
            }
        }
        return 0;
    }

    private static synchronized void say(String line) {
        System.out.println(line);
    }

    private void accept(ServerSocket listener) {
        while (!listener.isClosed()) {
            try {
                Socket socket = listener.accept();
                Thread.startVirtualThread(() -> serve(socket));
            } catch (IOException closed) {
                return;
            }
        }
    }

    private void serve(Socket socket) {
        try (socket) {
            socket.setTcpNoDelay(true);
            InputStream in = Http.buffered(socket.getInputStream());
            while (true) {
                Http.Head head = Http.head(in);
                answer(head, Http.body(in, head), socket, in);
            }
        } catch (IOException gone) {
            // the next one has a connection of its own
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void answer(Http.Head head, String body, Socket socket, InputStream in)
            throws IOException, InterruptedException {
        OutputStream out = socket.getOutputStream();
        switch (head.path()) {
            case "/v1/completions" -> {
                Wish wish = Wish.in(body);
                switch (wish.kind()) {
                    case WORK -> work(wish, out);
                    case DRIP -> drip(wish, socket, in);
                    case FLOOD -> flood(out);
                }
            }
            case "/v1/models" -> json(out, "{\"object\":\"list\",\"data\":[{\"id\":\"m\",\"object\":\"model\"}]}");
            default -> json(out, "{}");
        }
    }

    private void work(Wish wish, OutputStream out) throws IOException, InterruptedException {
        working.acquire();
        try {
            Thread.sleep(Duration.ofMillis(wish.millis()));
        } finally {
            working.release();
        }
        json(out, "{\"choices\":[{\"index\":0,\"text\":\" done\",\"finish_reason\":\"stop\"}]}");
    }

    /** Nothing comes from a peer that waits for its answer: what ends the reading is its leaving. */
    private static void drip(Wish wish, Socket socket, InputStream in) throws IOException, InterruptedException {
        AtomicBoolean left = new AtomicBoolean();
        Thread.startVirtualThread(() -> {
            try {
                in.read();
            } catch (IOException reset) {
                // as if it had ended
            }
            noteLeft(wish, left);
        });
        try {
            drip(wish, socket.getOutputStream());
        } catch (IOException gone) {
            noteLeft(wish, left);
            throw gone;
        }
        left.set(true);
        socket.close(); // one stream on each connection
    }

    private static void drip(Wish wish, OutputStream out) throws IOException, InterruptedException {
        streamHead(out);
        for (int i = 0; i < wish.count(); i++) {
            Thread.sleep(Duration.ofMillis(wish.millis()));
            chunk(out, EVENT);
        }
        chunk(out, "data: [DONE]\n\n");
        out.write("0\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
        out.flush();
    }

    private static void noteLeft(Wish wish, AtomicBoolean left) {
        if (left.compareAndSet(false, true)) {
            say(GONE + wish.id() + " " + System.nanoTime());
        }
    }

    private static void flood(OutputStream out) throws IOException {
        streamHead(out);
        while (true) {
            chunk(out, LARGE_EVENT);
        }
    }

    private static void streamHead(OutputStream out) throws IOException {
        out.write("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
                .getBytes(StandardCharsets.US_ASCII));
        out.flush();
    }

    private static void chunk(OutputStream out, String text) throws IOException {
        out.write((Integer.toHexString(text.length()) + "\r\n" + text + "\r\n").getBytes(StandardCharsets.US_ASCII));
        out.flush();
    }

    private static void json(OutputStream out, String text) throws IOException {
        out.write(("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: " + text.length() + "\r\n\r\n"
                        + text)
                .getBytes(StandardCharsets.US_ASCII));
        out.flush();
    }
}
