package org.attune.serve;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.models.Chat;
import org.attune.models.DtypeChoice;
import org.attune.models.GenerationOptions;
import org.attune.models.ModelConfig;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;

class ChatEndpointTest {
    private static final String CHAT = "/v1/chat/completions";
    private static AskedServer server;

    @BeforeAll
    static void open() {
        server = new AskedServer(config -> config.withName("tiny"));
    }

    @AfterAll
    static void close() {
        server.close();
    }

    private static String text(JsonNode answer) {
        return answer.at("/choices/0/message/content").asText();
    }

    private static String streamed(String keys, int index) {
        var text = new StringBuilder();
        server.stream(CHAT, "{" + AskedServer.QUESTION + ",\"stream\":true" + keys + "}")
                .forEach(
                        chunk ->
                                chunk.path("choices")
                                        .forEach(
                                                choice -> {
                                                    if (choice.path("index").asInt() == index) {
                                                        text.append(
                                                                choice.at("/delta/content")
                                                                        .asText(""));
                                                    }
                                                }));
        return text.toString();
    }

    @Test
    void aGreedyAnswerIsTheModelsOwn() {
        ModelConfig model =
                ModelConfig.of(AskedServer.MODEL.toString()).withDtype(DtypeChoice.FLOAT32);
        String own;
        try (var chat = Chat.open(model, GenerationOptions.defaults().withMaxNewTokens(32))) {
            own = chat.say("Sort ascending: 3 1 2 4");
        }
        JsonNode answer = server.chat(",\"temperature\":0,\"max_tokens\":32");
        assertEquals(own, text(answer));
        assertEquals("stop", answer.at("/choices/0/finish_reason").asText());
        assertEquals("tiny", answer.path("model").asText());
        assertEquals("chat.completion", answer.path("object").asText());
        JsonNode usage = answer.path("usage");
        assertEquals(own.length() + 1, usage.path("completion_tokens").asInt()); // and the end
        assertEquals(
                usage.path("prompt_tokens").asInt() + own.length() + 1,
                usage.path("total_tokens").asInt());
    }

    @Test
    void piecesJoinToTheWhole() {
        String keys = ",\"temperature\":0,\"max_tokens\":12";
        assertEquals(text(server.chat(keys)), streamed(keys, 0));
        List<JsonNode> chunks =
                server.stream(
                        CHAT,
                        "{"
                                + AskedServer.QUESTION
                                + keys
                                + ",\"stream\":true,\"stream_options\":{\"include_usage\":true}}");
        assertEquals("assistant", chunks.getFirst().at("/choices/0/delta/role").asText());
        assertEquals(0, chunks.getLast().path("choices").size());
        assertTrue(chunks.getLast().at("/usage/total_tokens").asInt() > 0);
        assertEquals(
                1,
                chunks.stream()
                        .filter(
                                c ->
                                        !c.at("/choices/0/finish_reason")
                                                .asText("null")
                                                .equals("null"))
                        .count());
        assertEquals(1, chunks.stream().map(c -> c.path("id").asText()).distinct().count());
    }

    @Test
    void aSeedGivesTheSameAloneAndInCompany() throws Exception {
        List<Callable<String>> asking = new ArrayList<>();
        List<String> alone = new ArrayList<>();
        for (int seed = 0; seed < 8; seed++) {
            // settings differ, so that a pass has rows of several kinds
            String keys =
                    ",\"max_tokens\":12,\"temperature\":%s,\"seed\":%d,\"top_p\":%s"
                            .formatted(1 + 0.1 * seed, seed, seed % 2 == 0 ? 1 : 0.9);
            asking.add(() -> text(server.chat(keys)));
            alone.add(text(server.chat(keys)));
        }
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<String> together = new ArrayList<>();
            for (Future<String> answer : threads.invokeAll(asking)) {
                together.add(answer.get());
            }
            assertEquals(alone, together);
        }
        assertTrue(alone.stream().distinct().count() > 4, alone.toString());
    }

    @Test
    void severalAnswersOfOneSeedDiffer() {
        String keys = ",\"n\":4,\"seed\":3,\"temperature\":1.5,\"max_tokens\":10";
        JsonNode answer = server.chat(keys);
        List<String> texts =
                IntStream.range(0, 4)
                        .mapToObj(i -> answer.at("/choices/" + i + "/message/content").asText())
                        .toList();
        assertTrue(texts.stream().distinct().count() > 1, texts.toString());
        assertEquals(texts.get(2), streamed(keys, 2));
        String one = text(server.chat(keys.replace("\"n\":4", "\"n\":1")));
        assertEquals(texts.getFirst(), one); // a choice's draws are its own
    }

    @Test
    void withoutASeedAnswersDiffer() {
        List<String> texts =
                IntStream.range(0, 4)
                        .mapToObj(_ -> text(server.chat(",\"temperature\":2,\"max_tokens\":16")))
                        .toList();
        assertTrue(texts.stream().distinct().count() > 1, texts.toString());
    }

    @Test
    void aStopTextIsHeldBackAndCut() {
        String keys = ",\"temperature\":0,\"max_tokens\":32";
        String whole = text(server.chat(keys));
        String stop = whole.substring(2, 5);
        String cut = whole.substring(0, whole.indexOf(stop));
        String stopping = keys + ",\"stop\":[\"☃\",\"" + stop + "\"]";
        JsonNode answer = server.chat(stopping);
        assertEquals(cut, text(answer));
        assertEquals("stop", answer.at("/choices/0/finish_reason").asText());
        assertEquals(cut, streamed(stopping, 0));
        assertEquals(
                cut + stop, text(server.chat(stopping + ",\"include_stop_str_in_output\":true")));
    }

    @Test
    void logProbabilitiesAreTheModelsOwn() {
        String keys = ",\"max_tokens\":3,\"logprobs\":true,\"top_logprobs\":2,\"temperature\":";
        JsonNode greedy = server.chat(keys + "0").at("/choices/0/logprobs/content");
        assertEquals(3, greedy.size());
        JsonNode first = greedy.get(0);
        assertEquals(2, first.path("top_logprobs").size());
        assertEquals(first.path("token"), first.at("/top_logprobs/0/token"));
        assertEquals(first.path("logprob"), first.at("/top_logprobs/0/logprob"));
        JsonNode hot = server.chat(keys + "1.9").at("/choices/0/logprobs/content/0");
        assertEquals(
                first.at("/top_logprobs/0/logprob").asDouble(),
                hot.at("/top_logprobs/0/logprob").asDouble(),
                1e-5);
        assertTrue(server.chat("").at("/choices/0/logprobs").isNull());
    }

    @Test
    void aBiasForcesAndBans() {
        int wanted = server.ask("/tokenize", "{\"prompt\":\"x\"}").at("/tokens/0").asInt();
        String keys = ",\"temperature\":%s,\"max_tokens\":4,\"logit_bias\":{\"%d\":%d}";
        assertEquals("xxxx", text(server.chat(keys.formatted(0, wanted, 100))));
        assertEquals("xxxx", text(server.chat(keys.formatted(1, wanted, 100))));
        String plain = text(server.chat(",\"temperature\":0,\"max_tokens\":4"));
        int first =
                server.ask("/tokenize", "{\"prompt\":\"" + plain.charAt(0) + "\"}")
                        .at("/tokens/0")
                        .asInt();
        String banned = text(server.chat(keys.formatted(0, first, -100)));
        assertNotEquals(plain.charAt(0), banned.charAt(0));
        assertFalse(banned.contains(plain.substring(0, 1)));
    }

    @Test
    void aDeadlineEndsAnAnswerAsItIs() {
        JsonNode answer = server.chat(",\"timeout\":0.001,\"ignore_eos\":true,\"max_tokens\":200");
        assertEquals("length", answer.at("/choices/0/finish_reason").asText());
        assertTrue(answer.at("/usage/completion_tokens").asInt() < 200);
    }

    @Test
    void toolsAreShownToTheModel() {
        String tool =
                "{\"type\":\"function\",\"function\":{\"name\":\"add\",\"parameters\":{\"type\":\"object\"}}}";
        String keys = ",\"max_tokens\":4,\"temperature\":0,\"tools\":[" + tool + "]";
        int with = tokens(",\"tools\":[" + tool + "]");
        int without = tokens("");
        assertTrue(with > without + tool.length() / 2, with + " and " + without);
        // 256 tokens are too few for what the model is told
        assertEquals(400, server.post(CHAT, "{" + AskedServer.QUESTION + keys + "}").statusCode());
    }

    private static int tokens(String keys) {
        return server.ask("/tokenize", "{" + AskedServer.QUESTION + keys + "}")
                .path("count")
                .asInt();
    }
}
