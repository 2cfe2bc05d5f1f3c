package org.attune.serve;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

import java.util.List;

class TextEndpointTest {
    private static final String TEXTS = "/v1/completions";
    private static final String GREEDY = ",\"temperature\":0,\"max_tokens\":6";
    private static AskedServer server;

    @BeforeAll
    static void open() {
        server = new AskedServer(config -> config.withName("tiny"));
    }

    @AfterAll
    static void close() {
        server.close();
    }

    private static JsonNode complete(String prompt, String keys) {
        return server.ask(TEXTS, "{\"prompt\":" + prompt + keys + "}");
    }

    private static String text(JsonNode answer, int choice) {
        return answer.at("/choices/" + choice + "/text").asText();
    }

    @Test
    void textsAndIdsAreTheSame() {
        JsonNode ids = server.ask("/tokenize", "{\"prompt\":\"3 1 2\"}").path("tokens");
        JsonNode both = complete("[\"3 1 2\",\"abc\"]", GREEDY);
        assertEquals(text(complete("\"3 1 2\"", GREEDY), 0), text(both, 0));
        assertEquals(text(complete("\"abc\"", GREEDY), 0), text(both, 1));
        assertEquals(text(both, 0), text(complete(ids.toString(), GREEDY), 0));
        assertEquals(text(both, 0), text(complete("[" + ids + "]", GREEDY), 0));
        assertEquals(
                "3 1 2",
                server.ask("/detokenize", "{\"tokens\":" + ids + "}").path("prompt").asText());
    }

    @Test
    void aPromptsTokensAreJudgedLikeSampledOnes() {
        JsonNode sampled =
                complete(
                        "\"3 1 2\"",
                        GREEDY + ",\"ignore_eos\":true,\"logprobs\":2,\"return_token_ids\":true");
        JsonNode choice = sampled.at("/choices/0");
        int length = choice.path("prompt_token_ids").size();
        assertEquals(6, choice.path("token_ids").size());
        String all = ids(choice);
        JsonNode read =
                complete(all, ",\"temperature\":0,\"max_tokens\":0,\"echo\":true,\"logprobs\":2");
        JsonNode known = read.at("/choices/0/logprobs");
        assertEquals(length + 6, known.path("token_logprobs").size());
        assertTrue(known.at("/token_logprobs/0").isNull());
        assertTrue(known.at("/top_logprobs/0").isNull());
        for (int i = 0; i < 6; i++) {
            double own = choice.at("/logprobs/token_logprobs/" + i).asDouble();
            double echoed = known.path("token_logprobs").get(length + i).asDouble();
            assertEquals(own, echoed, 1e-4, "token " + i);
            assertEquals(choice.at("/logprobs/tokens/" + i), known.path("tokens").get(length + i));
        }
        assertTrue(text(read, 0).startsWith("3 1 2"), text(read, 0)); // and ends that were passed
        assertEquals(0, read.at("/usage/completion_tokens").asInt());
        JsonNode vllm = complete(all, ",\"max_tokens\":1,\"prompt_logprobs\":1");
        assertTrue(vllm.at("/choices/0/prompt_logprobs/0").isNull());
        String id = choice.at("/token_ids/0").asText();
        assertEquals(
                choice.at("/logprobs/token_logprobs/0").asDouble(),
                vllm.at("/choices/0/prompt_logprobs")
                        .get(length)
                        .at("/" + id + "/logprob")
                        .asDouble(),
                1e-4);
    }

    private static String ids(JsonNode choice) {
        var ids = new StringBuilder("[");
        choice.path("prompt_token_ids").forEach(id -> ids.append(id.asText()).append(','));
        choice.path("token_ids").forEach(id -> ids.append(id.asText()).append(','));
        ids.setCharAt(ids.length() - 1, ']');
        return ids.toString();
    }

    @Test
    void piecesJoinToTheWhole() {
        String keys = GREEDY + ",\"echo\":true,\"logprobs\":1,\"n\":2,\"seed\":1";
        JsonNode whole = complete("\"3 1 2\"", keys);
        List<JsonNode> chunks =
                server.stream(TEXTS, "{\"prompt\":\"3 1 2\",\"stream\":true" + keys + "}");
        var text = new StringBuilder();
        int[] tokens = new int[1];
        chunks.forEach(
                chunk -> {
                    JsonNode choice = chunk.at("/choices/0");
                    if (choice.path("index").asInt() == 1) {
                        text.append(choice.path("text").asText());
                        tokens[0] += choice.at("/logprobs/tokens").size();
                    }
                });
        assertEquals(text(whole, 1), text.toString());
        assertEquals(whole.at("/choices/1/logprobs/tokens").size(), tokens[0]);
    }

    @Test
    void tokensMayBeCalledByTheirIds() {
        JsonNode answer =
                complete("\"a\"", GREEDY + ",\"logprobs\":1,\"return_tokens_as_token_ids\":true");
        assertTrue(
                answer.at("/choices/0/logprobs/tokens/0").asText().matches("token_id:\\d+"),
                answer.toString());
    }
}
