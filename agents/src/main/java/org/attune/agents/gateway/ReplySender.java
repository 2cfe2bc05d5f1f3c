package org.attune.agents.gateway;

import com.sun.net.httpserver.HttpExchange;

import org.attune.agents.gateway.PendingReply.Piece;
import org.attune.http.ExchangeReply;

import java.io.IOException;
import java.util.Optional;

/// Sends a reply as it comes, with signs of life while nothing comes.
final class ReplySender {
    private final ModelRequest.ReplyForm form;
    private final ReplyWriter writer;
    private final ExchangeReply out;

    ReplySender(HttpExchange exchange, ModelRequest.ReplyForm form, ReplyWriter writer) {
        this.form = form;
        this.writer = writer;
        out = new ExchangeReply(exchange, form.isStream());
    }

    /// Sends the whole reply.
    ///
    /// @throws RequestException if it was refused before anything was sent
    /// @throws IOException if the client has gone away
    void send(PendingReply pending) throws IOException, RequestException, InterruptedException {
        try {
            while (!take(pending.next(ExchangeReply.SIGN_OF_LIFE))) {}
        } catch (IOException | InterruptedException e) {
            pending.abandon();
            throw e;
        }
    }

    /// @return whether this was the end
    private boolean take(Optional<Piece> next) throws IOException, RequestException {
        if (next.isEmpty()) {
            out.live();
            return false;
        }
        switch (next.get()) {
            case Piece.More(var event) -> {
                String text = form.isStream() ? writer.event(event) : "";
                if (!text.isEmpty()) {
                    out.write(text);
                }
                return false;
            }
            case Piece.Whole(var reply) ->
                    out.end(
                            form.isStream()
                                    ? writer.end(reply, form.hasUsage())
                                    : writer.whole(reply));
            case Piece.Refusal(var why) -> {
                if (!out.isOpen()) {
                    throw why;
                }
                String error = ReplyWriter.error(why);
                out.write(form.isStream() ? "data: " + error + "\n\n" : error);
            }
        }
        return true;
    }
}
