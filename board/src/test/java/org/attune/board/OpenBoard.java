package org.attune.board;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.json.Json;
import org.attune.reports.page.RunFolderSample;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.util.List;
import java.util.function.UnaryOperator;

/// A board of two runs, one of which a process works at, and a client of it.
abstract class OpenBoard {
    @TempDir Path root;
    final HttpClient client = HttpClient.newHttpClient();
    Board board;
    String token;
    Process worker;

    @BeforeEach
    void open() throws IOException {
        worker = new ProcessBuilder("sleep", "60").start();
        RunFolderSample.write(root.resolve("one"), 30);
        BoardSample.running(root.resolve("deeper/two"), worker);
        start(c -> c);
    }

    void start(UnaryOperator<BoardConfig> change) {
        if (board != null) {
            board.close();
        }
        BoardConfig config =
                BoardConfig.of(List.of(root)).withPort(0).withPairs(root.resolve("pairs.jsonl"));
        board = Board.open(change.apply(config), BoardSample.commands());
        token = board.url().getQuery().replaceFirst("token=", "");
    }

    @AfterEach
    void close() {
        board.close();
        worker.destroyForcibly();
        client.close();
    }

    HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(board.url().resolve(path))
                .header("Authorization", "Bearer " + token)
                .header("Content-Type", "application/json");
    }

    HttpResponse<String> send(HttpRequest.Builder request) throws Exception {
        return client.send(request.build(), BodyHandlers.ofString());
    }

    String get(String path) throws Exception {
        HttpResponse<String> response = send(request(path));
        assertEquals(200, response.statusCode(), response.body());
        return response.body();
    }

    HttpResponse<String> post(String path, String body) throws Exception {
        return send(request(path).POST(BodyPublishers.ofString(body)));
    }

    String id(String name) throws Exception {
        for (JsonNode run : Json.tree(get("/api/runs"))) {
            if (run.path("name").asText().equals(name)) {
                return run.path("id").asText();
            }
        }
        throw new AssertionError("no run " + name);
    }
}
