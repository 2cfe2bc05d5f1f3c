package org.attune.trainers.examples;

import org.attune.error.DatasetException;
import org.attune.json.Json;
import org.attune.rollout.SampledCompletion;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// The tokens of a completion, and the likeliest ones in the place of each, as who wrote it saw
/// them. A named tuple. In rows these are the columns [#COMPLETION], [#TOKENS] and [#LOGPROBS]: of
/// whole numbers, lists of them, and lists of natural logarithms by falling probability, at
/// temperature 1. `T` tokens, `K` likeliest ones.
///
/// @param completion token ids, `(T)`
/// @param tokens ids of the likeliest, `(T, K)`
/// @param logProbs their log-probabilities, `(T, K)`
@SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
public record LikelyTokens(int[] completion, int[][] tokens, float[][] logProbs) {
    /// Column of the completion's token ids.
    public static final String COMPLETION = "completion_ids";

    /// Column of the likeliest tokens' ids.
    public static final String TOKENS = "target_token_ids";

    /// Column of their log-probabilities.
    public static final String LOGPROBS = "logprobs";

    /// How far probabilities of different tokens may add up to more than 1, by rounding.
    private static final double ROUNDING = 1e-3;

    /// Those of a completion that was generated with them.
    public static LikelyTokens of(SampledCompletion sampled) {
        return new LikelyTokens(
                sampled.ids(),
                sampled.top().stream().map(top -> top.ids()).toArray(int[][]::new),
                sampled.top().stream().map(top -> top.logProbs()).toArray(float[][]::new));
    }

    /// Those of a row; empty if it has none.
    ///
    /// @param otherwise the completion's tokens where the row doesn't tell them
    /// @throws DatasetException if columns have other forms than [LikelyTokens] says
    public static Optional<LikelyTokens> of(Map<String, Object> columns, int[] otherwise) {
        if (columns.get(TOKENS) == null && columns.get(LOGPROBS) == null) {
            return Optional.empty();
        }
        List<?> tokens = list(TOKENS, columns.get(TOKENS));
        List<?> logProbs = list(LOGPROBS, columns.get(LOGPROBS));
        int[] completion =
                columns.get(COMPLETION) == null
                        ? otherwise
                        : ids(COMPLETION, columns.get(COMPLETION));
        if (tokens.size() != completion.length || logProbs.size() != completion.length) {
            throw new DatasetException(
                    "the completion has %d tokens, %s tells of %d places and %s of %d; accepted: a place for each token, with %s where the tokenizer would make others of the text"
                            .formatted(
                                    completion.length,
                                    TOKENS,
                                    tokens.size(),
                                    LOGPROBS,
                                    logProbs.size(),
                                    COMPLETION));
        }
        var likely =
                new LikelyTokens(
                        completion,
                        tokens.stream().map(place -> ids(TOKENS, place)).toArray(int[][]::new),
                        logProbs.stream().map(LikelyTokens::numbers).toArray(float[][]::new));
        likely.check();
        return Optional.of(likely);
    }

    private void check() {
        for (int t = 0; t < completion.length; t++) {
            double sum = 0;
            for (float logProb : logProbs[t]) {
                sum += Math.exp(logProb);
            }
            long different = Arrays.stream(tokens[t]).distinct().count();
            if (tokens[t].length == 0
                    || tokens[t].length != count()
                    || logProbs[t].length != count()
                    || different != count()
                    || !(sum <= 1 + ROUNDING)) {
                throw new DatasetException(
                        "place %d has the tokens %s with the log-probabilities %s; accepted: as many different tokens in all places, at least one, with natural logarithms of probabilities that add up to 1 at most"
                                .formatted(
                                        t,
                                        Arrays.toString(tokens[t]),
                                        Arrays.toString(logProbs[t])));
            }
        }
    }

    /// Likeliest tokens of a place, `K`.
    public int count() {
        return tokens[0].length;
    }

    /// The largest id.
    public int largest() {
        int largest = Arrays.stream(completion).max().orElse(0);
        for (int[] place : tokens) {
            largest = Math.max(largest, Arrays.stream(place).max().orElse(0));
        }
        return largest;
    }

    /// The columns of a row.
    public Map<String, Object> columns() {
        Map<String, Object> columns = new LinkedHashMap<>();
        columns.put(COMPLETION, Arrays.stream(completion).boxed().toList());
        columns.put(
                TOKENS, Arrays.stream(tokens).map(t -> Arrays.stream(t).boxed().toList()).toList());
        List<List<Double>> numbers = new ArrayList<>();
        for (float[] place : logProbs) {
            List<Double> row = new ArrayList<>();
            for (float logProb : place) {
                row.add(Double.parseDouble(Float.toString(logProb))); // the shorter text
            }
            numbers.add(row);
        }
        columns.put(LOGPROBS, numbers);
        return columns;
    }

    private static List<?> list(String column, Object value) {
        Object read = value instanceof String text ? Json.parse(text) : value;
        if (read instanceof List<?> list && !list.isEmpty()) {
            return list;
        }
        throw new DatasetException(
                "column %s is %s; accepted: a list with an entry for each token of the completion"
                        .formatted(column, value == null ? "missing" : value));
    }

    private static int[] ids(String column, Object place) {
        return list(column, place).stream()
                .mapToInt(
                        id -> {
                            if (id instanceof Number n
                                    && n.doubleValue() == n.intValue()
                                    && n.intValue() >= 0) {
                                return n.intValue();
                            }
                            throw new DatasetException(
                                    "column %s has %s; accepted: token ids".formatted(column, id));
                        })
                .toArray();
    }

    private static float[] numbers(Object place) {
        List<?> list = list(LOGPROBS, place);
        float[] numbers = new float[list.size()];
        for (int k = 0; k < numbers.length; k++) {
            if (!(list.get(k) instanceof Number n) || !(n.doubleValue() <= 0)) {
                throw new DatasetException(
                        "column %s has %s; accepted: natural logarithms of probabilities, 0 at most"
                                .formatted(LOGPROBS, list.get(k)));
            }
            numbers[k] = n.floatValue();
        }
        return numbers;
    }
}
