package org.attune.policy;

import static org.attune.testing.TensorAssert.assertClose;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.model.pass.Logits;
import org.attune.model.source.ModelSource;
import org.attune.tensor.DType;
import org.attune.tensor.Engine;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.testing.CaseReport;
import org.attune.testing.Devices;
import org.attune.testing.Fixtures;
import org.attune.testing.Recorded;
import org.attune.testing.RecordedRows;
import org.attune.text.ChatTemplate;
import org.attune.text.ChatTokenizer;
import org.attune.text.Conversation;
import org.attune.text.Message;
import org.attune.text.TextAssets;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// A real model from GGUF in float32: logits, greedy continuations and log-probabilities against
/// transformers'.
@Tag("fixtures-smollm2")
class SmolLm2Test {
    /// Another order of summation over 30 layers.
    private static final double LOGITS = 2e-3;

    private static final double LOG_PROBS = 1e-3;

    @Test
    void logitsGreedyTokensAndLogProbs() {
        JsonNode greedy = Recorded.json(Fixtures.fixture("smollm2/greedy.json"));
        Path recorded = Fixtures.fixture("smollm2/nll.json");
        JsonNode nll = Recorded.json(recorded).path("nll");
        RecordedRows rows = RecordedRows.of(recorded);
        JsonNode data = Recorded.json(Fixtures.data(rows.file()));
        Path model = Fixtures.model("SmolLM2-135M-Instruct.Q4_1.gguf");
        try (ModelSource source = ModelSource.open(model.toString());
                TextAssets text = source.openText();
                var report = new CaseReport("fixtures-smollm2", getClass())) {
            Decoder decoder =
                    Engine.call(
                            () ->
                                    Decoder.load(
                                            source.config(),
                                            source.tensors(),
                                            Devices.usual(),
                                            DType.FLOAT32));
            for (int i = 0; i < greedy.size(); i++) {
                JsonNode one = greedy.get(i);
                report.run("greedy " + i, () -> Engine.run(() -> greedy(decoder, one)));
            }
            report.run("rows", () -> assertEquals(rows.rows().length, nll.size()));
            for (int i = 0; i < nll.size(); i++) {
                JsonNode one = nll.get(i);
                JsonNode row = data.get(rows.rows()[i]);
                report.run(
                        "nll " + i,
                        () -> Engine.run(() -> logProbs(decoder, text.chat(), one, row)));
            }
            Engine.run(decoder::close);
        }
    }

    private static int[] ints(JsonNode array) {
        int[] values = new int[array.size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = array.get(i).asInt();
        }
        return values;
    }

    private static void greedy(Decoder decoder, JsonNode expected) {
        int[] prompt = ints(expected.get("prompt_ids"));
        int[] continuation = ints(expected.get("greedy_ids"));
        int[] all = Arrays.copyOf(prompt, prompt.length + continuation.length);
        System.arraycopy(continuation, 0, all, prompt.length, continuation.length);
        var builder = TokenForest.builder();
        builder.root(all);
        try (var _ = TensorScope.open("greedy")) {
            var layout = Policy.layout(builder.build());
            Tensor logits = Logits.of(decoder, layout, Adapter.OFF);
            float[] last = logits.select(0, prompt.length - 1).toFloats();
            JsonNode top = expected.get("last_logits_top20");
            int[] ids = ints(top.get("ids"));
            float[] values = new float[ids.length];
            float[] got = new float[ids.length];
            for (int i = 0; i < ids.length; i++) {
                values[i] = (float) top.get("values").get(i).asDouble();
                got[i] = last[ids[i]];
            }
            assertClose("largest logits", values, got, LOGITS, 0);
            long none =
                    Arrays.stream(ids)
                            .filter(id -> last[id] < values[ids.length - 1] - LOGITS)
                            .count();
            assertClose("of them not among the largest", 0, none, 0, 0);
            double max = values[0];
            double sum = 0;
            for (float z : last) {
                sum += Math.exp(z - max);
            }
            double expectedLse = expected.get("logsumexp").asDouble();
            assertClose("log-sum-exp", expectedLse, max + Math.log(sum), LOGITS, 0);
            // Given its own beginning, the most probable next token is the recorded one each time.
            for (int i = 0; i < continuation.length; i++) {
                long best = logits.select(0, prompt.length - 1 + i).argmax(0).toLongs()[0];
                assertClose("greedy token " + i, continuation[i], best, 0, 0);
            }
        }
    }

    private static void logProbs(
            Decoder decoder, ChatTokenizer chat, JsonNode expected, JsonNode row) {
        String input = row.path("input").asText("");
        String question = row.path("instruction").asText() + (input.isEmpty() ? "" : "\n" + input);
        var user = Message.of("user", question);
        var assistant = Message.of("assistant", row.path("output").asText());
        var messages = new ArrayList<>(List.of(user));
        int[] prompt =
                chat.encode(Conversation.of(messages), ChatTemplate.Tail.GENERATION_PROMPT).ids();
        messages.add(assistant);
        int[] all = chat.encode(Conversation.of(messages), ChatTemplate.Tail.NOTHING).ids();
        assertClose("prompt tokens", expected.get("prompt_tokens").asInt(), prompt.length, 0, 0);
        assertClose("tokens", expected.get("tokens").asInt(), all.length, 0, 0);
        var builder = TokenForest.builder();
        int root = builder.root(prompt);
        int child = builder.child(root, Arrays.copyOfRange(all, prompt.length, all.length));
        for (int i = 0; i < all.length - prompt.length; i++) {
            builder.target(child, i);
        }
        try (var _ = TensorScope.open("nll")) {
            Measurement m = Policy.reference(decoder).measure(builder.build(), HeadRequest.of());
            double sum = 0;
            for (float l : m.tokenLogProbs()) {
                sum += l;
            }
            double wanted = expected.get("completion_logprob_sum").asDouble();
            assertClose("summed log-probability", wanted, sum, 0, LOG_PROBS);
        }
    }
}
