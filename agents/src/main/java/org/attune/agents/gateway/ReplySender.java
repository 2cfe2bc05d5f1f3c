package org.attune.agents.gateway;

import com.sun.net.httpserver.HttpExchange;

import org.attune.agents.gateway.PendingReply.Piece;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;

/// Sends a reply as it comes. Only a write tells whether a client is still there. So while nothing
/// comes, something is sent that clients pass over: blanks before JSON, comments between events.
final class ReplySender {
    /// A client that has gone away is noticed at the second write after that.
    private static final Duration SIGN_OF_LIFE = Duration.ofMillis(500);

    private final HttpExchange exchange;
    private final ModelRequest.ReplyForm form;
    private final ReplyWriter writer;
    private boolean isOpen;

    ReplySender(HttpExchange exchange, ModelRequest.ReplyForm form, ReplyWriter writer) {
        this.exchange = exchange;
        this.form = form;
        this.writer = writer;
    }

    /// Sends the whole reply.
    ///
    /// @throws RequestException if it was refused before anything was sent
    /// @throws IOException if the client has gone away
    void send(PendingReply pending) throws IOException, RequestException, InterruptedException {
        try {
            while (!take(pending.next(SIGN_OF_LIFE))) {}
        } catch (IOException | InterruptedException e) {
            pending.abandon();
            throw e;
        }
    }

    /// @return whether this was the end
    private boolean take(Optional<Piece> next) throws IOException, RequestException {
        if (next.isEmpty()) {
            write(form.isStream() ? ": waiting\n\n" : " ");
            return false;
        }
        switch (next.get()) {
            case Piece.More(var event) -> {
                String text = form.isStream() ? writer.event(event) : "";
                if (!text.isEmpty()) {
                    write(text);
                }
                return false;
            }
            case Piece.Whole(var reply) -> {
                if (form.isStream()) {
                    write(writer.end(reply, form.hasUsage()));
                } else if (isOpen) {
                    write(writer.whole(reply));
                } else {
                    whole(exchange, 200, writer.whole(reply));
                }
            }
            case Piece.Refusal(var why) -> {
                if (!isOpen) {
                    throw why;
                }
                String error = ReplyWriter.error(why);
                write(form.isStream() ? "data: " + error + "\n\n" : error);
            }
        }
        return true;
    }

    private void write(String text) throws IOException {
        if (!isOpen) {
            isOpen = true;
            setType(exchange, form.isStream() ? "text/event-stream" : "application/json");
            exchange.sendResponseHeaders(200, 0); // of unknown length
        }
        OutputStream out = exchange.getResponseBody(); // closed with the exchange
        out.write(text.getBytes(StandardCharsets.UTF_8));
        out.flush();
    }

    /// Sends a JSON object in one piece.
    static void whole(HttpExchange exchange, int status, String json) throws IOException {
        byte[] bytes = json.getBytes(StandardCharsets.UTF_8);
        setType(exchange, "application/json");
        exchange.sendResponseHeaders(status, bytes.length);
        try (OutputStream out = exchange.getResponseBody()) {
            out.write(bytes);
        }
    }

    private static void setType(HttpExchange exchange, String type) {
        exchange.getResponseHeaders().set("Content-Type", type + "; charset=utf-8");
    }
}
