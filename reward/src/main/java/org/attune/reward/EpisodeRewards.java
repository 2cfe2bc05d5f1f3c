package org.attune.reward;

import org.attune.episode.EndReason;
import org.attune.episode.Episode;
import org.attune.episode.Turn;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
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
        Set<String> answering = new HashSet<>();
        environments.stream()
                .filter(name -> completions.stream().anyMatch(c -> answers(c, name)))
                .forEach(answering::add);
        // A round without any reward has a column still, for the run to see that it is empty.
        if (environments.size() > 1 || !functions.names().isEmpty()) {
            environments.removeIf(
                    name -> completions.stream().allMatch(c -> of(c, name, answering).isEmpty()));
        }
        Map<String, List<Optional<double[]>>> splits =
                splits(functions, completions, environments, answering);
        environments.removeAll(functions.names());
        List<String> names = new ArrayList<>(functions.names());
        names.addAll(environments);
        double[] weights = Arrays.copyOf(functions.weights(), names.size());
        Arrays.fill(weights, functions.names().size(), weights.length, 1);
        double[][] values = new double[completions.size()][];
        for (int i = 0; i < values.length; i++) {
            values[i] = row(functions.values()[i], completions.get(i), environments, answering);
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
            RewardTable functions,
            List<Completion> completions,
            Set<String> environments,
            Set<String> answering) {
        Map<String, List<Optional<double[]>>> splits = new LinkedHashMap<>(functions.turns());
        for (String name : environments) {
            splits.put(
                    name,
                    completions.stream()
                            .map(c -> of(c, name, answering).isPresent() ? c.episode() : NO_EPISODE)
                            .map(episode -> episode.map(EpisodeRewards::ofTurns))
                            .toList());
        }
        return splits;
    }

    private static double[] ofTurns(Episode episode) {
        return episode.turns().stream().mapToDouble(Turn::reward).toArray();
    }

    private static double[] row(
            double[] given,
            Completion completion,
            Set<String> environments,
            Set<String> answering) {
        double[] row = Arrays.copyOf(given, given.length + environments.size());
        int at = given.length;
        for (String name : environments) {
            row[at++] = of(completion, name, answering).orElse(Double.NaN);
        }
        if (isFailed(completion)) {
            Arrays.fill(row, Double.NaN);
        }
        return row;
    }

    private static boolean isFailed(Completion completion) {
        return completion.episode().filter(e -> e.end() == EndReason.FAILED).isPresent();
    }

    /// What an environment gave an episode and its turns. One that answers turns itself gives 0
    /// where it said nothing, as to an episode that was cut; else it gave none, since rewarding is
    /// not its business.
    private static OptionalDouble of(
            Completion completion, String environment, Set<String> answering) {
        Optional<Episode> episode = episode(completion, environment);
        if (episode.isEmpty()) {
            return OptionalDouble.empty();
        }
        OptionalDouble whole = episode.get().rewards().get(environment);
        double turns = episode.get().turns().stream().mapToDouble(Turn::reward).sum();
        return whole.isPresent() || answering.contains(environment)
                ? OptionalDouble.of(whole.orElse(0) + turns)
                : OptionalDouble.empty();
    }

    private static Optional<Episode> episode(Completion completion, String environment) {
        return completion
                .episode()
                .filter(e -> e.end() != EndReason.FAILED)
                .filter(e -> e.rewards().containsKey(environment));
    }

    /// Whether an environment answered or rewarded a turn of an episode.
    private static boolean answers(Completion completion, String environment) {
        return episode(completion, environment)
                .filter(
                        e ->
                                e.end() == EndReason.ENVIRONMENT_DONE
                                        || e.turns().stream()
                                                .anyMatch(t -> t.reward() != 0 || isAnswered(t)))
                .isPresent();
    }

    private static boolean isAnswered(Turn turn) {
        return turn.outcomes().isEmpty() && !turn.answers().isEmpty();
    }
}
