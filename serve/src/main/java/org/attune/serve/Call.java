package org.attune.serve;

import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;

import org.attune.http.ExchangeReply;
import org.attune.json.Json;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
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
public record Call(
        HttpExchange exchange,
        String name,
        Function<Boolean, ExchangeReply> replies,
        List<Runnable> ends) {
    /// Bytes that a body without pictures may have.
    static final int MOST_BYTES = 4 << 20;

    private static final long MOST_SKIPPED = 64 << 20;
    /// Longer than anybody waits.
    static final Duration LONG = Duration.ofDays(365);

    /// What clients say of how long they wait for a whole answer, in seconds.
    private static final List<String> DEADLINES =
            List.of("X-Stainless-Read-Timeout", "X-Stainless-Timeout");

    /// The body.
    ///
    /// @throws ApiException if it is too large, or no JSON object
    public Fields body() throws ApiException, IOException {
        return body(MOST_BYTES);
    }

    /// The body.
    ///
    /// @param most bytes that it may have
    /// @throws ApiException if it is too large, or no JSON object
    public Fields body(int most) throws ApiException, IOException {
        requireJson();
        return fields(bytes(most));
    }

    /// The body, which may hold pictures.
    ///
    /// @throws ApiException if it is too large, no JSON object, or finds no place
    Fields body(LargeBodies large) throws ApiException, IOException, InterruptedException {
        requireJson();
        return fields(within(LargeBodies.MOST_BYTES, large.read(exchange.getRequestBody(), this)));
    }

    private void requireJson() throws ApiException {
        String type = header("Content-Type").orElse("");
        if (!type.toLowerCase(Locale.ROOT).startsWith("application/json")) {
            throw new ApiException(
                    415,
                    "unsupported_media_type",
                    "the Content-Type is \"%s\"; accepted: application/json".formatted(type));
        }
    }

    private static Fields fields(byte[] bytes) throws ApiException {
        try {
            return Fields.of(
                    StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString());
        } catch (CharacterCodingException e) {
            throw ApiException.bad(null, "the body is no UTF-8");
        }
    }

    /// The bytes of the body, of any type.
    ///
    /// @param most that it may have
    /// @throws ApiException if it has more
    public byte[] bytes(int most) throws ApiException, IOException {
        return within(most, exchange.getRequestBody().readNBytes(most + 1));
    }

    private byte[] within(int most, byte[] bytes) throws ApiException, IOException {
        if (bytes.length > most) {
            skip(exchange.getRequestBody());
            throw new ApiException(
                    413,
                    "request_too_large",
                    "the body has more than %d MiB".formatted(most >> 20));
        }
        return bytes;
    }

    /// Reads on for a while: who still writes would see no answer.
    static void skip(InputStream body) throws IOException {
        body.skip(MOST_SKIPPED);
    }

    /// A header of the request.
    public Optional<String> header(String name) {
        return Optional.ofNullable(headers().getFirst(name));
    }

    /// A part of the address's query, `after` of `?after=5` for one.
    public Optional<String> query(String key) {
        return Stream.ofNullable(exchange.getRequestURI().getQuery())
                .flatMap(query -> Arrays.stream(query.split("&")))
                .filter(part -> part.startsWith(key + "="))
                .map(part -> part.substring(key.length() + 1))
                .findFirst();
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
    public void json(Object value) throws IOException {
        ExchangeReply.whole(exchange, 200, "application/json", Json.write(value));
    }

    /// Answers with bytes.
    public void bytes(String type, byte[] bytes) throws IOException {
        exchange.getResponseHeaders().set("Content-Type", type);
        exchange.sendResponseHeaders(200, bytes.length == 0 ? -1 : bytes.length);
        try (OutputStream out = exchange.getResponseBody()) {
            out.write(bytes);
        }
    }

    /// Answers with a text.
    public void text(String type, String text) throws IOException {
        ExchangeReply.whole(exchange, 200, type, text);
    }

    /// Begins an answer that is sent as it comes.
    public ExchangeReply reply(boolean isStream) {
        return replies.apply(isStream);
    }
}
