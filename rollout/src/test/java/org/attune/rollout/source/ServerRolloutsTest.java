package org.attune.rollout.source;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;

import org.attune.error.ConfigException;
import org.attune.error.RolloutException;
import org.attune.rollout.RolloutPrompt;
import org.attune.rollout.SampledCompletion;
import org.attune.rollout.StopReason;
import org.attune.rollout.sampling.SamplingConfig;
import org.attune.rollout.sampling.SamplingConfig.Distribution;
import org.attune.rollout.testing.ByteTokens;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;

class ServerRolloutsTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final SamplingConfig SAMPLING =
            SamplingConfig.of(
                    Distribution.plain().withTemperature(0.7).withTopP(0.9),
                    5,
                    Set.of(ByteTokens.EOS),
                    3);
    private static final List<RolloutPrompt> PROMPTS =
            List.of(RolloutPrompt.of(0, new int[] {65, 66}), RolloutPrompt.of(1, new int[] {67}));

    private record Reply(int status, String body) {}

    @FunctionalInterface
    private interface Script {
        Reply reply(JsonNode request);
    }

    private final List<JsonNode> requests = Collections.synchronizedList(new ArrayList<>());
    private final List<String> authorizations = Collections.synchronizedList(new ArrayList<>());
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private HttpServer server;
    private Script script;

    @BeforeEach
    void start() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(threads);
        server.createContext("/v1/completions", this::answer);
        server.start();
    }

    @AfterEach
    void stop() {
        server.stop(0);
        threads.shutdownNow();
    }

    private void answer(HttpExchange exchange) throws IOException {
        try (exchange) {
            JsonNode request = JSON.readTree(exchange.getRequestBody());
            requests.add(request);
            authorizations.add(exchange.getRequestHeaders().getFirst("Authorization"));
            Reply reply = script.reply(request);
            byte[] body = reply.body().getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(reply.status(), body.length == 0 ? -1 : body.length);
            exchange.getResponseBody().write(body);
        }
    }

    private static Reply completion(String choice) {
        return new Reply(200, "{\"choices\": [%s]}".formatted(choice));
    }

    private String base() {
        return "http://localhost:%d/v1".formatted(server.getAddress().getPort());
    }

    private List<SampledCompletion> complete(Script replies, SamplingConfig sampling) {
        return complete(replies, sampling, connection(Duration.ofMinutes(3), 4));
    }

    private ServerRollouts.Connection connection(Duration timeout, int concurrency) {
        return new ServerRollouts.Connection(
                List.of(base() + "/"),
                "m",
                timeout,
                concurrency,
                Optional.of("k"),
                Duration.ofMillis(1));
    }

    private List<SampledCompletion> complete(
            Script replies, SamplingConfig sampling, ServerRollouts.Connection connection) {
        script = replies;
        return new ServerRollouts(connection, sampling, new ByteTokens()).complete(PROMPTS, 7);
    }

    private String failure(Script replies) {
        return assertThrows(RolloutException.class, () -> complete(replies, SAMPLING)).getMessage();
    }

    @Test
    void asksForEachCompletionWithTokenIds() {
        complete(
                _ -> completion("{\"text\": \"x\", \"finish_reason\": \"length\"}"),
                SAMPLING.withStopStrings(List.of("END")));
        assertEquals(2, requests.size());
        assertEquals(List.of("Bearer k", "Bearer k"), authorizations);
        JsonNode first =
                requests.stream()
                        .filter(r -> r.get("prompt").size() == 2)
                        .findFirst()
                        .orElseThrow();
        assertEquals("[65,66]", first.get("prompt").toString());
        assertEquals("m", first.get("model").asText());
        assertEquals(5, first.get("max_tokens").asInt());
        assertEquals(0.7, first.get("temperature").asDouble());
        assertEquals(0.9, first.get("top_p").asDouble());
        assertEquals("[\"END\"]", first.get("stop").toString());
        assertFalse(first.has("top_k"), "what says nothing isn't sent");
        long seeds = requests.stream().map(r -> r.get("seed").asLong()).distinct().count();
        assertEquals(2, seeds, requests.toString());
    }

    @Test
    void seedsFollowFromRoundAndPlace() {
        Script any = _ -> completion("{\"text\": \"x\", \"finish_reason\": \"length\"}");
        complete(any, SAMPLING);
        complete(any, SAMPLING);
        List<String> all = requests.stream().map(r -> r.get("seed").asText()).sorted().toList();
        assertEquals(all.get(0), all.get(1));
        assertEquals(all.get(2), all.get(3));
    }

    @Test
    void idsComeInAnyOfTheWaysInWhichServersTellThem() {
        String reason = "\"finish_reason\": \"stop\", \"text\": \"hi\"";
        for (String told :
                List.of(
                        """
                        "token_ids": [104, 105, 256],
                         "logprobs": {"token_logprobs": [-0.5, -1.5, -0.25]}\
                        """,
                        """
                        "logprobs": {"content": [{"id": 104, "logprob": -0.5},
                         {"id": 105, "logprob": -1.5}, {"id": 256, "logprob": -0.25}]}\
                        """,
                        """
                        "logprobs": {"tokens": ["token_id:104", "token_id:105", "token_id:256"],
                         "token_logprobs": [-0.5, -1.5, -0.25]}\
                        """)) {
            SampledCompletion first =
                    complete(_ -> completion("{%s, %s}".formatted(reason, told)), SAMPLING)
                            .getFirst();
            assertArrayEquals(new int[] {104, 105, 256}, first.ids(), told);
            assertArrayEquals(new float[] {-0.5f, -1.5f, -0.25f}, first.logProbs(), told);
            assertEquals(StopReason.STOP_TOKEN, first.reason());
        }
    }

    @Test
    void textIsTokenisedAgainWithTheStopTokenPutBack() {
        SampledCompletion stopped =
                complete(
                                _ -> completion("{\"text\": \"hi\", \"finish_reason\": \"stop\"}"),
                                SAMPLING)
                        .getFirst();
        assertArrayEquals(new int[] {104, 105, ByteTokens.EOS}, stopped.ids());
        assertTrue(Float.isNaN(stopped.logProbs()[0]), "nobody told a log-probability");
        assertEquals(StopReason.STOP_TOKEN, stopped.reason());
        SampledCompletion cut =
                complete(
                                _ ->
                                        completion(
                                                "{\"text\": \"abcdefg\", \"finish_reason\":"
                                                        + " \"length\"}"),
                                SAMPLING)
                        .getFirst();
        assertArrayEquals(new int[] {97, 98, 99, 100, 101}, cut.ids());
        assertEquals(StopReason.MAX_TOKENS, cut.reason());
        SampledCompletion told =
                complete(
                                _ ->
                                        completion(
                                                "{\"text\": \"aEND\", \"finish_reason\":"
                                                        + " \"stop\"}"),
                                SAMPLING.withStopStrings(List.of("END")))
                        .getFirst();
        assertArrayEquals(new int[] {97, 69, 78, 68}, told.ids());
        assertEquals(StopReason.STOP_STRING, told.reason());
    }

    /// The second prompt's answer waits until the listener has the first one.
    @Test
    void completionsAreAnnouncedWhileOthersAreWaitedFor() {
        var announced = new CountDownLatch(1);
        List<Integer> order = new ArrayList<>();
        script =
                request -> {
                    if (request.get("prompt").size() == 2) {
                        await(announced);
                    }
                    return completion("{\"text\": \"x\", \"finish_reason\": \"length\"}");
                };
        new ServerRollouts(connection(Duration.ofSeconds(60), 2), SAMPLING, new ByteTokens())
                .complete(
                        PROMPTS,
                        0,
                        (index, _) -> {
                            order.add(index);
                            announced.countDown();
                        });
        assertEquals(List.of(1, 0), order);
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new UncheckedIOException(new IOException(e));
        }
    }

    @Test
    void whatMayPassIsTriedAgain() {
        var failures = new AtomicInteger();
        List<SampledCompletion> completions =
                complete(
                        _ ->
                                switch (failures.getAndIncrement()) {
                                    case 0 -> new Reply(503, "starting");
                                    case 1 -> new Reply(429, "slow down");
                                    default ->
                                            completion(
                                                    "{\"text\": \"x\", \"finish_reason\":"
                                                            + " \"stop\"}");
                                },
                        SAMPLING);
        assertEquals(2, completions.size());
        assertEquals(4, requests.size());
    }

    @Test
    void failuresNameServerStatusAnswerAndRemedy() {
        String down = failure(_ -> new Reply(500, "out of memory\u001b[31m"));
        assertTrue(down.contains(base() + "/completions answered with status 500"), down);
        assertTrue(down.contains("out of memory [31m"), down);
        assertTrue(down.contains("5 attempts"), down);
        assertTrue(failure(_ -> new Reply(401, "")).contains("ROLLOUT_SERVER_API_KEY"));
        assertTrue(failure(_ -> new Reply(200, "<html>")).contains("not JSON"));
        assertTrue(failure(_ -> new Reply(200, "{\"choices\": []}")).contains("choices[0].text"));
        String foreign =
                failure(_ -> completion("{\"token_ids\": [900], \"finish_reason\": \"length\"}"));
        assertTrue(foreign.contains("token id 900 is not in the policy's vocabulary"), foreign);
    }

    /// Apart from the other failures: a request of theirs that was given up may still arrive.
    @Test
    void aRefusalIsFinal() {
        String refused = failure(_ -> new Reply(404, "no model m"));
        assertTrue(refused.contains("status 404: no model m; rollout_server_base_url"), refused);
        assertTrue(requests.size() <= PROMPTS.size(), () -> requests.size() + " requests");
    }

    @Test
    void aServerThatDoesNotAnswerIsGivenUp() {
        var never = new CountDownLatch(1);
        String message =
                assertThrows(
                                RolloutException.class,
                                () ->
                                        complete(
                                                _ -> {
                                                    await(never);
                                                    return null;
                                                },
                                                SAMPLING,
                                                connection(Duration.ofMillis(50), 2)))
                        .getMessage();
        never.countDown();
        assertTrue(
                message.contains("no whole answer in 0.05 s; raise rollout_server_timeout"),
                message);
        server.stop(0);
        String gone =
                assertThrows(RolloutException.class, () -> complete(null, SAMPLING)).getMessage();
        assertTrue(gone.contains("can't be reached"), gone);
    }

    @Test
    void settingsThatAServerDoesNotKnowAreRefused() {
        var typical = new Distribution(1, 0, 0, 1, 0, 1, 0, 0.5);
        assertThrows(
                ConfigException.class,
                () ->
                        new ServerRollouts(
                                connection(Duration.ofSeconds(1), 1),
                                SamplingConfig.of(typical, 5, Set.of(), 1),
                                new ByteTokens()));
    }
}
