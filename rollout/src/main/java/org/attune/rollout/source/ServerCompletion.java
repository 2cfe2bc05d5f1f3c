package org.attune.rollout.source;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;

import org.attune.error.RolloutException;
import org.attune.json.Json;
import org.attune.rollout.SampledCompletion;
import org.attune.rollout.StopReason;
import org.attune.rollout.sampling.SamplingConfig;
import org.attune.text.Tokenizer;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.IntToDoubleFunction;
import java.util.function.IntUnaryOperator;
import java.util.function.Predicate;
import java.util.stream.IntStream;

/// What a server answered for one completion.
///
/// @param sampled its tokens; a log-probability that the server didn't tell is NaN
/// @param retokenised whether the server told text only, so that the tokens may be others than it
///     sampled
record ServerCompletion(SampledCompletion sampled, boolean retokenised) {
    private static final String ID = "token_id:";

    private record Tokens(int[] ids, float[] logProbs) {}

    /// @param body the answer
    /// @param prompt that was sent
    /// @param config what was asked for
    /// @param tokenizer the policy's
    /// @throws RolloutException if it is no completion
    static ServerCompletion parse(
            String body, int[] prompt, SamplingConfig config, Tokenizer tokenizer) {
        JsonNode choice = choice(body);
        requirePrompt(choice.path("prompt_token_ids"), prompt);
        String finish = choice.path("finish_reason").asText("");
        if (!finish.equals("stop") && !finish.equals("length")) {
            throw new RolloutException(
                    "finish_reason is %s; accepted: stop, length"
                            .formatted(choice.path("finish_reason")));
        }
        Optional<Tokens> told = tokens(choice);
        Tokens tokens =
                told.orElseGet(
                        () -> {
                            int[] ids = tokenizer.encode(choice.get("text").asText(), false);
                            return new Tokens(ids, unknown(ids.length));
                        });
        int outside =
                IntStream.of(tokens.ids())
                        .filter(id -> id < 0 || id >= tokenizer.vocabularySize())
                        .findFirst()
                        .orElse(-1);
        if (outside >= 0) {
            throw new RolloutException(
                    "token id %d is not in the policy's vocabulary of %d; the server must serve a model with the same tokenizer"
                            .formatted(outside, tokenizer.vocabularySize()));
        }
        return new ServerCompletion(
                ended(
                        tokens,
                        finish.equals("stop"),
                        choice.path("text").asText(""),
                        config,
                        stopId(config, tokenizer)),
                told.isEmpty());
    }

    /// The one that ends a turn: the tokenizer's own, where the model knows it.
    private static int stopId(SamplingConfig config, Tokenizer tokenizer) {
        int own = tokenizer.eosId().orElse(-1);
        return config.stopIds().contains(own)
                ? own
                : config.stopIds().stream().min(Integer::compare).orElse(-1);
    }

    /// A server may tell what it read. A completion of anything else would be learned as one of the
    /// prompt.
    private static void requirePrompt(JsonNode read, int[] prompt) {
        if (!read.isArray()) {
            return;
        }
        int[] ids = IntStream.range(0, read.size()).map(i -> read.get(i).asInt(-1)).toArray();
        if (!Arrays.equals(ids, prompt)) {
            throw new RolloutException(
                    ("it read %d tokens as prompt (prompt_token_ids) that are not the %d it was"
                                    + " sent; it must take token ids as they are")
                            .formatted(ids.length, prompt.length));
        }
    }

    private static JsonNode choice(String body) {
        JsonNode answer;
        try {
            answer = Json.tree(body);
        } catch (JsonProcessingException e) {
            throw new RolloutException("the answer is not JSON: " + e.getOriginalMessage(), e);
        }
        JsonNode choice = answer.path("choices").path(0);
        if (!choice.path("text").isTextual() && !choice.path("token_ids").isArray()) {
            throw new RolloutException("the answer has no choices[0].text");
        }
        return choice;
    }

    /// The sampled tokens, in any of the ways in which servers tell them.
    private static Optional<Tokens> tokens(JsonNode choice) {
        JsonNode logProbs = choice.path("logprobs");
        JsonNode values = logProbs.path("token_logprobs");
        JsonNode ids = choice.path("token_ids");
        if (ids.isArray()) {
            return Optional.of(
                    of(ids.size(), i -> ids.get(i).asInt(-1), i -> number(values.path(i))));
        }
        JsonNode content = logProbs.path("content");
        if (content.isArray() && allMatch(content, token -> token.path("id").isInt())) {
            return Optional.of(
                    of(
                            content.size(),
                            i -> content.get(i).get("id").asInt(),
                            i -> number(content.get(i).path("logprob"))));
        }
        JsonNode names = logProbs.path("tokens");
        if (names.isArray() && allMatch(names, name -> name.asText().matches(ID + "\\d{1,9}"))) {
            return Optional.of(
                    of(
                            names.size(),
                            i -> Integer.parseInt(names.get(i).asText().substring(ID.length())),
                            i -> number(values.path(i))));
        }
        return Optional.empty();
    }

    private static boolean allMatch(JsonNode array, Predicate<JsonNode> condition) {
        for (JsonNode element : array) {
            if (!condition.test(element)) {
                return false;
            }
        }
        return true;
    }

    private static Tokens of(int size, IntUnaryOperator id, IntToDoubleFunction logProb) {
        int[] ids = IntStream.range(0, size).map(id).toArray();
        float[] logProbs = new float[size];
        for (int i = 0; i < size; i++) {
            logProbs[i] = (float) logProb.applyAsDouble(i);
        }
        return new Tokens(ids, logProbs);
    }

    private static double number(JsonNode value) {
        return value.isNumber() ? value.asDouble() : Double.NaN;
    }

    private static float[] unknown(int size) {
        float[] values = new float[size];
        Arrays.fill(values, Float.NaN);
        return values;
    }

    /// Servers leave the stop token out of the text, and some out of the tokens; a policy must
    /// learn to end, so it is put back.
    private static SampledCompletion ended(
            Tokens tokens, boolean stopped, String text, SamplingConfig config, int stopId) {
        int[] ids = tokens.ids();
        if (ids.length > config.maxNewTokens()) {
            return new SampledCompletion(
                    Arrays.copyOf(ids, config.maxNewTokens()),
                    Arrays.copyOf(tokens.logProbs(), config.maxNewTokens()),
                    StopReason.MAX_TOKENS);
        }
        if (!stopped) {
            return new SampledCompletion(ids, tokens.logProbs(), StopReason.MAX_TOKENS);
        }
        if (ids.length > 0 && config.stopIds().contains(ids[ids.length - 1])) {
            return new SampledCompletion(ids, tokens.logProbs(), StopReason.STOP_TOKEN);
        }
        List<String> stops = config.stopStrings();
        if (stops.stream().anyMatch(text::contains)) {
            return new SampledCompletion(ids, tokens.logProbs(), StopReason.STOP_STRING);
        }
        if (ids.length == config.maxNewTokens() || config.stopIds().isEmpty()) {
            return new SampledCompletion(ids, tokens.logProbs(), StopReason.MAX_TOKENS);
        }
        int[] whole = Arrays.copyOf(ids, ids.length + 1);
        whole[ids.length] = stopId;
        float[] logProbs = Arrays.copyOf(tokens.logProbs(), whole.length);
        logProbs[ids.length] = Float.NaN;
        return new SampledCompletion(whole, logProbs, StopReason.STOP_TOKEN);
    }
}
