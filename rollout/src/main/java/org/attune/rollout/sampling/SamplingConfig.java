package org.attune.rollout.sampling;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;
import org.attune.error.ConfigException;
import org.attune.records.CopyMethods;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// How completions are sampled and when they end. Names and meanings are those of Hugging Face's
/// `GenerationConfig`.
///
/// @param distribution how one token is chosen
/// @param maxNewTokens most tokens of a completion, ≥ 1
/// @param minNewTokens stop tokens can't be sampled before, ≥ 0
/// @param stopIds tokens that end a completion
/// @param stopStrings texts that end a completion, none empty
/// @param seed of all draws; a draw depends on seed, sequence and position alone
/// @param topLogProbs how many of the likeliest tokens to report at each position, ≥ 0
/// @param reportsDrawable report, in place of the likeliest, the tokens that filters left at each
///     position, with the log-probabilities that they were drawn with; nothing without filters
/// @param tellsDrawn whether log-probabilities are those of the temperature, not of temperature 1
/// @param maxTime after which unfinished completions end as they are, > 0
/// @param logitBias added to the logits of single tokens before penalties; finite
@Api(EXPERIMENTAL)
@CopyMethods
public record SamplingConfig(
        Distribution distribution,
        int maxNewTokens,
        int minNewTokens,
        Set<Integer> stopIds,
        List<String> stopStrings,
        long seed,
        int topLogProbs,
        boolean reportsDrawable,
        boolean tellsDrawn,
        Optional<Duration> maxTime,
        Map<Integer, Double> logitBias)
        implements SamplingConfigCopies {
    /// How logits become the probabilities of one token, in the order of the components, except
    /// that the repetition penalty comes third.
    ///
    /// @param repetitionPenalty positive logits of tokens seen before (prompt included) are divided
    ///     by it, negative ones multiplied; > 0, 1 is none
    ///     ([Keskar et al. 2019, Sec. 4.1](https://arxiv.org/abs/1909.05858))
    /// @param presencePenalty subtracted from the logits of generated tokens; finite
    /// @param frequencyPenalty subtracted once per occurrence of a generated token; finite
    /// @param temperature divisor of the logits, ≥ 0; 0 takes the likeliest token
    /// @param topK number of likeliest tokens kept, with all ties of the last; 0 keeps all
    /// @param topP the likeliest tokens are kept whose probabilities first reach this sum; in (0,
    ///     1]
    ///     ([Holtzman et al. 2020, Eq. 2](https://arxiv.org/abs/1904.09751))
    /// @param minP tokens are kept that reach this share of the likeliest's probability; in [0, 1]
    /// @param typicalP tokens are kept whose surprise is nearest to the entropy, until their
    ///     probabilities reach this sum; in (0, 1]
    ///     ([Meister et al. 2023, Eq. 8](https://arxiv.org/abs/2202.00666))
    public record Distribution(
            double repetitionPenalty,
            double presencePenalty,
            double frequencyPenalty,
            double temperature,
            int topK,
            double topP,
            double minP,
            double typicalP) {
        /// @throws ConfigException if a value is NaN or outside its range; names all of them
        public Distribution {
            var problems = new Problems();
            problems.require(
                    isFinite(repetitionPenalty) && repetitionPenalty > 0,
                    "repetition_penalty",
                    repetitionPenalty,
                    "a finite number > 0 (1: none)");
            problems.require(
                    isFinite(presencePenalty),
                    "presence_penalty",
                    presencePenalty,
                    "a finite number");
            problems.require(
                    isFinite(frequencyPenalty),
                    "frequency_penalty",
                    frequencyPenalty,
                    "a finite number");
            problems.require(
                    isFinite(temperature) && temperature >= 0,
                    "temperature",
                    temperature,
                    "a finite number >= 0 (0: the likeliest token)");
            problems.require(topK >= 0, "top_k", topK, "a whole number >= 0 (0: all)");
            problems.require(topP > 0 && topP <= 1, "top_p", topP, "a number in (0, 1]");
            problems.require(minP >= 0 && minP <= 1, "min_p", minP, "a number in [0, 1]");
            problems.require(
                    typicalP > 0 && typicalP <= 1, "typical_p", typicalP, "a number in (0, 1]");
            problems.throwIfAny();
        }

        /// The model's own probabilities.
        public static Distribution plain() {
            return new Distribution(1, 0, 0, 1, 0, 1, 0, 1);
        }

        /// The likeliest token.
        public static Distribution greedy() {
            return plain().withTemperature(0);
        }

        public Distribution withTemperature(double value) {
            return new Distribution(
                    repetitionPenalty,
                    presencePenalty,
                    frequencyPenalty,
                    value,
                    topK,
                    topP,
                    minP,
                    typicalP);
        }

        public Distribution withTopK(int value) {
            return new Distribution(
                    repetitionPenalty,
                    presencePenalty,
                    frequencyPenalty,
                    temperature,
                    value,
                    topP,
                    minP,
                    typicalP);
        }

        public Distribution withTopP(double value) {
            return new Distribution(
                    repetitionPenalty,
                    presencePenalty,
                    frequencyPenalty,
                    temperature,
                    topK,
                    value,
                    minP,
                    typicalP);
        }

        public Distribution withMinP(double value) {
            return new Distribution(
                    repetitionPenalty,
                    presencePenalty,
                    frequencyPenalty,
                    temperature,
                    topK,
                    topP,
                    value,
                    typicalP);
        }

        public Distribution withRepetitionPenalty(double value) {
            return new Distribution(
                    value,
                    presencePenalty,
                    frequencyPenalty,
                    temperature,
                    topK,
                    topP,
                    minP,
                    typicalP);
        }

        private static boolean isFinite(double value) {
            return !Double.isNaN(value) && !Double.isInfinite(value);
        }

        /// Whether some tokens are left out.
        boolean filters() {
            return topK > 0 || topP < 1 || minP > 0 || typicalP < 1;
        }

        boolean penalises() {
            return repetitionPenalty != 1 || presencePenalty != 0 || frequencyPenalty != 0;
        }
    }

    /// @throws ConfigException if a value is outside its range; names all of them
    public SamplingConfig {
        stopIds = Set.copyOf(stopIds);
        stopStrings = List.copyOf(stopStrings);
        logitBias = Map.copyOf(logitBias);
        var problems = new Problems();
        problems.require(maxNewTokens >= 1, "max_new_tokens", maxNewTokens, "a whole number >= 1");
        problems.require(
                minNewTokens >= 0 && minNewTokens <= maxNewTokens,
                "min_new_tokens",
                minNewTokens,
                "a whole number from 0 to max_new_tokens");
        problems.require(
                stopStrings.stream().noneMatch(String::isEmpty),
                "stop_strings",
                stopStrings,
                "texts of at least one character");
        problems.require(
                topLogProbs >= 0, "top_log_probs", topLogProbs, "a whole number >= 0 (0: none)");
        problems.require(
                topLogProbs == 0 || !reportsDrawable,
                "top_log_probs",
                topLogProbs,
                "0 where the tokens that could be drawn are reported");
        problems.require(
                maxTime.map(Duration::isPositive).orElse(true),
                "max_time",
                maxTime.orElse(null),
                "a time > 0");
        problems.require(
                logitBias.values().stream().allMatch(Double::isFinite),
                "logit_bias",
                logitBias,
                "finite numbers");
        problems.throwIfAny();
    }

    /// @param stopIds tokens that end a completion
    public static SamplingConfig of(
            Distribution distribution, int maxNewTokens, Set<Integer> stopIds, long seed) {
        return new SamplingConfig(
                distribution,
                maxNewTokens,
                0,
                stopIds,
                List.of(),
                seed,
                0,
                false,
                false,
                Optional.empty(),
                Map.of());
    }

    /// The likeliest tokens.
    public static SamplingConfig greedy(int maxNewTokens, Set<Integer> stopIds) {
        return of(Distribution.greedy(), maxNewTokens, stopIds, 0);
    }

    /// Whether something is reported of each position.
    public boolean reports() {
        return topLogProbs > 0
                || reportsDrawable && distribution.filters() && distribution.temperature() > 0;
    }

    /// Takes the likeliest token each time, with temperature 0; penalties stay.
    public SamplingConfig greedily() {
        return withDistribution(distribution.withTemperature(0));
    }

    /// Gives one of many batches of a run its own draws.
    ///
    /// @param number of the batch
    public SamplingConfig ofBatch(long number) {
        return withSeed(Draws.seedOf(seed, number));
    }

    /// Collects what is wrong, so that all of it is said at once.
    private static final class Problems {
        private final List<String> found = new ArrayList<>();

        void require(boolean holds, String name, Object value, String accepted) {
            if (!holds) {
                found.add("%s is %s; accepted: %s".formatted(name, value, accepted));
            }
        }

        void throwIfAny() {
            if (!found.isEmpty()) {
                throw new ConfigException(String.join("; ", found));
            }
        }
    }
}
