package org.attune.serve;

import org.attune.model.config.GenerationDefaults;
import org.attune.rollout.sampling.SamplingConfig;
import org.attune.rollout.sampling.SamplingConfig.Distribution;

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;

/// How a request has its answers sampled, and what ends them. What it doesn't say is as the model's
/// `generation_config.json` recommends, else as OpenAI has it: temperature 1, nothing left out.
///
/// @param choices answers to each prompt
/// @param maxTokens most tokens of an answer; empty: what room there is
/// @param minTokens nothing ends an answer before
/// @param stopIds tokens that end an answer
/// @param stops texts that end an answer
/// @param keepsStop whether such a text is part of the answer
/// @param seed of all draws; empty: another for each request
/// @param bias added to logits, by token
record Sampling(
        Distribution distribution,
        int choices,
        OptionalInt maxTokens,
        int minTokens,
        Set<Integer> stopIds,
        List<String> stops,
        boolean keepsStop,
        OptionalLong seed,
        Map<Integer, Double> bias) {
    /// The keys that are read here.
    static final Set<String> KEYS =
            Set.of(
                    "temperature",
                    "top_p",
                    "top_k",
                    "min_p",
                    "typical_p",
                    "presence_penalty",
                    "frequency_penalty",
                    "repetition_penalty",
                    "logit_bias",
                    "n",
                    "max_tokens",
                    "max_completion_tokens",
                    "min_tokens",
                    "ignore_eos",
                    "stop",
                    "stop_token_ids",
                    "include_stop_str_in_output",
                    "seed");

    private static final int MOST_CHOICES = 16;
    private static final int MOST_STOPS = 4;
    private static final int MOST_STOP_IDS = 100;
    private static final int MOST_STOP_LENGTH = 1000;
    private static final double MOST_BIAS = 100;

    /// @param least smallest `max_tokens` that makes sense
    static Sampling read(Fields body, ServedModel model, int least) throws ApiException {
        String most = body.has("max_completion_tokens") ? "max_completion_tokens" : "max_tokens";
        OptionalLong maxTokens = body.integer(most, least, Integer.MAX_VALUE);
        int minTokens = body.integer("min_tokens", 0, Integer.MAX_VALUE, 0);
        if (maxTokens.isPresent() && minTokens > maxTokens.getAsLong()) {
            throw body.bad(
                    "min_tokens",
                    "is %d, more than %s allows: %d"
                            .formatted(minTokens, most, maxTokens.getAsLong()));
        }
        return new Sampling(
                distribution(body, model.setup().source().generation()),
                body.integer("n", 1, MOST_CHOICES, 1),
                maxTokens.isPresent()
                        ? OptionalInt.of((int) maxTokens.getAsLong())
                        : OptionalInt.empty(),
                minTokens,
                stopIds(body, model),
                stops(body),
                body.flag("include_stop_str_in_output", false),
                body.integer("seed", Long.MIN_VALUE, Long.MAX_VALUE),
                bias(body, vocabulary(model)));
    }

    private static int vocabulary(ServedModel model) {
        return model.setup().source().config().vocabSize();
    }

    private static Distribution distribution(Fields body, GenerationDefaults model)
            throws ApiException {
        boolean samples = model.doSample();
        double topP = body.number("top_p", 0, 1).orElse(samples ? model.topP().orElse(1) : 1);
        if (topP == 0) {
            throw body.bad("top_p", "is 0; accepted: a number in (0, 1]");
        }
        double typical = body.number("typical_p", 0, 1).orElse(1);
        if (typical == 0) {
            throw body.bad("typical_p", "is 0; accepted: a number in (0, 1]");
        }
        double repetition = body.number("repetition_penalty", 0, Double.MAX_VALUE).orElse(-1);
        if (repetition == 0) {
            throw body.bad("repetition_penalty", "is 0; accepted: a number > 0");
        }
        int given = body.integer("top_k", -1, Integer.MAX_VALUE, -2);
        int topK = given == -2 ? (samples ? model.topK().orElse(0) : 0) : Math.max(0, given);
        double temperature =
                body.number("temperature", 0, 2)
                        .orElse(samples ? model.temperature().orElse(1) : 1);
        return new Distribution(
                repetition > 0 ? repetition : model.repetitionPenalty().orElse(1),
                body.number("presence_penalty", -2, 2).orElse(0),
                body.number("frequency_penalty", -2, 2).orElse(0),
                topK == 1 ? 0 : temperature, // transformers' filter leaves all that tie
                topK,
                topP,
                body.number("min_p", 0, 1).orElse(0),
                typical);
    }

    private static Set<Integer> stopIds(Fields body, ServedModel model) throws ApiException {
        Set<Integer> ids = new LinkedHashSet<>();
        if (!body.flag("ignore_eos", false)) {
            ids.addAll(model.stopIds());
        }
        for (Object id : body.list("stop_token_ids", MOST_STOP_IDS)) {
            ids.add(id(body, "stop_token_ids", id, vocabulary(model)));
        }
        return ids;
    }

    private static int id(Fields body, String key, Object value, int vocabulary)
            throws ApiException {
        if (value instanceof Long id && id >= 0 && id < vocabulary) {
            return id.intValue();
        }
        throw body.bad(
                key, "holds %s; accepted: token ids from 0 to %d".formatted(value, vocabulary - 1));
    }

    private static List<String> stops(Fields body) throws ApiException {
        List<?> given =
                body.value("stop") instanceof String one
                        ? List.of(one)
                        : body.list("stop", MOST_STOPS);
        List<String> stops = new ArrayList<>();
        for (Object stop : given) {
            if (!(stop instanceof String text)
                    || text.isEmpty()
                    || text.length() > MOST_STOP_LENGTH) {
                throw body.bad(
                        "stop",
                        "holds %s; accepted: texts of 1 to %d characters"
                                .formatted(stop, MOST_STOP_LENGTH));
            }
            stops.add(text);
        }
        return stops;
    }

    private static Map<Integer, Double> bias(Fields body, int vocabulary) throws ApiException {
        Map<Integer, Double> biases = new TreeMap<>();
        Optional<Fields> given = body.object("logit_bias");
        if (given.isPresent()) {
            for (String key : given.get().all().keySet()) {
                if (!key.matches("\\d{1,9}") || Integer.parseInt(key) >= vocabulary) {
                    throw body.bad(
                            "logit_bias",
                            "has the key \"%s\"; accepted: token ids from 0 to %d"
                                    .formatted(key, vocabulary - 1));
                }
                biases.put(
                        Integer.parseInt(key),
                        given.get().number(key, -MOST_BIAS, MOST_BIAS).orElse(0));
            }
        }
        return biases;
    }

    /// The sampling with further tokens that end an answer.
    Sampling endingBy(Set<Integer> more) {
        Set<Integer> all = new LinkedHashSet<>(stopIds);
        all.addAll(more);
        return new Sampling(
                distribution, choices, maxTokens, minTokens, all, stops, keepsStop, seed, bias);
    }

    /// The settings of one sequence.
    ///
    /// @param most tokens of the answer, ≥ 1
    /// @param drawn seed of its draws
    /// @param top how many of the likeliest tokens are told
    /// @param time after which it ends as it is
    SamplingConfig config(int most, long drawn, int top, Duration time) {
        return SamplingConfig.of(distribution, most, stopIds, drawn)
                .withMinNewTokens(Math.min(minTokens, most))
                .withLogitBias(bias)
                .withTopLogProbs(top)
                .withMaxTime(time);
    }
}
