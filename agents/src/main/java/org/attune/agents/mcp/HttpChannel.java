package org.attune.agents.mcp;

import org.attune.error.Excerpt;
import org.attune.error.Secrets;
import org.attune.http.HttpAsk;
import org.attune.program.LineProgram;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;

/// A server that is reached over streamable HTTP: each message is posted, and answered by JSON or
/// by a stream of events.
final class HttpChannel implements McpChannel {
    private static final Logger log = LoggerFactory.getLogger(HttpChannel.class);
    private static final String SESSION = "Mcp-Session-Id";
    private static final Duration GOODBYE = Duration.ofSeconds(2);
    private static final int LARGEST = LineProgram.LONGEST_ANSWER;

    private final URI url;
    private final Map<String, String> headers;
    private final Duration timeout;
    private final AtomicLong ids = new AtomicLong();
    private volatile Optional<String> session = Optional.empty();
    private volatile Optional<String> version = Optional.empty();

    /// @param headers sent with each message
    /// @param timeout of one answer
    HttpChannel(URI url, Map<String, String> headers, Duration timeout) {
        this.url = url;
        this.headers = Map.copyOf(headers);
        this.timeout = timeout;
    }

    @Override
    public Map<String, Object> request(String method, Map<String, Object> parameters)
            throws IOException, TimeoutException, InterruptedException {
        long id = ids.incrementAndGet();
        Optional<Map<String, Object>> answer =
                post(Rpc.request(id, method, parameters), (type, body) -> answer(id, type, body));
        return answer.orElseThrow(
                () ->
                        new IOException(
                                "%s ended its answer to %s early"
                                        .formatted(Secrets.masked(url), method)));
    }

    @Override
    public void tell(String method, Map<String, Object> parameters)
            throws IOException, TimeoutException, InterruptedException {
        post(Rpc.notice(method, parameters), (_, _) -> Optional.empty());
    }

    @Override
    public void agreed(String agreed) {
        version = Optional.of(agreed);
    }

    /// Reads the body of a reply of some type.
    private interface BodyReader {
        Optional<Map<String, Object>> read(String type, InputStream body) throws IOException;
    }

    private Optional<Map<String, Object>> post(String message, BodyReader reader)
            throws IOException, TimeoutException, InterruptedException {
        try {
            return new HttpAsk("POST", url, all(), Optional.of(message), timeout)
                    .send((status, header, body) -> reply(status, header, body, reader));
        } catch (TimeoutException e) {
            throw (TimeoutException)
                    new TimeoutException(
                                    "%s gave no answer within %s s"
                                            .formatted(
                                                    Secrets.masked(url),
                                                    timeout.toMillis() / 1000.0))
                            .initCause(e);
        } catch (IOException e) {
            throw new IOException("%s: %s".formatted(Secrets.masked(url), e.getMessage()), e);
        }
    }

    private Map<String, String> all() {
        var all = new LinkedHashMap<>(headers);
        all.put("Content-Type", "application/json");
        all.put("Accept", "application/json, text/event-stream");
        session.ifPresent(id -> all.put(SESSION, id));
        version.ifPresent(agreed -> all.put("MCP-Protocol-Version", agreed));
        return all;
    }

    private Optional<Map<String, Object>> reply(
            int status,
            Function<String, Optional<String>> header,
            InputStream body,
            BodyReader reader)
            throws IOException {
        if (status == 404 && session.isPresent()) {
            throw new IOException("the server has forgotten the session");
        }
        if (status / 100 != 2) {
            String text = HttpAsk.text(body, header, LARGEST);
            throw new IOException(
                    "the server answered with status %d: %s".formatted(status, Excerpt.of(text)));
        }
        if (session.isEmpty()) {
            session = header.apply(SESSION);
        }
        return reader.read(header.apply("Content-Type").orElse(""), body);
    }

    private static Optional<Map<String, Object>> answer(long id, String type, InputStream body)
            throws IOException {
        if (type.startsWith("text/event-stream")) {
            return fromEvents(id, body);
        }
        String text = HttpAsk.text(body, _ -> Optional.empty(), LARGEST);
        return Optional.of(
                Rpc.parse(text)
                        .filter(message -> answers(message, id))
                        .orElseThrow(
                                () ->
                                        new IOException(
                                                "no answer of JSON-RPC: " + Excerpt.of(text))));
    }

    private static boolean answers(Map<String, Object> message, long id) {
        return Rpc.answered(message).orElse(-1) == id;
    }

    /// The answer among the events of a stream, which may go on after it.
    private static Optional<Map<String, Object>> fromEvents(long id, InputStream body)
            throws IOException {
        var lines = new BufferedReader(new InputStreamReader(body, StandardCharsets.UTF_8));
        var data = new StringBuilder();
        String line;
        while ((line = lines.readLine()) != null) {
            if (line.startsWith("data:")) {
                data.append(line.substring("data:".length()).stripLeading()).append('\n');
            }
            if (data.length() > LARGEST) {
                throw new IOException("an event has more than %d MiB".formatted(LARGEST >> 20));
            }
            if (line.isEmpty() && !data.isEmpty()) {
                Optional<Map<String, Object>> message = Rpc.parse(data.toString());
                if (message.isPresent() && answers(message.get(), id)) {
                    return message;
                }
                log.debug("event: {}", data);
                data.setLength(0);
            }
        }
        return Optional.empty();
    }

    /// Ends the session, if there is one. A server that can't be reached doesn't matter.
    @Override
    public void close() {
        if (session.isEmpty()) {
            return;
        }
        try {
            int status =
                    new HttpAsk("DELETE", url, all(), Optional.empty(), GOODBYE)
                            .send((code, _, _) -> code);
            log.debug("{}: session ended with status {}", Secrets.masked(url), status);
        } catch (IOException | TimeoutException e) {
            log.debug("{}: session not ended", Secrets.masked(url), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
