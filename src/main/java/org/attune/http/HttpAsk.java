package org.attune.http;

import org.attune.error.Secrets;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.ConnectException;
import java.net.HttpURLConnection;
import java.net.NoRouteToHostException;
import java.net.URI;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;

/// A request over HTTP, sent once. A virtual thread waits for the server. When the time is up, the
/// connection is closed and the thread ends.
///
/// `java.net.http.HttpClient` is not used: a reply whose chunks are cut wrongly leaves one of its
/// threads in an endless loop (JDK 25.0.3, `ResponseContent.ChunkedBodyParser`).
///
/// @param method `POST`, `DELETE` …
/// @param headers by name; user and password of the address become one, if there is none of theirs
/// @param body text to send
/// @param timeout from the request to the last byte that is read of the reply
public record HttpAsk(
        String method,
        URI url,
        Map<String, String> headers,
        Optional<String> body,
        Duration timeout) {
    private static final String AUTHORIZATION = "Authorization";
    private static final int CONNECT_MILLIS = 10_000;

    public HttpAsk {
        var all = new LinkedHashMap<>(headers);
        if (url.getUserInfo() != null) {
            byte[] user = url.getUserInfo().getBytes(StandardCharsets.UTF_8);
            all.putIfAbsent(AUTHORIZATION, "Basic " + Base64.getEncoder().encodeToString(user));
        }
        Secrets.learn(all.getOrDefault(AUTHORIZATION, ""));
        headers = Collections.unmodifiableMap(all);
    }

    /// Reads a reply while it comes.
    @FunctionalInterface
    public interface Reader<T> {
        /// Reads as much as is needed.
        ///
        /// @param header value of a header by its name
        /// @param body ends where the connection does
        T read(int status, Function<String, Optional<String>> header, InputStream body)
                throws IOException;
    }

    /// Sends it.
    ///
    /// @throws TimeoutException if the reply was not read in time
    /// @throws IOException if the server can't be reached, or its reply isn't whole HTTP
    public <T> T send(Reader<T> reader) throws IOException, TimeoutException, InterruptedException {
        HttpURLConnection connection = (HttpURLConnection) url.toURL().openConnection();
        var reply = new CompletableFuture<T>();
        Thread thread = Thread.ofVirtual().start(() -> exchange(connection, reader, reply));
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

    private <T> void exchange(
            HttpURLConnection connection, Reader<T> reader, CompletableFuture<T> reply) {
        try {
            T read = read(connection, reader);
            connection.disconnect(); // first, so that nothing of it is there for the next request
            reply.complete(read);
        } catch (IOException | RuntimeException e) {
            connection.disconnect();
            reply.completeExceptionally(e);
        }
    }

    private <T> T read(HttpURLConnection connection, Reader<T> reader) throws IOException {
        ask(connection);
        int status = connection.getResponseCode();
        try (InputStream in =
                status >= 400 ? connection.getErrorStream() : connection.getInputStream()) {
            return reader.read(
                    status,
                    name -> Optional.ofNullable(connection.getHeaderField(name)),
                    in == null ? InputStream.nullInputStream() : in);
        }
    }

    private void ask(HttpURLConnection connection) throws IOException {
        connection.setRequestMethod(method);
        connection.setUseCaches(false);
        connection.setInstanceFollowRedirects(false);
        connection.setConnectTimeout(CONNECT_MILLIS);
        headers.forEach(connection::setRequestProperty);
        if (body.isPresent()) {
            byte[] bytes = body.get().getBytes(StandardCharsets.UTF_8);
            connection.setDoOutput(true);
            // The JDK sends a body that it has kept again if the connection ends without a reply.
            // One
            // that it streams it sends once, and looks before whether a kept connection still
            // stands.
            connection.setFixedLengthStreamingMode(bytes.length);
            try (OutputStream out = connection.getOutputStream()) {
                out.write(bytes);
            }
        }
        if (connection.getResponseCode() < 0) {
            throw new IOException("the reply is no HTTP");
        }
    }

    /// Says why a request got no reply, and where nothing answers.
    ///
    /// @param url that was asked; its user and password aren't said
    public static String why(URI url, IOException failure) {
        return switch (failure) {
            case UnknownHostException _ -> "there is no host " + url.getHost();
            case ConnectException e -> nothing(url, e);
            case NoRouteToHostException e -> nothing(url, e);
            default -> failure.toString();
        };
    }

    private static String nothing(URI url, IOException failure) {
        int port = url.getPort() >= 0 ? url.getPort() : "https".equals(url.getScheme()) ? 443 : 80;
        String detail = failure.getMessage() == null ? "" : " (" + failure.getMessage() + ")";
        return "nothing answers at %s:%d%s".formatted(url.getHost(), port, detail);
    }

    /// The whole body as UTF-8.
    ///
    /// @param largest bytes at most
    /// @throws AnswerTooLargeException if there are more
    public static String text(
            InputStream body, Function<String, Optional<String>> header, long largest)
            throws IOException {
        if (header.apply("Content-Length").map(HttpAsk::length).orElse(0L) > largest) {
            throw new AnswerTooLargeException(largest);
        }
        byte[] bytes = body.readNBytes((int) Math.min(largest + 1, Integer.MAX_VALUE));
        if (bytes.length > largest) {
            throw new AnswerTooLargeException(largest);
        }
        return new String(bytes, StandardCharsets.UTF_8);
    }

    private static long length(String text) {
        try {
            return Long.parseLong(text.strip());
        } catch (NumberFormatException e) {
            return 0;
        }
    }
}
