// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.stress.field;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Entry point of the process of an engine that answers as its clients wish; each connection has a virtual thread. On
 * several ports it is as many workers. It tells its ports and every peer that leaves on its standard output and ends
 * with its standard input.
 */
@Command(name = "engine", hidden = true)
final class StressEngine implements Callable<Integer> {
    /** Begins the line that tells the ports. */
    static final String PORTS = "ports ";

    /** Begins the line that tells of a peer that left: id of the request, nanoseconds of the machine's clock. */
    static final String GONE = "gone ";

    /** Path under which it tells how many streams it works on. */
    static final String OPEN = "/open";

    /** Body of an answer that is no stream. */
    static final String WHOLE = "{\"choices\":[{\"index\":0,\"text\":\" done\",\"finish_reason\":\"stop\"}]}";

    private static final String EVENT =
            "data: {\"choices\":[{\"index\":0,\"text\":\" word\",\"finish_reason\":null}]}\n\n";
    private static final String LARGE_EVENT = "data: {\"choices\":[{\"text\":\"" + "flood ".repeat(2_000) + "\"}]}\n\n";

    private static final String STREAM_HEAD =
            "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    private static final String END = chunk("data: [DONE]\n\n") + "0\r\n\r\n";

    @Option(names = "--slots")
    private int slots = 16;

    @Option(names = "--model")
    private String model = "";

    @Option(names = "--ports", split = ",")
    private List<Integer> ports = List.of(0);

    private Semaphore working = new Semaphore(0);
    private final AtomicInteger open = new AtomicInteger();

    /** Requests that have met their fault. */
    private final Set<Integer> failed = ConcurrentHashMap.newKeySet();

    /** Runs the command line and ends the process. */
    public static void main(String[] arguments) {
        System.exit(new CommandLine(new StressEngine()).execute(arguments));
    }

    @Override
    public Integer call() throws IOException {
        working = new Semaphore(slots);
        StringBuilder line = new StringBuilder(PORTS);
        for (int port : ports) {
            ServerSocket listener = new ServerSocket(port, 16_384, InetAddress.getLoopbackAddress());
            Thread.startVirtualThread(() -> accept(listener));
            line.append(listener.getLocalPort()).append(' ');
        }
        say(line.toString().trim());
        while (System.in.read() >= 0) {
            Thread.onSpinWait();
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
            case "/v1/completions" -> grant(Wish.in(body), socket, in);
            case "/v1/models" ->
                json(out, "{\"object\":\"list\",\"data\":[{\"id\":\"" + model + "\",\"object\":\"model\"}]}");
            case OPEN -> json(out, open.toString());
            default -> json(out, "{}");
        }
    }

    private void grant(Wish wish, Socket socket, InputStream in) throws IOException, InterruptedException {
        OutputStream out = socket.getOutputStream();
        switch (wish.kind()) {
            case DRIP -> drip(wish, socket, in);
            case FLOOD -> flood(out);
            case BURST -> burst(wish, out);
            case CUT -> cut(wish, out);
            case WORK -> work(wish, out);
            case REFUSE, RESET, HALF -> {
                if (failed.add(wish.id())) {
                    fail(wish, socket);
                } else {
                    failed.remove(wish.id());
                    work(wish, out);
                }
            }
        }
    }

    private void work(Wish wish, OutputStream out) throws IOException, InterruptedException {
        working.acquire();
        try {
            pause(wish);
        } finally {
            working.release();
        }
        json(out, WHOLE);
    }

    private static void fail(Wish wish, Socket socket) throws IOException {
        OutputStream out = socket.getOutputStream();
        switch (wish.kind()) {
            case REFUSE -> answer(out, "500 Internal Server Error", "{\"error\":{\"message\":\"no\",\"code\":500}}");
            case HALF -> {
                write(out, head("200 OK", WHOLE) + WHOLE.substring(0, WHOLE.length() / 2));
                socket.close();
            }
            case RESET, DRIP, FLOOD, BURST, CUT, WORK -> {
                socket.setSoLinger(true, 0);
                socket.close();
            }
        }
    }

    private static void burst(Wish wish, OutputStream out) throws IOException, InterruptedException {
        pause(wish);
        StringBuilder all = new StringBuilder(STREAM_HEAD);
        for (int i = 0; i < wish.count(); i++) {
            all.append(chunk(EVENT));
        }
        write(out, all.append(END).toString());
    }

    private static void cut(Wish wish, OutputStream out) throws IOException, InterruptedException {
        pause(wish);
        StringBuilder half = new StringBuilder(STREAM_HEAD);
        for (int i = 0; i < wish.count() / 2; i++) {
            half.append(chunk(EVENT));
        }
        write(out, half.toString());
        throw new IOException("cut");
    }

    /** Nothing comes from a peer that waits for its answer: what ends the reading is its leaving. */
    private void drip(Wish wish, Socket socket, InputStream in) throws IOException, InterruptedException {
        AtomicBoolean left = new AtomicBoolean();
        Thread.startVirtualThread(() -> {
            try {
                in.read();
            } catch (IOException reset) {
                // as if it had ended
            }
            noteLeft(wish, left);
        });
        open.incrementAndGet();
        try {
            drip(wish, socket.getOutputStream());
        } catch (IOException gone) {
            noteLeft(wish, left);
            throw gone;
        } finally {
            open.decrementAndGet();
        }
        left.set(true);
        socket.close(); // one stream on each connection
    }

    private static void drip(Wish wish, OutputStream out) throws IOException, InterruptedException {
        write(out, STREAM_HEAD);
        for (int i = 0; i < wish.count(); i++) {
            pause(wish);
            write(out, chunk(EVENT));
        }
        write(out, END);
    }

    private static void noteLeft(Wish wish, AtomicBoolean left) {
        if (left.compareAndSet(false, true)) {
            say(GONE + wish.id() + " " + System.nanoTime());
        }
    }

    private static void flood(OutputStream out) throws IOException {
        write(out, STREAM_HEAD);
        String event = chunk(LARGE_EVENT);
        while (true) {
            write(out, event);
        }
    }

    private static void pause(Wish wish) throws InterruptedException {
        if (wish.millis() > 0) {
            Thread.sleep(Duration.ofMillis(wish.millis()));
        }
    }

    private static void json(OutputStream out, String text) throws IOException {
        answer(out, "200 OK", text);
    }

    private static void answer(OutputStream out, String status, String text) throws IOException {
        write(out, head(status, text) + text);
    }

    private static String head(String status, String text) {
        return "HTTP/1.1 " + status + "\r\ncontent-type: application/json\r\ncontent-length: " + text.length()
                + "\r\n\r\n";
    }

    private static String chunk(String text) {
        return Integer.toHexString(text.length()) + "\r\n" + text + "\r\n";
    }

    private static void write(OutputStream out, String text) throws IOException {
        out.write(text.getBytes(StandardCharsets.US_ASCII));
        out.flush();
    }
}
