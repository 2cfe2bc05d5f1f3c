package org.attune.reward;

import org.attune.episode.EndReason;
import org.attune.episode.Episode;
import org.attune.episode.Turn;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;

/// What environments give, as columns beside those of functions, each with weight 1 and named after
/// its environment, as in TRL. Failed episodes get no reward at all.
public final class EpisodeRewards {
    private static final Optional<Episode> NO_EPISODE = Optional.empty();

    private EpisodeRewards() {}

    /// The table of a round with what its episodes' environments gave. The rewards of turns are
    /// added to that of the whole episode. A name that the table has already, as that of a recorded
    /// round, is left as it is.
    ///
    /// @param functions what functions gave, `(N, F)`
    /// @param completions judged, `(N)`
    /// @return the same table where no completion is an episode
    public static RewardTable joined(RewardTable functions, List<Completion> completions) {
        if (completions.stream().allMatch(c -> c.episode().isEmpty())) {
            return functions;
        }
        Set<String> environments = new LinkedHashSet<>();
        completions.forEach(
                c -> c.episode().ifPresent(e -> environments.addAll(e.rewards().keySet())));
        environments.removeIf(name -> completions.stream().allMatch(c -> of(c, name).isEmpty()));
        Map<String, List<Optional<double[]>>> splits = splits(functions, completions, environments);
        environments.removeAll(functions.names());
        List<String> names = new ArrayList<>(functions.names());
        names.addAll(environments);
        double[] weights = Arrays.copyOf(functions.weights(), names.size());
        Arrays.fill(weights, functions.names().size(), weights.length, 1);
        double[][] values = new double[completions.size()][];
        for (int i = 0; i < values.length; i++) {
            values[i] = row(functions.values()[i], completions.get(i), environments);
        }
        return new RewardTable(
                names,
                weights,
                values,
                functions.failures(),
                functions.metrics(),
                functions.extras(),
                splits);
    }

    private static Map<String, List<Optional<double[]>>> splits(
            RewardTable functions, List<Completion> completions, Set<String> environments) {
        Map<String, List<Optional<double[]>>> splits = new LinkedHashMap<>(functions.turns());
        for (String name : environments) {
            splits.put(
                    name,
                    completions.stream()
                            .map(c -> of(c, name).isPresent() ? c.episode() : NO_EPISODE)
                            .map(episode -> episode.map(EpisodeRewards::ofTurns))
                            .toList());
        }
        return splits;
    }

    private static double[] ofTurns(Episode episode) {
        return episode.turns().stream().mapToDouble(Turn::reward).toArray();
    }

    private static double[] row(double[] given, Completion completion, Set<String> environments) {
        double[] row = Arrays.copyOf(given, given.length + environments.size());
        int at = given.length;
        for (String name : environments) {
            row[at++] = of(completion, name).orElse(Double.NaN);
        }
        if (isFailed(completion)) {
            Arrays.fill(row, Double.NaN);
        }
        return row;
    }

    private static boolean isFailed(Completion completion) {
        return completion.episode().filter(e -> e.end() == EndReason.FAILED).isPresent();
    }

    /// What an environment gave an episode and its turns. None if it gave neither and answered no
    /// turn itself: then rewarding is not its business.
    private static OptionalDouble of(Completion completion, String environment) {
        Optional<Episode> episode =
                completion
                        .episode()
                        .filter(e -> e.end() != EndReason.FAILED)
                        .filter(e -> e.rewards().containsKey(environment));
        if (episode.isEmpty()) {
            return OptionalDouble.empty();
        }
        OptionalDouble whole = episode.get().rewards().get(environment);
        double turns = episode.get().turns().stream().mapToDouble(Turn::reward).sum();
        boolean answers =
                episode.get().end() == EndReason.ENVIRONMENT_DONE
                        || episode.get().turns().stream().anyMatch(EpisodeRewards::isAnswered);
        return whole.isPresent() || answers || turns != 0
                ? OptionalDouble.of(whole.orElse(0) + turns)
                : OptionalDouble.empty();
    }

    private static boolean isAnswered(Turn turn) {
        return turn.outcomes().isEmpty() && !turn.answers().isEmpty();
    }
}
