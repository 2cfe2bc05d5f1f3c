package org.attune.serve;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.error.AttuneException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

class AdaptersTest {
    @TempDir Path folder;

    private Path adapter(String name, long seed) {
        return RandomModels.adapter(folder.resolve(name), seed);
    }

    private static String text(AskedServer server, String model) {
        return server.chat(",\"model\":\"" + model + "\",\"temperature\":0,\"max_tokens\":8")
                .at("/choices/0/message/content")
                .asText();
    }

    @Test
    void eachIsAModelAndAnswersAsAlone() throws Exception {
        String first = adapter("a", 1).toString();
        String second = adapter("b", 2).toString();
        List<String> alone = new ArrayList<>();
        for (Map<String, String> one :
                List.of(Map.<String, String>of(), Map.of("x", first), Map.of("x", second))) {
            try (var server = new AskedServer(c -> c.withAdapters(one).withName("base"))) {
                alone.add(text(server, one.isEmpty() ? "base" : "x"));
            }
        }
        assertEquals(3, alone.stream().distinct().count(), alone.toString());
        Map<String, String> both = Map.of("a", first, "b", second);
        try (var server = new AskedServer(c -> c.withAdapters(both).withName("base"));
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Callable<String>> asking = new ArrayList<>();
            List<String> expected = new ArrayList<>();
            for (int i = 0; i < 9; i++) {
                String name = List.of("base", "a", "b").get(i % 3);
                asking.add(() -> text(server, name));
                expected.add(alone.get(i % 3));
            }
            List<String> together = new ArrayList<>();
            for (Future<String> answer : threads.invokeAll(asking)) {
                together.add(answer.get());
            }
            assertEquals(expected, together);
            JsonNode models = AskedServer.tree(server.get("/v1/models").body()).path("data");
            assertEquals(3, models.size());
            models.forEach(
                    m ->
                            assertEquals(
                                    m.path("id").asText().equals("base") ? "null" : "base",
                                    m.path("parent").asText("null")));
        }
    }

    @Test
    void adaptersComeAndGo() throws Exception {
        adapter("a", 1);
        Path other = Files.createDirectory(folder.resolve("other"));
        Path link = Files.createSymbolicLink(other.resolve("out"), folder.resolve("a"));
        String load = "{\"lora_name\":\"x\",\"lora_path\":\"%s\"}";
        try (var server = new AskedServer(c -> c.withAdapterFolder(folder).withName("base"))) {
            String base = text(server, "base");
            for (int i = 0; i < 2; i++) {
                assertEquals(200, post(server, "load", load.formatted("a")));
                assertEquals(400, post(server, "load", load.formatted("a"))); // already there
                assertNotEquals(base, text(server, "x"));
                assertEquals(200, post(server, "unload", "{\"lora_name\":\"x\"}"));
                assertEquals(404, post(server, "unload", "{\"lora_name\":\"x\"}"));
                assertEquals(base, text(server, "base"));
            }
            for (String place : List.of("..", ".", "none", "/etc", "a/../../etc", "a\\u0000")) {
                assertEquals(400, post(server, "load", load.formatted(place)), place);
            }
            assertEquals(400, post(server, "unload", "{\"lora_name\":\"base\"}"));
        }
        try (var server = new AskedServer(c -> c.withAdapterFolder(other))) {
            assertEquals(400, post(server, "load", load.formatted(link.getFileName())));
        }
        try (var server = new AskedServer(c -> c)) {
            assertEquals(403, post(server, "load", load.formatted("a")));
            assertEquals(403, post(server, "unload", "{\"lora_name\":\"x\"}"));
        }
    }

    private static int post(AskedServer server, String what, String body) {
        return server.post("/v1/" + what + "_lora_adapter", body).statusCode();
    }

    @Test
    void whatIsNoAdapterIsRefused() {
        AttuneException problem =
                assertThrows(
                        AttuneException.class,
                        () -> new AskedServer(c -> c.withAdapters(Map.of("x", "/nowhere"))));
        assertTrue(problem.getMessage().contains("nowhere"), problem.getMessage());
    }
}
