package org.attune.serve;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.AttuneException;
import org.attune.json.Json;
import org.attune.serve.LocalAnswer.End;
import org.attune.serve.LocalAnswer.Piece;
import org.attune.serve.LocalAnswer.Reply;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;

class LocalModelsTest {
    private static final Map<String, Object> TOOL =
            Map.of(
                    "type",
                    "function",
                    "function",
                    Map.of(
                            "name",
                            "weigh",
                            "parameters",
                            Map.of(
                                    "type",
                                    "object",
                                    "properties",
                                    Map.of("grams", Map.of("type", "integer", "maximum", 9)),
                                    "required",
                                    List.of("grams"),
                                    "additionalProperties",
                                    false)));

    @TempDir static Path folder;
    private static LocalModels models;

    @BeforeAll
    static void open() {
        models = LocalModels.open(ScriptedModels.config(folder));
    }

    @AfterAll
    static void close() {
        models.close();
    }

    private static Map<String, Object> request(Object... keys) {
        Map<String, Object> request = new HashMap<>();
        request.put(
                "messages", List.of(Map.of("role", "user", "content", "Sort ascending: 3 1 2 4")));
        for (int i = 0; i < keys.length; i += 2) {
            request.put((String) keys[i], keys[i + 1]);
        }
        return request;
    }

    private static Reply ask(Object... keys) {
        try (LocalAnswer answer = models.chat(request(keys))) {
            return answer.await();
        }
    }

    @Test
    void anAnswerIsTheServers() {
        Reply reply = ask("temperature", 0, "max_tokens", 20, "logprobs", true);
        try (var server = new AskedServer(c -> c.withName("tiny"))) {
            var answer = server.chat(",\"temperature\":0,\"max_tokens\":20");
            assertEquals(answer.at("/choices/0/message/content").asText(), reply.text());
            assertEquals(answer.at("/usage/prompt_tokens").asInt(), reply.promptTokens());
            assertEquals(answer.at("/usage/completion_tokens").asInt(), reply.tokens());
        }
        assertEquals(End.STOP, reply.end());
        assertEquals("tiny", reply.model());
        assertEquals(reply.tokens(), reply.logProbs().size());
        assertEquals(End.LENGTH, ask("max_tokens", 2, "ignore_eos", true).end());
        assertEquals(Optional.of(" "), ask("temperature", 0, "stop", " ").stop());
    }

    @Test
    void piecesJoinToTheWhole() {
        var text = new StringBuilder();
        try (LocalAnswer answer = models.chat(request("temperature", 0f))) {
            for (var piece = answer.next(); piece.isPresent(); piece = answer.next()) {
                text.append(((LocalAnswer.Text) piece.get()).text());
            }
            assertEquals(text.toString(), answer.await().text());
        }
        assertEquals(ask("temperature", 0).text(), text.toString());
    }

    @Test
    void aCallComesInPieces() {
        var arguments = new StringBuilder();
        try (LocalAnswer answer =
                models.chat(request("tools", List.of(TOOL), "tool_choice", "required"))) {
            for (var piece = answer.next(); piece.isPresent(); piece = answer.next()) {
                Piece call = piece.get();
                arguments.append(((LocalAnswer.CallPiece) call).arguments());
            }
            Reply reply = answer.await();
            assertEquals(End.CALLS, reply.end());
            assertEquals("weigh", reply.calls().getFirst().name());
            assertEquals(arguments.toString(), reply.calls().getFirst().arguments());
            assertTrue(Json.parse(arguments.toString()) instanceof Map<?, ?> m && m.size() == 1);
        }
    }

    @Test
    void aClosedAnswerEndsAndGivesItsPlaceBack() throws Exception {
        LocalAnswer answer = models.chat(request("max_tokens", 200, "ignore_eos", true));
        answer.next();
        Thread closing = Thread.ofVirtual().start(answer::close);
        Reply reply = answer.await();
        closing.join();
        assertEquals(End.CANCELLED, reply.end());
        assertTrue(reply.tokens() < 200, reply::toString);
        assertEquals(0, models.desk().orElseThrow().active());
    }

    @Test
    void whatCantBeObeyedIsRefusedByName() {
        assertEquals(404, refused("model", "other").status());
        assertEquals(Optional.of("n"), refused("n", 2).param());
        assertEquals(Optional.of("stream"), refused("stream", true).param());
        assertTrue(refused("temperatur", 1).getMessage().contains("temperature"));
        assertEquals("context_length_exceeded", refused("max_tokens", 10_000).code());
        assertEquals(0, models.desk().orElseThrow().active());
    }

    @Test
    void aModelAloneAnswersAlikeAndTakesNoAdapters() {
        ServeConfig config = ScriptedModels.config(folder.resolve("alone"));
        try (LocalModels alone = LocalModels.openAlone(config);
                LocalAnswer answer = alone.chat(request("temperature", 0))) {
            assertEquals(ask("temperature", 0).text(), answer.await().text());
            assertThrows(AttuneException.class, () -> alone.load("x", "out"));
        }
        ServeConfig adapted = config.withAdapters(Map.of("x", "out"));
        assertThrows(AttuneException.class, () -> LocalModels.openAlone(adapted));
    }

    private static ApiException refused(String key, Object value) {
        return assertThrows(ApiException.class, () -> models.chat(request(key, value)));
    }

    /// Every answer is that of one of the adapters, whenever they are replaced, and none fails.
    @Test
    void adaptersAreReplacedWhileAnswersAreMade() throws Exception {
        List<String> places = new ArrayList<>();
        for (int seed = 1; seed <= 2; seed++) {
            places.add(RandomModels.adapter(folder.resolve("a" + seed), seed).toString());
        }
        List<String> alone = new ArrayList<>();
        for (String place : places) {
            models.load("x", place);
            alone.add(ask("model", "x", "temperature", 0, "max_tokens", 24).text());
        }
        assertNotEquals(alone.get(0), alone.get(1));
        var isOver = new AtomicBoolean();
        Set<String> seen = new TreeSet<>();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<Set<String>>> asking = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                asking.add(
                        threads.submit(
                                () -> {
                                    Set<String> texts = new TreeSet<>();
                                    while (!isOver.get()) {
                                        texts.add(
                                                ask(
                                                                "model",
                                                                "x",
                                                                "temperature",
                                                                0,
                                                                "max_tokens",
                                                                24)
                                                        .text());
                                    }
                                    return texts;
                                }));
            }
            for (int i = 0; i < 8; i++) {
                try (LocalAnswer before =
                        models.chat(request("model", "x", "temperature", 0, "max_tokens", 24))) {
                    models.load("x", places.get(i % 2));
                    assertEquals(alone.get((i + 1) % 2), before.await().text());
                }
                assertEquals(
                        alone.get(i % 2),
                        ask("model", "x", "temperature", 0, "max_tokens", 24).text());
            }
            isOver.set(true);
            for (Future<Set<String>> texts : asking) {
                seen.addAll(texts.get());
            }
        }
        assertEquals(new TreeSet<>(alone), seen);
        assertThrows(AttuneException.class, () -> models.load("x", "/nowhere"));
        assertEquals(alone.get(1), ask("model", "x", "temperature", 0, "max_tokens", 24).text());
        models.unload("x");
        assertEquals(List.of("tiny"), models.names());
        assertEquals(404, refused("model", "x").status());
        assertThrows(AttuneException.class, () -> models.load("tiny", places.getFirst()));
    }
}
