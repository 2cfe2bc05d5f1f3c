package org.attune.serve;

import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;

import org.attune.http.ExchangeReply;
import org.attune.json.Json;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;

/// A request that was let in.
///
/// @param name the part of the path that the route leaves open, or empty
/// @param replies opens replies that somebody watches
/// @param ends what is done once it was answered
record Call(
        HttpExchange exchange,
        String name,
        Function<Boolean, ExchangeReply> replies,
        List<Runnable> ends) {
    private static final int MOST_BYTES = 4 << 20;
    private static final long MOST_SKIPPED = 64 << 20;
    /// Longer than anybody waits.
    static final Duration LONG = Duration.ofDays(365);

    /// What clients say of how long they wait for a whole answer, in seconds.
    private static final List<String> DEADLINES =
            List.of("X-Stainless-Read-Timeout", "X-Stainless-Timeout");

    /// The body.
    ///
    /// @throws ApiException if it is too large, or no JSON object
    Fields body() throws ApiException, IOException {
        String type = Optional.ofNullable(headers().getFirst("Content-Type")).orElse("");
        if (!type.toLowerCase(Locale.ROOT).startsWith("application/json")) {
            throw new ApiException(
                    415,
                    "unsupported_media_type",
                    "the Content-Type is \"%s\"; accepted: application/json".formatted(type));
        }
        byte[] bytes = exchange.getRequestBody().readNBytes(MOST_BYTES + 1);
        if (bytes.length > MOST_BYTES) {
            // Read on for a while: who still writes would see no answer.
            exchange.getRequestBody().skip(MOST_SKIPPED);
            throw new ApiException(
                    413,
                    "request_too_large",
                    "the body has more than %d MiB".formatted(MOST_BYTES >> 20));
        }
        try {
            return Fields.of(
                    StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString());
        } catch (CharacterCodingException e) {
            throw ApiException.bad(null, "the body is no UTF-8");
        }
    }

    private Headers headers() {
        return exchange.getRequestHeaders();
    }

    /// How long the client waits for a whole answer.
    ///
    /// @param stream how the answer is sent: for pieces, clients wait as long as there are some
    Duration deadline(StreamRequest stream) {
        if (stream.isStream()) {
            return stream.timeout().orElse(LONG);
        }
        return Stream.concat(stream.timeout().stream(), headerDeadlines())
                .min(Duration::compareTo)
                .orElse(LONG);
    }

    private Stream<Duration> headerDeadlines() {
        return DEADLINES.stream()
                .map(headers()::getFirst)
                .filter(text -> text != null && text.matches("\\d{1,6}(\\.\\d{1,9})?"))
                .map(
                        text ->
                                Duration.ofMillis(
                                        Math.max(1, (long) (1000 * Double.parseDouble(text)))));
    }

    /// Has something done once the request was answered, however that went.
    void afterwards(Runnable what) {
        ends.add(what);
    }

    /// Answers with a JSON value.
    void json(Object value) throws IOException {
        ExchangeReply.whole(exchange, 200, "application/json", Json.write(value));
    }

    /// Answers with a text.
    void text(String type, String text) throws IOException {
        ExchangeReply.whole(exchange, 200, type, text);
    }

    /// Begins an answer that is sent as it comes.
    ExchangeReply reply(boolean isStream) {
        return replies.apply(isStream);
    }
}
