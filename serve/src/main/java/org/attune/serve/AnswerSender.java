package org.attune.serve;

import org.attune.http.ExchangeReply;

import java.io.IOException;
import java.util.Optional;

/// Sends answers as they come, and gives them up when the client has gone away: while nothing is
/// sent, signs of life tell.
final class AnswerSender {
    private AnswerSender() {}

    /// Sends all of it. Closes the generation.
    ///
    /// @throws ApiException if generation failed before anything was sent
    /// @throws IOException if the client has gone away
    static void send(Generation generation, AnswerForm form, ExchangeReply reply)
            throws ApiException, IOException, InterruptedException {
        try (generation) {
            while (!generation.isRead()) {
                Optional<AnswerEvent> event = generation.next(ExchangeReply.SIGN_OF_LIFE);
                if (event.isPresent()
                        && event.get() instanceof AnswerEvent.Failure(int _, var why)) {
                    fail(new ApiException(500, "internal_error", why.getMessage()), form, reply);
                    return;
                }
                String text = event.map(form::take).orElse("");
                if (text.isEmpty()) {
                    reply.live();
                } else {
                    reply.write(text);
                }
            }
            reply.end(form.end());
        }
    }

    private static void fail(ApiException why, AnswerForm form, ExchangeReply reply)
            throws ApiException, IOException {
        if (!reply.isOpen()) {
            throw why;
        }
        reply.write(form.isStream() ? "data: " + why.json() + "\n\n" : why.json());
    }
}
