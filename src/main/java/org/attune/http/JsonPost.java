package org.attune.http;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.HttpURLConnection;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/// Posts JSON over HTTP and reads the reply, on a connection for it alone. A virtual thread waits
/// for the server; when the time is up, the connection is closed and the thread ends.
///
/// `java.net.http.HttpClient` is not used: a reply whose chunks are cut wrongly leaves one of its
/// threads in an endless loop (JDK 25.0.3, `ResponseContent.ChunkedBodyParser`).
///
/// @param timeout of one reply, from the request to its last byte
/// @param largest bytes of a reply's body at most
/// @param key sent as bearer token
public record JsonPost(URI url, Duration timeout, long largest, Optional<String> key) {
    private static final int CONNECT_MILLIS = 10_000;

    /// @throws TimeoutException if no whole reply came in time
    /// @throws IOException if the server can't be reached, or its reply isn't whole HTTP
    public ServerReply send(String json)
            throws IOException, TimeoutException, InterruptedException {
        HttpURLConnection connection = (HttpURLConnection) url.toURL().openConnection();
        var reply = new CompletableFuture<ServerReply>();
        Thread thread = Thread.ofVirtual().start(() -> exchange(connection, json, reply));
        try {
            return reply.get(timeout.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof IOException failure) {
                throw failure;
            }
            throw new IOException(e.getCause());
        } finally {
            thread.interrupt(); // closes the socket that the thread waits at
        }
    }

    private void exchange(
            HttpURLConnection connection, String json, CompletableFuture<ServerReply> reply) {
        try {
            ask(connection, json);
            reply.complete(
                    new ServerReply(
                            connection.getResponseCode(),
                            Optional.ofNullable(connection.getHeaderField("Retry-After")),
                            body(connection)));
        } catch (IOException | RuntimeException e) {
            reply.completeExceptionally(e);
        } finally {
            connection.disconnect();
        }
    }

    private void ask(HttpURLConnection connection, String json) throws IOException {
        byte[] body = json.getBytes(StandardCharsets.UTF_8);
        connection.setRequestMethod("POST");
        connection.setDoOutput(true);
        connection.setUseCaches(false);
        connection.setInstanceFollowRedirects(false);
        connection.setConnectTimeout(CONNECT_MILLIS);
        // A kept connection that a server has closed would have the request sent twice.
        connection.setRequestProperty("Connection", "close");
        connection.setRequestProperty("Content-Type", "application/json");
        key.ifPresent(secret -> connection.setRequestProperty("Authorization", "Bearer " + secret));
        try (OutputStream out = connection.getOutputStream()) {
            out.write(body);
        }
        if (connection.getResponseCode() < 0) {
            throw new IOException("the reply is no HTTP");
        }
    }

    private String body(HttpURLConnection connection) throws IOException {
        if (connection.getContentLengthLong() > largest) {
            throw new AnswerTooLargeException(largest);
        }
        boolean failed = connection.getResponseCode() >= 400;
        try (InputStream in = failed ? connection.getErrorStream() : connection.getInputStream()) {
            if (in == null) {
                return "";
            }
            byte[] bytes = in.readNBytes((int) Math.min(largest + 1, Integer.MAX_VALUE));
            if (bytes.length > largest) {
                throw new AnswerTooLargeException(largest);
            }
            return new String(bytes, StandardCharsets.UTF_8);
        }
    }
}
