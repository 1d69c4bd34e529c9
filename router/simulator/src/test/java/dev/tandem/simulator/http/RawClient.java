// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.http;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** One plain socket that sends bytes and reads answers as they are framed. */
public final class RawClient implements AutoCloseable {
    private static final int PATIENCE_MILLIS = 20_000;

    private final Socket socket;
    private final InputStream in;

    /** Connects to a port of this machine. */
    public RawClient(int port) throws IOException {
        socket = new Socket(InetAddress.getLoopbackAddress(), port);
        socket.setSoTimeout(PATIENCE_MILLIS);
        in = new BufferedInputStream(socket.getInputStream());
    }

    /** What came back; a chunked body keeps its chunks. */
    public record Response(String statusLine, List<Map.Entry<String, String>> headers, List<byte[]> chunks) {
        /** Returns the first value of a header; empty if it is absent. */
        public String header(String name) {
            return headers.stream()
                    .filter(header -> header.getKey().equalsIgnoreCase(name))
                    .map(Map.Entry::getValue)
                    .findFirst()
                    .orElse("");
        }

        /** Returns the whole body as text. */
        public String body() {
            ByteArrayOutputStream all = new ByteArrayOutputStream();
            chunks.forEach(all::writeBytes);
            return all.toString(StandardCharsets.UTF_8);
        }

        /** Returns the status code. */
        public int status() {
            return Integer.parseInt(statusLine.substring(9, 12));
        }
    }

    /** Makes a POST request with a JSON body. */
    public static String post(String path, String json) {
        return post(path, json, "");
    }

    /** Makes a POST request with a JSON body and more header lines. */
    public static String post(String path, String json, String moreHeaders) {
        int length = json.getBytes(StandardCharsets.UTF_8).length;
        return "POST " + path + " HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" + moreHeaders
                + "Content-Length: " + length + "\r\n\r\n" + json;
    }

    /** Sends a request. */
    public RawClient send(String request) throws IOException {
        return send(request.getBytes(StandardCharsets.UTF_8));
    }

    /** Sends bytes. */
    public RawClient send(byte[] request) throws IOException {
        socket.getOutputStream().write(request);
        socket.getOutputStream().flush();
        return this;
    }

    RawClient patience(Duration time) throws IOException {
        socket.setSoTimeout((int) time.toMillis());
        return this;
    }

    /** Reads one answer. */
    public Response read() throws IOException {
        return read(in, false);
    }

    /** Reads until the server closes the connection. */
    byte[] readAll() throws IOException {
        return in.readAllBytes();
    }

    /** Returns what the server sends. */
    public InputStream stream() {
        return in;
    }

    /** Reads one answer from a stream. */
    public static Response read(InputStream in, boolean headOnly) throws IOException {
        String status = line(in);
        List<Map.Entry<String, String>> headers = new ArrayList<>();
        for (String line = line(in); !line.isEmpty(); line = line(in)) {
            int colon = line.indexOf(':');
            headers.add(Map.entry(
                    line.substring(0, colon), line.substring(colon + 1).strip()));
        }
        Response response = new Response(status, headers, new ArrayList<>());
        if (!headOnly) {
            readBody(in, response);
        }
        return response;
    }

    private static void readBody(InputStream in, Response response) throws IOException {
        if (response.header("transfer-encoding").equals("chunked")) {
            for (int size = Integer.parseInt(line(in), 16); size > 0; size = Integer.parseInt(line(in), 16)) {
                response.chunks().add(exactly(in, size));
                line(in);
            }
            line(in);
        } else if (!response.header("content-length").isEmpty()) {
            response.chunks().add(exactly(in, Integer.parseInt(response.header("content-length"))));
        }
    }

    private static byte[] exactly(InputStream in, int size) throws IOException {
        byte[] bytes = in.readNBytes(size);
        if (bytes.length < size) {
            throw new EOFException("body ends after " + bytes.length + " of " + size + " bytes");
        }
        return bytes;
    }

    private static String line(InputStream in) throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        for (int b = in.read(); b != '\n'; b = in.read()) {
            if (b < 0) {
                throw new EOFException("connection closed after: " + line);
            }
            if (b != '\r') {
                line.write(b);
            }
        }
        return line.toString(StandardCharsets.ISO_8859_1);
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
