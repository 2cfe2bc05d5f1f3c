package org.attune.reports.tracker;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.NullNode;

import org.attune.error.ConfigException;
import org.attune.error.ServerException;
import org.attune.http.HttpAsk;
import org.attune.http.PatientPost;
import org.attune.json.Json;

import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeoutException;

/// Sends single requests with JSON to a tracker's server.
///
/// @param base address, with a slash at its end
/// @param headers that every request has
record TrackerServer(URI base, Map<String, String> headers) {
    private static final Duration TIMEOUT = Duration.ofSeconds(30);
    private static final long LARGEST = 1L << 20;

    /// A reply as it came.
    ///
    /// @param status of HTTP
    record Answer(int status, String body) {}

    /// A server's address.
    ///
    /// @param variable that holds it
    static URI address(String variable, String text) {
        try {
            URI uri = new URI(text.strip());
            if (("http".equals(uri.getScheme()) || "https".equals(uri.getScheme()))
                    && uri.getHost() != null) {
                return uri;
            }
        } catch (URISyntaxException e) {
            throw new ConfigException(
                    "report_to: %s is no address: %s".formatted(variable, e.getMessage()), e);
        }
        throw new ConfigException(
                "report_to: %s is %s; a server's address is needed, such as http://localhost:5000"
                        .formatted(variable, text.isBlank() ? "not set" : "\"" + text + "\""));
    }

    /// The address without query, with a slash at its end.
    static URI folder(URI uri) {
        String path = Optional.ofNullable(uri.getRawPath()).orElse("");
        String whole = uri.getScheme() + "://" + uri.getRawAuthority() + path;
        return URI.create(whole.endsWith("/") ? whole : whole + "/");
    }

    /// Posts an object.
    ///
    /// @return what the server answered
    /// @throws IOException if the server is away or busy
    /// @throws ServerException if it refuses
    JsonNode post(String path, Map<String, Object> body) throws IOException, InterruptedException {
        Answer answer = ask("POST", path, Optional.of(Json.MAPPER.writeValueAsString(body)));
        if (answer.status() / 100 != 2) {
            throw refused(path, answer);
        }
        return answer.body().isBlank() ? NullNode.getInstance() : Json.tree(answer.body());
    }

    /// Asks once; redirects are not followed.
    ///
    /// @throws IOException if the server is away or busy
    Answer ask(String method, String path, Optional<String> body)
            throws IOException, InterruptedException {
        var all = new LinkedHashMap<>(headers);
        body.ifPresent(_ -> all.put("Content-Type", "application/json"));
        URI url = base.resolve(path);
        Answer answer;
        try {
            answer =
                    new HttpAsk(method, url, all, body, TIMEOUT)
                            .send(
                                    (status, header, reply) ->
                                            new Answer(
                                                    status, HttpAsk.text(reply, header, LARGEST)));
        } catch (TimeoutException e) {
            throw new IOException(base + " gave no answer in " + TIMEOUT.toSeconds() + " s", e);
        } catch (IOException e) {
            throw new IOException(base + " can't be reached: " + HttpAsk.why(base, e), e);
        }
        if (answer.status() == 429 || answer.status() >= 500) {
            throw new IOException(told(path, answer));
        }
        return answer;
    }

    ServerException refused(String path, Answer answer) {
        return new ServerException(told(path, answer));
    }

    private String told(String path, Answer answer) {
        return "%s%s answered with status %d: %s"
                .formatted(base, path, answer.status(), PatientPost.start(answer.body()));
    }
}
