package org.attune.serve;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.error.ConfigException;
import org.attune.feedback.FeedbackStore;
import org.attune.feedback.GivenAnswer;
import org.attune.feedback.JudgedAnswer;
import org.attune.feedback.Judgement;
import org.attune.feedback.Judgement.BetterThan;
import org.attune.feedback.Judgement.Corrected;
import org.attune.feedback.Judgement.Score;
import org.attune.feedback.Judgement.Thumb;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

class FeedbackDeskTest {
    private static final String SHORT = ",\"temperature\":0,\"max_tokens\":8";

    @TempDir Path folder;

    private String place() {
        return folder.resolve("feedback.db").toString();
    }

    private AskedServer server() {
        return new AskedServer(c -> c.withName("helper").withFeedback(place()));
    }

    private static JsonNode judge(AskedServer server, String id, String keys) {
        return server.ask("/v1/feedback", "{\"id\":\"%s\"%s}".formatted(id, keys));
    }

    private List<JudgedAnswer> judged() {
        try (var store = FeedbackStore.open(place())) {
            return store.judged(Optional.of("helper"));
        }
    }

    @Test
    void answersOfEveryFormAreKeptAndJudged() {
        String answer;
        try (var server = server()) {
            JsonNode two = server.chat(SHORT + ",\"n\":2,\"user\":\"ann\"");
            answer = two.at("/choices/1/message/content").asText();
            String id = two.get("id").asText();
            assertEquals(
                    3,
                    judge(
                                    server,
                                    id,
                                    ",\"choice\":1,\"label\":\"down\",\"score\":0.25,\"corrected\":\"1"
                                        + " 2 3 4\"")
                            .get("judgements")
                            .asInt());
            judge(server, id, ",\"better_than\":1,\"user\":\"ben\",\"note\":\"shorter\"");
            String stream =
                    server.stream(
                                    "/v1/chat/completions",
                                    "{" + AskedServer.QUESTION + SHORT + ",\"stream\":true}")
                            .getFirst()
                            .get("id")
                            .asText();
            judge(server, stream, ",\"label\":true");
            JsonNode message =
                    server.ask(
                            "/v1/messages",
                            "{\"max_tokens\":8,\"metadata\":{\"user_id\":\"cem\"},"
                                    + AskedServer.QUESTION
                                    + "}");
            judge(server, message.get("id").asText(), ",\"label\":false");
            JsonNode response =
                    server.ask(
                            "/v1/responses",
                            "{\"input\":\"Sort ascending: 3 1 2"
                                + " 4\",\"user\":\"dia\",\"store\":true,\"max_output_tokens\":8}");
            judge(server, response.get("id").asText(), ",\"label\":true");
        }
        assertKept(judged(), answer);
    }

    @Test
    void answersWithinAProcessAreKeptAndJudged() {
        List<Object> asked = List.of(Map.of("role", "user", "content", "Sort ascending: 3 1 2 4"));
        Map<String, Object> request =
                Map.of("messages", asked, "max_tokens", 8, "temperature", 0, "user", "ann");
        Map<String, Object> unkept = new HashMap<>(request);
        unkept.put("store", false);
        ServeConfig config = ScriptedModels.config(folder).withName("helper").withFeedback(place());
        String text;
        try (var models = LocalModels.open(config);
                LocalAnswer answer = models.chat(request);
                LocalAnswer other = models.chat(unkept)) {
            while (answer.next().isPresent()) {}
            text = answer.await().text();
            other.await();
            models.judge(
                    Judgement.of(answer.id(), new Thumb(false)),
                    Judgement.of(answer.id(), new Corrected("1 2 3 4")));
            var unknown =
                    assertThrows(
                            ApiException.class,
                            () -> models.judge(Judgement.of(other.id(), new Thumb(true))));
            assertEquals(404, unknown.status());
        }
        List<JudgedAnswer> found = judged();
        assertEquals(
                Set.of(new Thumb(false), new Corrected("1 2 3 4")),
                found.stream().map(j -> j.judgement().opinion()).collect(Collectors.toSet()));
        GivenAnswer kept = found.getFirst().answer();
        assertEquals(asked, kept.messages());
        assertEquals(text, kept.answer().get("content"));
        assertEquals("ann", kept.user());
        assertEquals("helper", kept.origin().model());
    }

    @Test
    void nothingIsJudgedWhereNothingIsKept() {
        ServeConfig unkept = ScriptedModels.config(folder);
        try (var models = LocalModels.open(unkept)) {
            var unset =
                    assertThrows(
                            ConfigException.class,
                            () -> models.judge(Judgement.of("chatcmpl-1", new Thumb(true))));
            assertTrue(unset.getMessage().contains("withFeedback"), unset.getMessage());
        }
        ServeConfig config = unkept.withFeedback(place());
        var alone = assertThrows(ConfigException.class, () -> LocalModels.openAlone(config));
        assertTrue(alone.getMessage().contains("use open"), alone.getMessage());
    }

    private static void assertKept(List<JudgedAnswer> found, String answer) {
        assertEquals(7, found.size());
        assertEquals(
                Map.of("ann", 3L, "ben", 1L, "", 1L, "cem", 1L, "dia", 1L),
                counts(found.stream().map(j -> j.judgement().user()).toList()));
        for (JudgedAnswer one : found) {
            assertTrue(
                    one.answer().messages().toString().contains("Sort ascending: 3 1 2 4"),
                    one.toString());
            assertEquals("assistant", one.answer().answer().get("role"));
            assertTrue(one.answer().usage().answerTokens() > 0);
            assertEquals("helper", one.answer().origin().answeredBy());
            assertTrue(one.answer().origin().base().endsWith("examples/model"));
        }
        GivenAnswer second = answer(found, new Corrected("1 2 3 4"));
        assertEquals(answer, second.answer().get("content"));
        assertEquals(second, answer(found, new Score(0.25)));
        assertEquals(answer(found, new Thumb(false)).messages(), second.messages());
        JudgedAnswer better =
                found.stream()
                        .filter(j -> j.judgement().opinion() instanceof BetterThan)
                        .findFirst()
                        .orElseThrow();
        assertEquals(1, better.worse().orElseThrow().choice());
        assertEquals("shorter", better.judgement().note());
    }

    private static GivenAnswer answer(List<JudgedAnswer> found, Object opinion) {
        return found.stream()
                .filter(j -> j.judgement().opinion().equals(opinion))
                .findFirst()
                .orElseThrow()
                .answer();
    }

    private static Map<String, Long> counts(List<String> names) {
        Map<String, Long> counts = new HashMap<>();
        names.forEach(name -> counts.merge(name, 1L, Long::sum));
        return counts;
    }

    @Test
    void whoObjectsIsNotKeptAndBadJudgementsAreNamed() {
        try (var server = server()) {
            String id = server.chat(SHORT + ",\"store\":false").get("id").asText();
            refused(server, 404, id, ",\"label\":true", "never kept");
            refused(server, 400, id, "", "one or several of");
            refused(server, 400, id, ",\"label\":\"meh\"", "neither true");
            refused(server, 400, id, ",\"better_than\":99999999999", "whole number >= 0");
            refused(server, 400, id, ",\"score\":5", "from 0.0 to 1.0");
            refused(server, 400, id, ",\"corrected\":\" \"", "is empty");
            refused(server, 400, id, ",\"lable\":true", "did you mean \\\"label\\\"");
            HttpResponse<String> told =
                    server.post("/v1/chat/completions", "{" + AskedServer.QUESTION + SHORT + "}");
            assertEquals("feedback", told.headers().firstValue("Attune-Kept").orElse(""));
        }
        assertEquals(List.of(), judged());
        try (var server = new AskedServer(c -> c)) {
            assertEquals(
                    404, server.post("/v1/feedback", "{}").statusCode(), "off unless asked for");
        }
    }

    private static void refused(
            AskedServer server, int status, String id, String keys, String why) {
        HttpResponse<String> response =
                server.post("/v1/feedback", "{\"id\":\"%s\"%s}".formatted(id, keys));
        assertEquals(status, response.statusCode(), response.body());
        assertTrue(response.body().contains(why), response.body());
    }

    private static String text(AskedServer server) {
        return server.chat(SHORT).at("/choices/0/message/content").asText();
    }

    private static String answering(AskedServer server) {
        return server.chat(SHORT).get("model").asText();
    }

    private static void await(AskedServer server, String name) throws InterruptedException {
        for (int i = 0; i < 100 && !answering(server).equals(name); i++) {
            Thread.sleep(100);
        }
        assertEquals(name, answering(server));
    }

    @Test
    void releasesAnswerWithoutARestartAndAfterOne() throws InterruptedException {
        String one = RandomModels.adapter(folder.resolve("one"), 1).toString();
        String two = RandomModels.adapter(folder.resolve("two"), 2).toString();
        try (var store = FeedbackStore.open(place())) {
            String before;
            String first;
            try (var server = server()) {
                before = text(server);
                store.release("helper", one, 0, "better");
                await(server, "helper@1");
                first = text(server);
                assertNotEquals(before, first);
                store.release("helper", two, 1, "better");
                await(server, "helper@2");
                assertNotEquals(first, text(server));
                store.rollback("helper");
                await(server, "helper@1");
                assertEquals(first, text(server));
            }
            try (var server = server()) {
                assertEquals("helper@1", answering(server));
                assertEquals(first, text(server));
                store.rollback("helper");
                await(server, "helper");
                assertEquals(before, text(server));
            }
            store.release("helper", folder.resolve("gone").toString(), 4, "better");
            assertThrows(RuntimeException.class, this::server);
        }
    }

    @Test
    void aUserStaysOnOneSideOfASplit() {
        String one = RandomModels.adapter(folder.resolve("one"), 1).toString();
        Map<String, Double> split = Map.of("new", 0.3);
        try (var server =
                new AskedServer(
                        c ->
                                c.withName("helper")
                                        .withAdapters(Map.of("new", one))
                                        .withSplits(split))) {
            Map<String, String> sides = new HashMap<>();
            for (int i = 0; i < 60; i++) {
                String user = "user" + i % 30;
                String side =
                        server.chat(",\"max_tokens\":1,\"user\":\"%s\"".formatted(user))
                                .get("model")
                                .asText();
                assertEquals(side, sides.getOrDefault(user, side));
                sides.put(user, side);
            }
            long fresh = sides.values().stream().filter("new"::equals).count();
            assertTrue(fresh >= 3 && fresh <= 16, fresh + " of 30");
        }
        assertThrows(
                ConfigException.class, () -> new AskedServer(c -> c.withSplits(Map.of("x", 0.5))));
        assertThrows(
                ConfigException.class, () -> new AskedServer(c -> c.withSplits(Map.of("x", 1.5))));
    }
}
