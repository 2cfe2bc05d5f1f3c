package org.attune.serve;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.json.Json;
import org.attune.models.DtypeChoice;
import org.attune.models.ModelConfig;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.function.UnaryOperator;

/// A server with the embedded model at a free port, and who asks it.
final class AskedServer implements AutoCloseable {
    static final Path MODEL = Path.of(System.getProperty("attune.root", ".."), "examples", "model");
    static final String QUESTION =
            "\"messages\":[{\"role\":\"user\",\"content\":\"Sort ascending: 3 1 2 4\"}]";

    private final HttpClient client = HttpClient.newHttpClient();
    private final ModelServer server;

    AskedServer(UnaryOperator<ServeConfig> change) {
        ModelConfig model = ModelConfig.of(MODEL.toString()).withDtype(DtypeChoice.FLOAT32);
        server = ModelServer.open(change.apply(ServeConfig.of(model).withPort(0)));
    }

    /// @param opened closed with this one
    AskedServer(ModelServer opened) {
        server = opened;
    }

    URI url(String path) {
        return server.url().resolve(path);
    }

    HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(url(path))
                .timeout(Duration.ofSeconds(30))
                .header("Content-Type", "application/json");
    }

    HttpResponse<String> send(HttpRequest request) {
        try {
            return client.send(request, BodyHandlers.ofString());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    HttpResponse<String> post(String path, String body) {
        return send(request(path).POST(BodyPublishers.ofString(body)).build());
    }

    HttpResponse<String> get(String path) {
        return send(request(path).build());
    }

    /// The answer to a request that is answered.
    JsonNode ask(String path, String body) {
        HttpResponse<String> response = post(path, body);
        assertEquals(200, response.statusCode(), response.body());
        return tree(response.body());
    }

    /// The answer to the question.
    ///
    /// @param keys further ones, each with a comma before
    JsonNode chat(String keys) {
        return ask("/v1/chat/completions", "{" + QUESTION + keys + "}");
    }

    /// The events of a stream but for the last.
    List<JsonNode> stream(String path, String body) {
        HttpResponse<String> response = post(path, body);
        assertEquals(200, response.statusCode(), response.body());
        List<String> events =
                response.body()
                        .lines()
                        .filter(line -> line.startsWith("data: "))
                        .map(line -> line.substring("data: ".length()))
                        .toList();
        assertEquals("[DONE]", events.getLast());
        return events.subList(0, events.size() - 1).stream().map(AskedServer::tree).toList();
    }

    static JsonNode tree(String json) {
        try {
            return Json.tree(json);
        } catch (IOException e) {
            throw new UncheckedIOException(json, e);
        }
    }

    /// Sends bytes as they are, and gives what comes back first.
    String raw(String text) {
        try (var socket = socket()) {
            socket.getOutputStream().write(text.getBytes(StandardCharsets.UTF_8));
            byte[] start = new byte[4000];
            int length = Math.max(0, socket.getInputStream().read(start));
            return new String(start, 0, length, StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    Socket socket() throws IOException {
        var socket = new Socket(server.url().getHost(), server.url().getPort());
        socket.setSoTimeout(20_000);
        return socket;
    }

    /// A number of `/metrics`.
    long metric(String name) {
        return get("/metrics")
                .body()
                .lines()
                .filter(line -> line.startsWith("attune:" + name + " "))
                .mapToLong(line -> Long.parseLong(line.substring(line.lastIndexOf(' ') + 1)))
                .findFirst()
                .orElseThrow();
    }

    @Override
    public void close() {
        client.close();
        server.close();
    }
}
