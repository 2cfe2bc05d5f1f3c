package org.attune.rollout;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import org.attune.error.RolloutException;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/// Completions from a file, round by round: to replay a run, to debug one, or to learn from what
/// another policy wrote. JSON lines, one for a completion:
/// ```
/// {"generation": 0, "prompt_ids": [5, 9], "completion_ids": [7, 2], "rewards": {"correct": 1.0}}
/// ```
/// `generation` is the round; lines of a round stand in the order in which the trainer asks.
/// Optional: `rewards` (null is no reward), `sampling_logprobs`.
public final class RecordedRollouts implements RolloutSource {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Path file;
    private final int longest;
    private final Map<Integer, Round> rounds = new TreeMap<>();
    private Round current;

    private static final class Round {
        final List<int[]> prompts = new ArrayList<>();
        final List<SampledCompletion> completions = new ArrayList<>();
        final List<Map<String, Double>> rewards = new ArrayList<>();
    }

    /// @param longest tokens of a completion that was cut, `max_completion_length`
    /// @param stopIds tokens that end a completion
    /// @throws RolloutException naming file and line of what can't be read
    public RecordedRollouts(Path file, int longest, List<Integer> stopIds) {
        this.file = file;
        this.longest = longest;
        int number = 0;
        try {
            for (String line : Files.readAllLines(file)) {
                number++;
                if (!line.isBlank()) {
                    read(JSON.readTree(line), stopIds);
                }
            }
        } catch (IOException | RuntimeException e) {
            throw new RolloutException("%s:%d: %s".formatted(file, number, e.getMessage()), e);
        }
    }

    private void read(JsonNode line, List<Integer> stopIds) {
        if (!line.path("completion_ids").isArray() || !line.path("prompt_ids").isArray()) {
            throw new RolloutException("a line needs prompt_ids and completion_ids");
        }
        if (line.has("loss_mask")) {
            throw new RolloutException(
                    "loss_mask isn't supported: every token of a completion is trained");
        }
        Round round = rounds.computeIfAbsent(line.path("generation").asInt(), _ -> new Round());
        int[] ids = ints(line.get("completion_ids"));
        boolean ended = ids.length > 0 && stopIds.contains(ids[ids.length - 1]);
        float[] logProbs = new float[ids.length];
        JsonNode given = line.path("sampling_logprobs");
        for (int t = 0; t < ids.length; t++) {
            logProbs[t] = given.has(t) ? given.get(t).floatValue() : Float.NaN;
        }
        StopReason reason = ended ? StopReason.STOP_TOKEN : StopReason.MAX_TOKENS;
        round.prompts.add(ints(line.get("prompt_ids")));
        round.completions.add(new SampledCompletion(ids, logProbs, reason));
        Map<String, Double> rewards = new LinkedHashMap<>();
        for (Map.Entry<String, JsonNode> reward : line.path("rewards").properties()) {
            JsonNode value = reward.getValue();
            rewards.put(reward.getKey(), value.isNumber() ? value.asDouble() : Double.NaN);
        }
        round.rewards.add(rewards);
    }

    private static int[] ints(JsonNode array) {
        int[] ids = new int[array.size()];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = array.get(i).asInt();
        }
        return ids;
    }

    /// @throws RolloutException if the file has no such round, or it answers other prompts
    @Override
    public List<SampledCompletion> complete(List<int[]> prompts, long round) {
        current = rounds.get((int) round);
        if (current == null || current.completions.size() != prompts.size()) {
            throw new RolloutException(
                    "%s has %d completions of round %d; the run asks for %d"
                            .formatted(
                                    file,
                                    current == null ? 0 : current.completions.size(),
                                    round,
                                    prompts.size()));
        }
        for (int i = 0; i < prompts.size(); i++) {
            if (!Arrays.equals(prompts.get(i), current.prompts.get(i))) {
                throw new RolloutException(
                        "%s: completion %d of round %d answers another prompt than row %d of the data"
                                .formatted(file, i, round, i));
            }
            if (current.completions.get(i).ids().length > longest) {
                throw new RolloutException(
                        "%s: completion %d of round %d is longer than max_completion_length %d"
                                .formatted(file, i, round, longest));
            }
        }
        return List.copyOf(current.completions);
    }

    /// Rewards of the round that was asked for last, by function; NaN is none.
    public List<Map<String, Double>> rewards() {
        return current == null ? List.of() : List.copyOf(current.rewards);
    }

    @Override
    public boolean isOnPolicy() {
        return false;
    }
}
