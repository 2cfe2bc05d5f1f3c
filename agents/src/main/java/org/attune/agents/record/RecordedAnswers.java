package org.attune.agents.record;

import org.attune.episode.Episode;
import org.attune.episode.EpisodeStart;
import org.attune.episode.ToolOutcome;
import org.attune.episode.Turn;
import org.attune.json.Json;
import org.attune.rollout.source.RecordedCompletion;
import org.attune.rollout.source.RecordedLines;

import java.math.BigDecimal;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/// What tools answered in recorded episodes, by the row of the episode, the tool, its arguments,
/// and how often the episode had made the same call before. Where several episodes of a row made a
/// call, that of the same member of the group counts, else the first. Immutable.
public final class RecordedAnswers {
    private final Map<String, Map<Integer, ToolOutcome>> answers = new HashMap<>();
    private int calls;

    private RecordedAnswers() {}

    /// Reads what `record_rollouts` wrote.
    ///
    /// @throws org.attune.error.RolloutException naming file and line of what can't be read
    public static RecordedAnswers read(Path file) {
        return of(
                RecordedLines.all(file, Set.of()).stream()
                        .map(RecordedCompletion::sampled)
                        .flatMap(sampled -> sampled.episode().stream())
                        .toList());
    }

    /// The answers of given episodes.
    public static RecordedAnswers of(List<Episode> episodes) {
        var recorded = new RecordedAnswers();
        episodes.forEach(recorded::add);
        return recorded;
    }

    private void add(Episode episode) {
        Map<String, Integer> before = new HashMap<>();
        for (Turn turn : episode.turns()) {
            for (ToolOutcome outcome : turn.outcomes()) {
                if (reachedTheTool(outcome.kind())
                        && outcome.call().arguments() instanceof Map<?, ?> arguments) {
                    String call = call(outcome.call().name(), arguments);
                    int occurrence = before.merge(call, 1, Integer::sum) - 1;
                    answers.computeIfAbsent(
                                    key(episode.start(), call, occurrence), _ -> new TreeMap<>())
                            .putIfAbsent(episode.start().member(), outcome);
                    calls++;
                }
            }
        }
    }

    private static boolean reachedTheTool(ToolOutcome.Kind kind) {
        return switch (kind) {
            case OK, FINAL, REFUSED, TIMED_OUT -> true;
            case UNKNOWN_TOOL, BAD_ARGUMENTS, NOT_RUN -> false;
        };
    }

    /// How many calls are recorded.
    public int size() {
        return calls;
    }

    /// The recorded answer to a call.
    ///
    /// @param occurrence how often the episode had made the same call before
    Optional<ToolOutcome> find(
            EpisodeStart episode, String tool, Map<String, Object> arguments, int occurrence) {
        Map<Integer, ToolOutcome> members =
                answers.get(key(episode, call(tool, arguments), occurrence));
        if (members == null) {
            return Optional.empty();
        }
        ToolOutcome own = members.get(episode.member());
        return Optional.of(own == null ? members.values().iterator().next() : own);
    }

    private static String key(EpisodeStart episode, String call, int occurrence) {
        return Json.write(List.of(alike(episode.row()), call, (long) occurrence));
    }

    /// Calls that mean the same are the same text: the order of arguments doesn't count, a number
    /// may be written as text, and an argument that is null as well be left out.
    static String call(String tool, Map<?, ?> arguments) {
        return tool + Json.write(alike(arguments));
    }

    private static Object alike(Object value) {
        return switch (value) {
            case Map<?, ?> map -> {
                var sorted = new TreeMap<String, Object>();
                map.forEach(
                        (key, inner) -> {
                            if (inner != null) {
                                sorted.put(String.valueOf(key), alike(inner));
                            }
                        });
                yield new LinkedHashMap<>(sorted);
            }
            case List<?> list -> {
                var copy = new ArrayList<>();
                list.forEach(inner -> copy.add(alike(inner)));
                yield copy;
            }
            case null -> "null";
            default -> scalar(String.valueOf(value));
        };
    }

    private static String scalar(String text) {
        try {
            return text.length() > 40
                    ? text
                    : new BigDecimal(text.strip()).stripTrailingZeros().toString();
        } catch (NumberFormatException e) {
            return text;
        }
    }
}
