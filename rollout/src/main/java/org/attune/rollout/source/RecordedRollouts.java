package org.attune.rollout.source;

import org.attune.episode.Episode;
import org.attune.error.RolloutException;
import org.attune.images.SeenPicture;
import org.attune.rollout.FinishedListener;
import org.attune.rollout.RolloutPrompt;
import org.attune.rollout.RolloutSource;
import org.attune.rollout.RoundPart;
import org.attune.rollout.SampledCompletion;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/// Completions from a file, round by round: to replay a run, to debug one, or to learn from what
/// another policy wrote. The lines are [RecordedCompletion]s; those of a round stand in the order
/// in which the trainer asks. A round is used in the order of their `place`, or of its lines
/// where they have none.
public final class RecordedRollouts implements RolloutSource {
    private final Path file;
    private final int longest;
    private final Map<Long, List<Line>> rounds = new HashMap<>();
    private final Map<String, Double> weights = new LinkedHashMap<>();
    private List<Line> current = List.of();

    private record Line(int number, RecordedCompletion completion) {}

    /// @param longest most tokens of a completion, `max_completion_length`
    /// @param stopIds tokens that end a completion
    /// @throws RolloutException naming file and line of what can't be read
    public RecordedRollouts(Path file, int longest, Collection<Integer> stopIds) {
        this.file = file;
        this.longest = longest;
        RecordedLines.read(file, stopIds, (number, one) -> add(new Line(number, one)));
    }

    private void add(Line line) {
        RecordedCompletion completion = line.completion();
        rounds.computeIfAbsent(completion.round(), _ -> new ArrayList<>()).add(line);
        completion.rewards().keySet().forEach(name -> weights.putIfAbsent(name, Double.NaN));
        completion.weights().forEach((name, weight) -> weigh(name, weight));
    }

    private void weigh(String name, double weight) {
        Double before = weights.put(name, weight);
        if (before != null && !before.isNaN() && before != weight) {
            throw new RolloutException(
                    "reward_weights: %s has weight %s, in lines before %s"
                            .formatted(name, weight, before));
        }
    }

    /// @throws RolloutException naming file and line, if the file has no such round, or it answers
    ///     other prompts
    @Override
    public List<SampledCompletion> complete(
            List<RolloutPrompt> prompts, long round, FinishedListener listener) {
        int[] all = IntStream.range(0, prompts.size()).toArray();
        return completePart(prompts, new RoundPart(round, 0, 1, all.length, all), listener);
    }

    /// @throws RolloutException as for [#complete]
    @Override
    public List<SampledCompletion> completePart(
            List<RolloutPrompt> prompts, RoundPart part, FinishedListener listener) {
        List<Line> round = rounds.getOrDefault(part.round(), List.of());
        if (round.size() != part.completions()) {
            throw new RolloutException(
                    "%s has %d completions of round %d; the run asks for %d"
                            .formatted(
                                    round.isEmpty() ? file : where(round.getFirst()),
                                    round.size(),
                                    part.round(),
                                    part.completions()));
        }
        current = Arrays.stream(part.places()).mapToObj(round::get).toList();
        List<SampledCompletion> completions = new ArrayList<>();
        for (int i = 0; i < prompts.size(); i++) {
            completions.add(completion(current.get(i), prompts.get(i)));
        }
        for (int i = 0; i < completions.size(); i++) {
            listener.finished(i, completions.get(i));
        }
        return completions;
    }

    private SampledCompletion completion(Line line, RolloutPrompt prompt) {
        SampledCompletion sampled = line.completion().sampled();
        if (!answers(prompt, line.completion())) {
            throw new RolloutException(
                    "%s: prompt_ids are not those of the prompt that the run completes here"
                                    .formatted(where(line))
                            + "; use the data, their order (seed, data_seed, shuffle_dataset),"
                            + " the chat template and num_generations of the recorded run");
        }
        if (length(sampled) > longest) {
            throw new RolloutException(
                    "%s: the completion has %d tokens; accepted: at most max_completion_length %d"
                            .formatted(where(line), length(sampled), longest));
        }
        return sampled;
    }

    /// Tokens that `max_completion_length` bounds: with roles those of the longest conversation.
    private static int length(SampledCompletion sampled) {
        return sampled.episode()
                .filter(Episode::hasRoles)
                .map(Episode::longestConversation)
                .orElse(sampled.ids().length);
    }

    private String where(Line line) {
        return file + ":" + line.number();
    }

    /// @throws RolloutException if places are missing, out of range or taken twice
    @Override
    public Optional<int[]> order(long round) {
        List<Line> lines = rounds.getOrDefault(round, List.of());
        boolean placed = lines.stream().anyMatch(line -> line.completion().place().isPresent());
        int[] order = new int[lines.size()];
        Arrays.fill(order, -1);
        for (int i = 0; i < order.length; i++) {
            Line line = lines.get(i);
            int place = placed ? line.completion().place().orElse(-1) : i;
            if (place < 0 || place >= order.length || order[place] >= 0) {
                throw new RolloutException(
                        "%s: place is %s; accepted: each number from 0 to %d once in round %d"
                                .formatted(
                                        where(line),
                                        place < 0 ? "missing" : place,
                                        order.length - 1,
                                        round));
            }
            order[place] = i;
        }
        return Optional.of(order);
    }

    /// Whether a line completes a prompt. An episode may begin otherwise than its row, so its
    /// columns are compared.
    private static boolean answers(RolloutPrompt prompt, RecordedCompletion line) {
        return line.sampled()
                .episode()
                .map(e -> RecordedEpisode.isOf(e, prompt))
                .orElseGet(() -> SeenPicture.agree(prompt.ids(), line.prompt()));
    }

    /// @throws RolloutException if an episode has several roles
    public void requireOneSpeaker() {
        rounds.values().stream()
                .flatMap(List::stream)
                .filter(
                        l ->
                                l.completion()
                                        .sampled()
                                        .episode()
                                        .filter(Episode::hasRoles)
                                        .isPresent())
                .findFirst()
                .ifPresent(
                        line -> {
                            throw new RolloutException(
                                    "%s: the episode has several roles, whose rewards differ; accepted: one speaker, or grpo with credit: roles"
                                            .formatted(where(line)));
                        });
    }

    /// Rewards of the round, or the part of one, that was asked for last, by function; NaN is none.
    public List<Map<String, Double>> rewards() {
        return current.stream().map(line -> line.completion().rewards()).toList();
    }

    /// The functions that gave rewards, with their weights; NaN where the file tells none.
    public Map<String, Double> rewardWeights() {
        return new LinkedHashMap<>(weights);
    }

    @Override
    public boolean isOnPolicy() {
        return false;
    }

    /// Whether another sampler than the recorded run's policy wrote a completion of the round. A
    /// replay learns from the policy's as that run did.
    @Override
    public boolean isElsewhere(long round) {
        return !rounds.getOrDefault(round, List.of()).stream()
                .allMatch(line -> line.completion().isPolicys());
    }
}
