package org.attune.http;

import com.sun.net.httpserver.HttpExchange;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;

/// An answer of a server in this process that is sent as it comes. Only a write tells whether the
/// client is still there. So while nothing comes, [#live] sends what clients pass over: blanks
/// before JSON, comments between events. Of one thread but for [#close] and [#isStuck].
public final class ExchangeReply implements AutoCloseable {
    /// A client that has gone away is noticed at the second write after that.
    public static final Duration SIGN_OF_LIFE = Duration.ofMillis(500);

    private final HttpExchange exchange;
    private final boolean isStream;
    private boolean isOpen;
    private long written; // System.nanoTime() of the last write
    private volatile long writing; // when the present write began; 0 if there is none

    /// @param isStream whether it is sent as events, else as one JSON value
    public ExchangeReply(HttpExchange exchange, boolean isStream) {
        this.exchange = exchange;
        this.isStream = isStream;
        written = System.nanoTime();
    }

    /// Has the JDK's server obey a limit, which it reads once, at its first start. A property that
    /// is set already stays.
    public static void limit(String property, String value) {
        if (System.getProperty(property) == null) {
            System.setProperty(property, value);
        }
    }

    /// Whether something was sent, so that the status can't change any more.
    public boolean isOpen() {
        return isOpen;
    }

    /// Sends a piece.
    ///
    /// @throws IOException if the client has gone away
    public void write(String text) throws IOException {
        writing = System.nanoTime();
        try {
            if (!isOpen) {
                isOpen = true;
                setType(exchange, isStream ? "text/event-stream" : "application/json");
                exchange.sendResponseHeaders(200, 0); // of unknown length
            }
            OutputStream out = exchange.getResponseBody(); // closed with the exchange
            out.write(text.getBytes(StandardCharsets.UTF_8));
            out.flush();
        } finally {
            writing = 0;
            written = System.nanoTime();
        }
    }

    /// Sends a sign of life if nothing was sent for a while.
    ///
    /// @throws IOException if the client has gone away
    public void live() throws IOException {
        if (System.nanoTime() - written >= SIGN_OF_LIFE.toNanos()) {
            write(isStream ? ": waiting\n\n" : " ");
        }
    }

    /// Sends the last piece; in one piece with its length if nothing was sent before.
    ///
    /// @throws IOException if the client has gone away
    public void end(String text) throws IOException {
        if (isOpen || isStream) {
            write(text);
        } else {
            whole(exchange, 200, "application/json", text);
        }
    }

    /// Whether a write has been waiting for the client for so long.
    public boolean isStuck(Duration most) {
        long since = writing;
        return since != 0 && System.nanoTime() - since > most.toNanos();
    }

    /// Breaks the connection; a write that waits fails. From any thread.
    @Override
    public void close() {
        exchange.close();
    }

    /// Sends a text in one piece.
    ///
    /// @param type without a charset, which is UTF-8
    public static void whole(HttpExchange exchange, int status, String type, String text)
            throws IOException {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        setType(exchange, type);
        exchange.sendResponseHeaders(status, bytes.length == 0 ? -1 : bytes.length);
        try (OutputStream out = exchange.getResponseBody()) {
            out.write(bytes);
        }
    }

    private static void setType(HttpExchange exchange, String type) {
        exchange.getResponseHeaders().set("Content-Type", type + "; charset=utf-8");
    }
}
