package org.attune.trainers.onpolicy;

import org.attune.episode.EndReason;
import org.attune.episode.Episode;
import org.attune.episode.ToolOutcome;
import org.attune.episode.Turn;
import org.attune.rollout.SampledCompletion;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/// What a round's episodes did: why they ended, their turns and calls, and who wrote their tokens.
/// Two names are TRL's: `tools/call_frequency` and `tools/failure_frequency`.
public final class EpisodeMetrics {
    private EpisodeMetrics() {}

    /// Metrics of completions that are episodes; empty if none is.
    ///
    /// - `episodes/end/<reason>`: share of the episodes that ended so; all reasons are given
    /// - `episodes/turns/mean` and `max`
    /// - `episodes/failures/<kind>`: calls that failed so in an episode, a mean; `unreadable` ones
    ///   are those that can't be parsed
    /// - `episodes/tokens/<whose>`: tokens of the prompt, of the model's own and foreign ones in an
    ///   episode, means
    /// - `episodes/call_seconds/<quantile>`: how long calls took; 0 without any
    /// - `roles/<role>/turns` and `roles/<role>/tokens`: turns and own tokens of a role in an
    ///   episode, means; of environments with roles
    ///
    /// Failed episodes count as an end only, since they are as if they had never begun.
    public static Map<String, Double> of(List<SampledCompletion> completions) {
        List<Episode> all =
                completions.stream()
                        .map(SampledCompletion::episode)
                        .flatMap(Optional::stream)
                        .toList();
        if (all.isEmpty()) {
            return Map.of();
        }
        List<Episode> episodes = all.stream().filter(e -> e.end() != EndReason.FAILED).toList();
        Map<String, Double> metrics = new LinkedHashMap<>();
        calls(metrics, episodes);
        for (EndReason reason : EndReason.values()) {
            long count = all.stream().filter(e -> e.end() == reason).count();
            metrics.put("episodes/end/" + reason.key(), (double) count / all.size());
        }
        if (!episodes.isEmpty()) {
            contents(metrics, episodes);
        }
        return metrics;
    }

    private static Stream<ToolOutcome> outcomes(List<Episode> episodes) {
        return episodes.stream()
                .flatMap(e -> e.turns().stream())
                .flatMap(t -> t.outcomes().stream())
                .filter(o -> o.kind() != ToolOutcome.Kind.NOT_RUN);
    }

    private static void calls(Map<String, Double> metrics, List<Episode> episodes) {
        long calls = outcomes(episodes).count();
        long failures = outcomes(episodes).filter(o -> o.kind().isError()).count();
        metrics.put("tools/call_frequency", (double) calls / Math.max(1, episodes.size()));
        metrics.put("tools/failure_frequency", (double) failures / Math.max(1, calls));
    }

    private static void contents(Map<String, Double> metrics, List<Episode> episodes) {
        mean(metrics, "episodes/turns/mean", episodes, e -> e.turns().size());
        metrics.put(
                "episodes/turns/max",
                (double) episodes.stream().mapToInt(e -> e.turns().size()).max().orElseThrow());
        failures(metrics, episodes);
        mean(metrics, "episodes/tokens/prompt", episodes, e -> e.promptIds().length);
        mean(metrics, "episodes/tokens/own", episodes, Episode::sampledTokens);
        mean(metrics, "episodes/tokens/foreign", episodes, e -> e.length() - e.sampledTokens());
        latency(metrics, episodes);
        roles(metrics, episodes);
    }

    private static void roles(Map<String, Double> metrics, List<Episode> episodes) {
        Set<String> roles = new LinkedHashSet<>();
        episodes.forEach(e -> e.turns().forEach(t -> roles.add(t.role())));
        roles.remove("");
        for (String role : roles) {
            String name = "roles/" + role;
            mean(metrics, name + "/turns", episodes, e -> (int) of(e, role).count());
            mean(
                    metrics,
                    name + "/tokens",
                    episodes,
                    e -> of(e, role).mapToInt(t -> t.ids().length).sum());
        }
    }

    private static Stream<Turn> of(Episode episode, String role) {
        return episode.turns().stream().filter(turn -> turn.role().equals(role));
    }

    private static void failures(Map<String, Double> metrics, List<Episode> episodes) {
        Map<ToolOutcome.Kind, Long> counts = new EnumMap<>(ToolOutcome.Kind.class);
        outcomes(episodes).forEach(o -> counts.merge(o.kind(), 1L, Long::sum));
        for (ToolOutcome.Kind kind : ToolOutcome.Kind.values()) {
            if (kind.isError()) {
                metrics.put(
                        "episodes/failures/" + kind.name().toLowerCase(Locale.ROOT),
                        (double) counts.getOrDefault(kind, 0L) / episodes.size());
            }
        }
        mean(
                metrics,
                "episodes/failures/unreadable",
                episodes,
                e ->
                        e.turns().stream()
                                .mapToInt(t -> t.parsed().map(p -> p.problems().size()).orElse(0))
                                .sum());
    }

    private static void latency(Map<String, Double> metrics, List<Episode> episodes) {
        List<Long> nanos = new ArrayList<>(outcomes(episodes).map(ToolOutcome::nanos).toList());
        if (nanos.isEmpty()) {
            nanos.add(0L);
        }
        nanos.sort(null);
        metrics.put("episodes/call_seconds/median", seconds(nanos, 0.5));
        metrics.put("episodes/call_seconds/p95", seconds(nanos, 0.95));
        metrics.put("episodes/call_seconds/max", seconds(nanos, 1));
    }

    /// The smallest value that a share of the values doesn't exceed.
    private static double seconds(List<Long> sorted, double share) {
        int place = Math.max(0, (int) Math.ceil(share * sorted.size()) - 1);
        return sorted.get(place) / 1e9;
    }

    @FunctionalInterface
    private interface Count {
        int of(Episode episode);
    }

    private static void mean(
            Map<String, Double> metrics, String name, List<Episode> episodes, Count count) {
        metrics.put(name, episodes.stream().mapToInt(count::of).average().orElseThrow());
    }
}
