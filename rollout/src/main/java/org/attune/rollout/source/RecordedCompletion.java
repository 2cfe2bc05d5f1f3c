package org.attune.rollout.source;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.util.RawValue;

import org.attune.episode.Episode;
import org.attune.error.RolloutException;
import org.attune.json.Json;
import org.attune.rollout.SampledCompletion;
import org.attune.rollout.StopReason;

import java.util.BitSet;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/// One completion as it stands in a file, a JSON object on one line:
/// ```
/// {"generation": 0, "prompt_ids": [5, 9], "completion_ids": [7, 2], "rewards": {"correct": 1.0}}
/// ```
/// Further keys, each optional: `sampler` (`policy` where the policy of the recorded run wrote it),
/// `episode` (its turns, where it is one: [RecordedEpisode]), `place`, `finish_reason` (`stop` or
/// `length`; without it a stop token at the end decides), `sampling_logprobs`, `loss_mask` (1 where
/// a token is the model's own, 0 where something else wrote it and it isn't trained),
/// `reward_weights`. Others are passed over.
///
/// @param round number of its round, `generation`
/// @param prompt token ids of the prompt
/// @param sampled the completion; a log-probability that nobody told is NaN
/// @param rewards by function; NaN is none
/// @param weights of the functions, as far as they were told
/// @param place where it comes when its round is cut into micro-batches, from 0
/// @param isPolicys whether the policy wrote it that learnt from it in the recorded run
@SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
public record RecordedCompletion(
        long round,
        int[] prompt,
        SampledCompletion sampled,
        Map<String, Double> rewards,
        Map<String, Double> weights,
        OptionalInt place,
        boolean isPolicys) {
    private static final String POLICY = "policy";

    /// Replaces the rewards.
    ///
    /// @param others by function; NaN is none
    /// @param factors weights of these functions
    public RecordedCompletion withRewards(Map<String, Double> others, Map<String, Double> factors) {
        return new RecordedCompletion(round, prompt, sampled, others, factors, place, isPolicys);
    }

    /// The line, without its end; every number comes back as it was.
    String line() {
        ObjectNode line = Json.object();
        line.put("generation", round);
        place.ifPresent(p -> line.put("place", p));
        if (isPolicys) {
            line.put("sampler", POLICY);
        }
        ids(line.putArray("prompt_ids"), prompt);
        ids(line.putArray("completion_ids"), sampled.ids());
        line.put("finish_reason", sampled.reason().finishReason());
        ArrayNode logProbs = line.putArray("sampling_logprobs");
        for (float value : sampled.logProbs()) {
            if (Float.isFinite(value)) {
                logProbs.add(value);
            } else {
                logProbs.addNull();
            }
        }
        if (!sampled.foreign().isEmpty()) {
            ArrayNode mask = line.putArray("loss_mask");
            for (int t = 0; t < sampled.ids().length; t++) {
                mask.add(sampled.foreign().get(t) ? 0 : 1);
            }
        }
        sampled.episode()
                .ifPresent(e -> line.putRawValue("episode", new RawValue(RecordedEpisode.json(e))));
        ObjectNode given = line.putObject("rewards");
        rewards.forEach((name, value) -> given.put(name, value.isNaN() ? null : value));
        ObjectNode factors = line.putObject("reward_weights");
        weights.forEach(factors::put);
        return Json.compact(line);
    }

    private static void ids(ArrayNode array, int[] ids) {
        for (int id : ids) {
            array.add(id);
        }
    }

    /// @param stopIds tokens that end a completion
    /// @throws RolloutException saying what a line must have
    static RecordedCompletion parse(String text, Collection<Integer> stopIds) {
        JsonNode line;
        try {
            line = Json.tree(text);
        } catch (JsonProcessingException e) {
            throw new RolloutException("not a JSON object: " + e.getOriginalMessage(), e);
        }
        if (!line.path("generation").isIntegralNumber() || line.get("generation").asLong() < 0) {
            throw new RolloutException("a line needs generation, the number of its round from 0");
        }
        int[] ids = ints(line, "completion_ids", false);
        float[] logProbs = new float[ids.length];
        JsonNode given = line.path("sampling_logprobs");
        for (int t = 0; t < ids.length; t++) {
            logProbs[t] = given.path(t).isNumber() ? given.get(t).floatValue() : Float.NaN;
        }
        long round = line.get("generation").asLong();
        int[] prompt = ints(line, "prompt_ids", true);
        Optional<Episode> episode =
                line.has("episode")
                        ? Optional.of(
                                RecordedEpisode.parse(
                                        line.get("episode").toString(), round, prompt, logProbs))
                        : Optional.empty();
        return new RecordedCompletion(
                round,
                prompt,
                new SampledCompletion(
                        ids,
                        logProbs,
                        reason(line, ids, stopIds),
                        List.of(),
                        foreign(line, ids.length),
                        episode,
                        List.of()),
                numbers(line.path("rewards")),
                numbers(line.path("reward_weights")),
                line.path("place").isInt()
                        ? OptionalInt.of(line.get("place").asInt())
                        : OptionalInt.empty(),
                line.path("sampler").asText("").equals(POLICY));
    }

    private static BitSet foreign(JsonNode line, int length) {
        var foreign = new BitSet();
        JsonNode mask = line.path("loss_mask");
        if (mask.isMissingNode() || mask.isNull()) {
            return foreign;
        }
        if (!mask.isArray() || mask.size() != length) {
            throw new RolloutException(
                    "loss_mask needs one number for each of the %d completion_ids"
                            .formatted(length));
        }
        for (int t = 0; t < length; t++) {
            double own = mask.get(t).asDouble(Double.NaN);
            if (own != 0 && own != 1) {
                throw new RolloutException(
                        "loss_mask[%d] is %s; accepted: 0, 1".formatted(t, mask.get(t)));
            }
            foreign.set(t, own == 0);
        }
        return foreign;
    }

    private static StopReason reason(JsonNode line, int[] ids, Collection<Integer> stopIds) {
        boolean stopToken = ids.length > 0 && stopIds.contains(ids[ids.length - 1]);
        return switch (line.path("finish_reason").asText("")) {
            case "length" -> StopReason.MAX_TOKENS;
            case "stop" -> stopToken ? StopReason.STOP_TOKEN : StopReason.STOP_STRING;
            case "" -> stopToken ? StopReason.STOP_TOKEN : StopReason.MAX_TOKENS;
            default ->
                    throw new RolloutException(
                            "finish_reason is %s; accepted: stop, length"
                                    .formatted(line.get("finish_reason")));
        };
    }

    /// @param sees whether ids below 0 may stand there, which are of pictures
    private static int[] ints(JsonNode line, String key, boolean sees) {
        JsonNode array = line.path(key);
        if (!array.isArray()) {
            throw new RolloutException("a line needs prompt_ids and completion_ids");
        }
        int[] ids = new int[array.size()];
        for (int i = 0; i < ids.length; i++) {
            if (!array.get(i).isInt() || array.get(i).asInt() < 0 && !sees) {
                throw new RolloutException(
                        "%s[%d] is %s; accepted: a token id".formatted(key, i, array.get(i)));
            }
            ids[i] = array.get(i).asInt();
        }
        return ids;
    }

    private static Map<String, Double> numbers(JsonNode object) {
        Map<String, Double> numbers = new LinkedHashMap<>();
        for (Map.Entry<String, JsonNode> entry : object.properties()) {
            JsonNode value = entry.getValue();
            if (!value.isNumber() && !value.isNull()) {
                throw new RolloutException(
                        "%s is %s; accepted: a number or null".formatted(entry.getKey(), value));
            }
            numbers.put(entry.getKey(), value.isNumber() ? value.asDouble() : Double.NaN);
        }
        return numbers;
    }
}
